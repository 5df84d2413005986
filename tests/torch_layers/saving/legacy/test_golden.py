"""Files of Keras that runs nowhere any more: read without any Keras, they compute what it computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.legacy import old_layers as old
from torch_layers.saving.hdf5 import Group, open_hdf5
from torch_layers.saving.load import load_model, load_weights
from torch_layers.saving.source import opened

GOLDEN = Path(__file__).parent / "golden"
RNG = np.random.default_rng(0)


class Arrays:
    """The arrays of a file in float64, layer by layer, in the order of their names' list."""

    def __init__(self, name: str) -> None:
        with opened(GOLDEN / f"{name}.h5") as source:
            root = open_hdf5(source)
            group = root["model_weights"]
            assert isinstance(group, Group)
            self.layers = {layer: self._read(group[layer]) for layer in group.attrs["layer_names"]}

    def _read(self, group: Any) -> list[Any]:
        return [group[name].read().astype("float64") for name in list(group.attrs["weight_names"])]

    def __getitem__(self, layer: str) -> list[Any]:
        return self.layers[layer]


def loaded(name: str, x: Any) -> Any:
    """Return what the model of a file computes."""
    with torch.no_grad():
        return load_model(GOLDEN / f"{name}.h5")(x).numpy()


def close(actual: Any, expected: Any) -> None:
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


def signed(*shape: int) -> Any:
    return RNG.normal(size=shape).astype("float32")


def test_dense_layers_of_keras_1():
    w, x = Arrays("keras_1_dense"), signed(4, 4)
    kernel, bias = w["dense_1"]
    y = old.hard_sigmoid(x @ kernel + bias)
    y = old.batch_normalization(y, *w["batchnormalization_1"])
    y = old.maxout(old.highway(y, *w["highway_1"]), *w["maxoutdense_1"])
    close(loaded("keras_1_dense", x), y)


@pytest.mark.parametrize("order", ["tf", "th"])
def test_images_of_keras_1(order):
    w, x = Arrays(f"keras_1_images_{order}"), signed(2, 9, 8, 3)
    (kernel, bias), (depthwise, pointwise, other) = w["convolution2d_1"], w["separableconvolution2d_1"]
    up, up_bias = w["deconvolution2d_1"]
    if order == "th":
        kernel, depthwise, pointwise, up = (a.transpose(2, 3, 1, 0) for a in (kernel, depthwise, pointwise, up))
    y = old.conv_transpose(old.separable_conv(old.conv(x, kernel) + bias, depthwise, pointwise) + other, up) + up_bias
    if order == "th":
        x, y = x.transpose(0, 3, 1, 2), y.transpose(0, 3, 1, 2)
    kernel, bias = w["dense_1"]
    close(loaded(f"keras_1_images_{order}", x), y.reshape(2, -1) @ kernel + bias)


def test_sequences_of_keras_1():
    w, x = Arrays("keras_1_sequences"), RNG.integers(0, 7, (2, 8)).astype("int32")
    (table,), (kernel, bias) = w["embedding_1"], w["convolution1d_1"]
    y = old.conv(table[x][:, :, None], kernel)[:, :, 0] + bias
    y = old.gru(old.lstm(y, w["lstm_1"], old.hard_sigmoid), w["gru_1"], old.hard_sigmoid)
    arrays = w["bidirectional_1"]
    backward = old.lstm(y[:, ::-1], arrays[12:], old.hard_sigmoid)[:, ::-1]
    y = np.concatenate([old.lstm(y, arrays[:12], old.hard_sigmoid), backward], axis=-1)
    kernel, bias = w["timedistributed_1"]
    close(loaded("keras_1_sequences", x), y @ kernel + bias)


def test_gates_side_by_side_and_the_first_kernels_of_keras_1():
    w, x = Arrays("keras_1_gpu"), signed(2, 8, 4)
    kernel, bias = w["convolution1d_1"]
    y = old.conv(x[:, :, None], kernel.transpose(2, 3, 1, 0))[:, :, 0] + bias
    y = old.lstm(y, old.split(*w["lstm_1"], "ifco", "icfo"), old.hard_sigmoid)
    close(loaded("keras_1_gpu", x), old.gru(y, old.split(*w["gru_1"], "zrh", "zrh"), old.hard_sigmoid))


@pytest.mark.parametrize("order", ["tf", "th"])
def test_conv_lstm_of_keras_1(order):
    arrays, x = Arrays(f"keras_1_conv_lstm_{order}")["convlstm2d_1"], signed(2, 3, 5, 6, 2)
    if order == "th":
        arrays = [a if a.ndim == 1 else a.transpose(2, 3, 1, 0) for a in arrays]
    y = old.lstm(x, arrays, old.hard_sigmoid, old.same_conv)[:, -1]
    if order == "th":
        x, y = x.transpose(0, 1, 4, 2, 3), y.transpose(0, 3, 1, 2)
    close(loaded(f"keras_1_conv_lstm_{order}", x), y)


def test_a_chain_that_begins_with_merged_chains():
    w, a, b = Arrays("keras_1_merge"), signed(3, 4), signed(3, 5)
    (left, left_b), (left2, left2_b), (right, right_b), (last, last_b) = (
        w[n] for n in ("left", "left_2", "right", "last")
    )
    y = np.concatenate([(a @ left + left_b) @ left2 + left2_b, b @ right + right_b], axis=-1)
    close(loaded("keras_1_merge", [a, b]), y @ last + last_b)


def test_a_model_in_a_model_of_keras_1():
    w, x = Arrays("keras_1_nested"), signed(2, 6, 4)
    arrays, (kernel, bias) = w["inner"], w["dense_2"]
    y = old.gru(old.lstm(x, arrays[:12], old.hard_sigmoid), arrays[12:21], old.hard_sigmoid)[:, -1]
    gamma, beta, inner, inner_bias, mean, variance = arrays[21:]
    y = old.batch_normalization(y, gamma, beta, mean, variance) @ inner + inner_bias
    close(loaded("keras_1_nested", x), y @ kernel + bias)


def test_weights_by_number_of_keras_before_1():
    model = tl.Sequential([tl.Input((4,)), tl.Dense(5), tl.ReLU(), tl.Dense(2)])
    load_weights(model, GOLDEN / "keras_0_weights.h5")
    with opened(GOLDEN / "keras_0_weights.h5") as source:
        root = open_hdf5(source)
        for array, path in zip(model.get_weights(), ("0/param_0", "0/param_1", "2/param_0", "2/param_1"), strict=True):
            np.testing.assert_array_equal(array, root[f"layer_{path}"].read())


def test_kernels_of_theano():
    w, x = Arrays("keras_2_theano"), signed(2, 9, 8, 3)
    (kernel, bias), (depthwise, pointwise, other) = w["conv2d_1"], w["separable_conv2d_1"]
    up, up_bias = w["conv2d_transpose_1"]
    # Theano convolves, and the gradient of that is its transposed convolution; depthwise kernels were turned twice.
    y = old.separable_conv(old.conv(x, kernel[::-1, ::-1]) + bias, depthwise, pointwise) + other
    close(loaded("keras_2_theano", x), old.conv_transpose(y, up[::-1, ::-1].transpose(0, 1, 3, 2)) + up_bias)


def test_cudnn_layers_of_keras_2():
    w, x = Arrays("keras_2_cudnn"), signed(2, 6, 5)
    y = old.cudnn_gru(old.cudnn_lstm(x, *w["cu_dnnlstm_1"]), *w["cu_dnngru_1"])
    arrays = w["bidirectional_1"]
    backward = old.cudnn_lstm(y[:, ::-1], *arrays[3:])[:, ::-1]
    close(loaded("keras_2_cudnn", x), np.concatenate([old.cudnn_lstm(y, *arrays[:3]), backward], axis=-1))
