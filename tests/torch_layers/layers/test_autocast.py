"""`autocast=False`: inputs stay as they are, and meet the weights in one dtype, as operands of Keras's operations do."""

from __future__ import annotations

import pytest
import torch

import torch_layers as tl

LAYERS = {
    "Dense": lambda **kwargs: tl.Dense(3, **kwargs),
    "EinsumDense": lambda **kwargs: tl.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d", **kwargs),
    "EinsumDense of no product": lambda **kwargs: tl.EinsumDense("abc,abc->a", (), **kwargs),
    "SimpleRNN": lambda **kwargs: tl.SimpleRNN(3, **kwargs),
    "GRU": lambda **kwargs: tl.GRU(3, **kwargs),
    "GRU, step by step": lambda **kwargs: tl.GRU(3, activation="relu", **kwargs),
    "LSTM": lambda **kwargs: tl.LSTM(3, **kwargs),
    "BatchNormalization": lambda **kwargs: tl.BatchNormalization(**kwargs),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.float16, torch.float64])
def test_another_dtype_meets_the_weights(name, training, dtype):
    make = LAYERS[name]
    x = torch.arange(24).reshape(2, 3, 4).to(dtype)
    layer = make(autocast=False).train(training)
    layer(x)
    same = make().train(training)
    same(x.float())
    same.set_weights(layer.get_weights())
    y = layer(x)
    assert y.dtype is (torch.float64 if dtype is torch.float64 and "Dense" in name else torch.float32)
    torch.testing.assert_close(y.float(), same(x.float()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", [tl.SimpleRNNCell, tl.GRUCell, tl.LSTMCell])
def test_a_cell_alone(cell):
    x = torch.arange(8).reshape(2, 4)
    layer = cell(3, autocast=False)
    states = layer.get_initial_state(2)
    y, _ = layer(x, states)
    expected, _ = layer(x.float(), states)
    torch.testing.assert_close(y, expected, rtol=0, atol=0)
