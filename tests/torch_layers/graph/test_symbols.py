"""Symbolic tensors: shapes with unknown sizes, what records, and what is refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from einops import einsum, rearrange, reduce, repeat

import torch_layers
from torch_layers import Dense, Embedding, Input, Layer, Model


def run(symbol, outputs, value):
    """Compute outputs, made from a symbol, for a value."""
    return Model(symbol, outputs)(value)


def test_input_says_shape_dtype_and_rank():
    x = Input((4, None), dtype="int32", name="ids")
    assert (x.shape, x.dtype, x.ndim, x.name) == ((None, 4, None), torch.int32, 3, "ids")
    assert Input((3,), batch_size=2).shape == (2, 3)
    assert Input(batch_shape=(None, 7)).shape == (None, 7)
    assert Input(()).shape == (None,)
    assert repr(x) == "<SymbolicTensor shape=(None, 4, None) dtype=int32 from ids>"


def test_input_has_torch_s_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        assert Input((2,)).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({}, "neither shape nor batch_shape is given"),
        ({"shape": (1,), "batch_shape": (2, 1)}, "both shape and batch_shape are given"),
        ({"batch_size": 2, "batch_shape": (2, 1)}, r"batch_size=2 can't be given beside batch_shape"),
        ({"shape": (1,), "sparse": True}, "sparse=True is not supported"),
        ({"shape": (1,), "ragged": True}, "ragged=True is not supported"),
        ({"shape": 3}, "shape=3 is not a tuple of sizes and None"),
        ({"shape": ("a",)}, r"shape=\('a',\) is not a tuple of sizes and None"),
        ({"shape": (1,), "dtype": "flot32"}, "dtype='flot32' is not one of"),
    ],
)
def test_input_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Input(**kwargs)


@pytest.mark.parametrize(
    "name, function, shape",
    [
        ("operators", lambda x: (2 - x) * x + x / 3 - (-x) ** 2, (None, 5, 4)),
        ("matmul", lambda x: x @ x.mT, (None, 5, 5)),
        ("comparison", lambda x: (x > 0) & ~(x <= 1), (None, 5, 4)),
        ("index", lambda x: x[:, 1:, ..., 0], (None, 4)),
        ("index of a list", lambda x: x[:, [0, 2]], (None, 2, 4)),
        ("method", lambda x: x.mean(1, keepdim=True), (None, 1, 4)),
        ("function", lambda x: torch.cat([x, F.relu(x)], -1), (None, 5, 8)),
        ("reshape", lambda x: x.reshape(x.size(0), -1), (None, 20)),
        ("reshape with -1", lambda x: x.reshape(-1, 4), (None, 4)),
        ("merged axes", lambda x: x.reshape(x.size(0) * 5, 4), (None, 4)),
        ("expand", lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1), (None, 3, 5, 4)),
        ("several results", lambda x: x.max(-1).values + x.topk(1)[0].squeeze(-1), (None, 5)),
        ("unpacking", lambda x: sum(x.unbind(1)), (None, 4)),
        ("tensor", lambda x: torch.where(x > 0, x, torch.zeros(4)), (None, 5, 4)),
        ("rearrange", lambda x: rearrange(x, "b (t s) d -> (b t) s d", t=5), (None, 1, 4)),
        ("reduce", lambda x: reduce(x, "b t d -> b d", "mean"), (None, 4)),
        ("repeat", lambda x: repeat(x, "b t d -> b t d k", k=2), (None, 5, 4, 2)),
        ("einsum", lambda x: einsum(x, x, "b t d, b s d -> b t s"), (None, 5, 5)),
    ],
)
def test_records(name, function, shape):
    x, value = Input((5, 4)), torch.randn(3, 5, 4)
    outputs = function(x)
    assert outputs.shape == shape
    torch.testing.assert_close(run(x, outputs, value), function(value))


@pytest.mark.parametrize("function", [lambda x, a: x + a, lambda x, a: a + x, lambda x, a: a[0] * x + a[1]])
def test_records_arrays(function):
    x, array = Input((4,)), np.arange(4, dtype="float32")
    value = torch.randn(3, 4)
    expected = torch.from_numpy(function(value.numpy(), array))
    torch.testing.assert_close(run(x, function(x, array), value), expected)


def test_unknown_axes_stay_unknown_through_what_depends_on_them():
    x = Input((None, 3))
    assert Dense(2)(x).shape == (None, None, 2)
    assert x[:, ::2].shape == (None, None, 3)
    assert x.mean(1).shape == (None, 3)
    assert F.max_pool1d(x.mT, 3, 2).shape == (None, 3, None)
    assert F.pad(x, (0, 1)).shape == (None, None, 4)
    assert x[:, :7].shape == (None, 7, 3)


def test_two_inputs_of_unknown_length_meet():
    x, y = Input((None, 3)), Input((None, 3))
    assert (x + y).shape == (None, None, 3)
    assert (x @ y.mT).shape == (None, None, None)


def test_a_layer_of_layers_builds_those_inside():
    class Block(Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = Dense(4), Dense(3)

        def forward(self, x):
            return self.second(self.first(x) + torch.arange(4))

    block = Block()
    y = block(Input((5,)))
    assert y.shape == (None, 3)
    assert block.first.weight.shape == (4, 5)
    assert block.second.weight.device.type == "cpu"
    assert block.second.weight.abs().sum() > 0
    assert block.second.get_build_config() == {"input_shape": (None, 4)}


def test_recording_leaves_no_trace():
    class Noisy(Layer):
        def __init__(self):
            super().__init__(activity_regularizer="l1")
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            return F.dropout(x, 0.5, self.training)

    layer = Noisy()
    state = torch.get_rng_state()
    layer(Input((3,)))
    assert layer.calls == 0
    assert layer.losses == []
    assert layer.training
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "function, error, message",
    [
        (lambda x: bool(x), TypeError, "has no truth value, so it can't decide an `if`"),
        (lambda x: int(x), TypeError, "has no value yet"),
        (lambda x: len(x), TypeError, "has no known length"),
        (lambda x: list(x), TypeError, "has no known length"),
        (lambda x: np.asarray(x), TypeError, "has no values yet"),
        (lambda x: x.add_(1), AttributeError, r"can't be changed in place by add_\(\); use add\(\)"),
        (lambda x: x.__setitem__(0, 1), TypeError, "has no values that could be changed in place"),
        (lambda x: x.device, AttributeError, "has no attribute 'device'"),
        (lambda x: x.nonsense, AttributeError, "has no attribute 'nonsense'"),
        (lambda x: torch.nn.Linear(4, 2)(x), TypeError, "must be inside a Layer"),
        (lambda x: x + Dense(4, input_shape=(2,)).weight.mT, TypeError, "takes gradients meets a symbolic tensor"),
        (lambda x: x.sum(object()), TypeError, "can't be an argument of a call on a symbolic tensor"),
        (lambda x: x + torch.ones(5), ValueError, r"add: not possible for shapes \(None, 4\), \(5,\)"),
        (lambda x: x.unbind(0), ValueError, "unbind: the number of its results depends on a size that is not known"),
        (lambda x: x.item(), ValueError, "item: not possible"),
        (lambda x: copy.copy(x), TypeError, "can't be pickled by itself"),
        (lambda x: copy.deepcopy(x), TypeError, "can't be copied by itself; copy a Model of it"),
        (lambda x: pickle.dumps(x), TypeError, "can't be pickled by itself; pickle a Model of it"),
    ],
)
def test_refuses(function, error, message):
    with pytest.raises(error, match=message):
        function(Input((4,)))


def test_layers_refuse_symbols_of_wrong_shape():
    dense = Dense(2, input_shape=(3,))
    with pytest.raises(ValueError, match=r"Dense: input of shape \(None, 4\) has size 4 in axis -1"):
        dense(Input((4,)))
    with pytest.raises(ValueError, match="Dense: input of shape"):
        Dense(2)(Input(()))


def test_errors_explain_the_sizes_that_stand_for_unknown_ones():
    with pytest.raises(ValueError, match=r"12.*\(12 standing for unknown sizes\)"):
        torch.cat([Input((4,)), torch.ones(5, 3)], 1)


def test_symbols_of_one_call_are_one():
    x = Input((4,))
    y = Dense(3)(x)
    assert y in [y]
    assert {y: 1}[y] == 1
    assert Embedding(5, 2)(Input((3,), dtype="int64")).shape == (None, 3, 2)


def test_layer_knows_its_first_call():
    dense, x = Dense(3), Input((4,))
    with pytest.raises(AttributeError):
        _ = dense.output
    y = dense(x)
    assert dense.output is y
    assert dense.input is x
    copied = copy.deepcopy(dense)
    assert not hasattr(copied, "output")


def test_layer_may_have_an_own_output():
    class Head(Layer):
        def __init__(self):
            super().__init__()
            self.output, self.input = Dense(2), 5

        def forward(self, x):
            return self.output(x)

    head = Head()
    assert head(Input((3,))).shape == (None, 2)
    assert isinstance(head.output, Dense)
    assert head.input == 5


def test_sequences_may_lose_ten_thousand_steps_and_volumes_stay_small_enough_to_count():
    x = Input((None, 4))
    model = Model(x, torch_layers.Cropping1D((5000, 5000))(torch_layers.Conv1D(2, 11, padding="same")(x)))
    assert model.output_shape == (None, None, 2)
    assert model(torch.zeros(1, 10_003, 4)).shape == (1, 3, 2)
    x = Input((None, None, None, 1))
    assert Model(x, torch_layers.Conv3D(512, 1)(x)).output_shape == (None, None, None, None, 512)
