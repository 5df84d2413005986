"""TimeDistributed: when steps are joined, refusals, layers that parity can't name."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

import torch_layers as tl


def steps_alone(layer, x):
    return torch.stack([layer.layer(step) for step in x.unbind(1)], 1)


class Centered(tl.Layer):
    """A user's layer that looks at the whole batch."""

    def forward(self, x):
        return x - x.mean(0)


JOINED = [
    tl.Dense(3, activation="tanh"),
    tl.Conv2D(3, 2, padding="same"),
    tl.LayerNormalization(axis=1),
    tl.LSTM(3),
    tl.Bidirectional(tl.GRU(3)),
    tl.TimeDistributed(tl.Dense(3)),
]
ALONE = [
    Centered(),
    tl.Lambda(lambda x: x - x.mean(0)),
    tl.Softmax(axis=0),
    tl.Softmax(axis=-2),
    tl.Dense(3, activation=lambda x: x - x.mean(0)),
    tl.EinsumDense("ab,bc->ac", output_shape=3),
    tl.Sequential([tl.Dense(3), Centered()]),
    tl.LSTM(3, stateful=True),
    tl.Sequential([tl.Dense(3, activity_regularizer="l2")]),
]
RANKS = {"Conv2D": (5, 4, 2), "LSTM": (4, 2), "Bidirectional": (4, 2), "TimeDistributed": (4, 2)}


@pytest.mark.parametrize("joined, inner", [(True, m) for m in JOINED] + [(False, m) for m in ALONE], ids=repr)
def test_joins_steps_with_samples_only_for_layers_that_see_each_sample_alone(joined, inner):
    layer = tl.TimeDistributed(inner).eval()
    x = torch.randn(2, 3, *RANKS.get(type(inner).__name__, (5,)))
    y = layer(x)
    assert layer._joins_steps is joined
    if not getattr(inner, "stateful", False):
        torch.testing.assert_close(y, steps_alone(layer, x))


def test_batch_normalization_moves_once_for_each_step_of_training():
    layer = tl.TimeDistributed(tl.BatchNormalization(momentum=0.5, input_shape=(2,)))
    x = torch.randn(4, 3, 2)
    layer(x)
    mean = torch.zeros(2)
    for step in x.unbind(1):
        mean = 0.5 * mean + 0.5 * step.mean(0)
    torch.testing.assert_close(layer.layer.running_mean, mean)
    layer.layer.eval()  # of which the wrapper's mode says nothing
    before = layer.layer.running_mean.clone()
    torch.testing.assert_close(layer(x), steps_alone(layer, x))
    assert torch.equal(layer.layer.running_mean, before)


def test_dropout_with_a_noise_shape_draws_for_each_step():
    torch.manual_seed(0)
    layer = tl.TimeDistributed(tl.Dropout(0.5, noise_shape=(1, None)))
    kept = layer(torch.ones(5, 40, 3)) != 0
    assert (kept == kept[:1]).all()
    assert 0.2 < kept[0].float().mean() < 0.8


def test_outputs_of_several_tensors_are_joined_one_by_one():
    layer = tl.TimeDistributed(tl.LSTM(4, return_state=True))
    y, h, c = layer(torch.randn(2, 3, 5, 2))
    assert y.shape == h.shape == c.shape == (2, 3, 4)
    layer = tl.TimeDistributed(tl.Bidirectional(tl.LSTM(4, return_sequences=True), merge_mode=None))
    assert [tuple(y.shape) for y in layer(torch.randn(2, 3, 5, 2))] == [(2, 3, 5, 4)] * 2


def test_a_mask_goes_step_by_step_to_a_layer_that_takes_it():
    layer = tl.TimeDistributed(tl.GRU(3))
    x, mask = torch.randn(2, 3, 4, 5), torch.rand(2, 3, 4) > 0.4
    expected = torch.stack([layer.layer(a, mask=m) for a, m in zip(x.unbind(1), mask.unbind(1), strict=True)], 1)
    torch.testing.assert_close(layer(x, mask=mask), expected)
    assert layer.compute_mask(x, mask) is mask


def test_weights_are_those_of_the_layer_inside():
    layer = tl.TimeDistributed(tl.Sequential([tl.Flatten(), tl.Dense(2)]))
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)
    loss = layer(torch.randn(2, 3, 4, 5)).square().mean()
    loss.backward()
    optimizer.step()
    assert [name for name, _ in layer.named_parameters()] == ["layer.dense.weight", "layer.dense.bias"]


def test_a_model_carries_the_mask_around_the_layer():
    x = tl.Input((4,), dtype="int32")
    embedded = tl.Embedding(6, 3, mask_zero=True)(x)
    model = tl.Model(x, tl.GlobalAveragePooling1D()(tl.TimeDistributed(tl.Dense(2))(embedded)))
    ids = torch.tensor([[1, 2, 0, 0]])
    dense = model.get_layer("time_distributed").layer
    embedding = model.get_layer("embedding")
    torch.testing.assert_close(model(ids), dense(embedding(ids[:, :2])).mean(1))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: tl.TimeDistributed(nn.Linear(2, 3)),
            "TimeDistributed: layer=Linear(in_features=2, out_features=3, bias=",
        ),
        (
            lambda: tl.TimeDistributed(tl.Dense(2))(torch.ones(2, 3)),
            "TimeDistributed: input of shape (2, 3) has rank 2",
        ),
        (
            lambda: tl.TimeDistributed(tl.Dense(2))([torch.ones(2, 3, 4)] * 2),
            "TimeDistributed: takes one tensor, not several, of shapes [(2, 3, 4), (2, 3, 4)]",
        ),
        (
            lambda: tl.TimeDistributed(tl.Conv1D(2, 3))(torch.ones(2, 3, 4)),
            "Conv1D: input of shape (2, 4) has rank 2, allowed is 3",
        ),
        (
            lambda: tl.TimeDistributed(tl.Dense(2))(torch.ones(2, 3, 4), mask=torch.ones(2, 4)),
            "TimeDistributed: mask of shape (2, 4) does not begin with (batch, steps) of an input of shape (2, 3, 4)",
        ),
        (
            lambda: tl.TimeDistributed(tl.Dense(2))(torch.ones(2, 3, 4), mask=torch.ones(2)),
            "TimeDistributed: mask of shape (2,) does not begin with (batch, steps)",
        ),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        call()


def test_another_size_than_built_for_is_named():
    layer = tl.TimeDistributed(tl.Dense(2, input_shape=(4,)))
    with pytest.raises(
        ValueError, match=r"Dense: input of shape \(2, 5\) has size 5 in axis -1, the layer was built for 4"
    ):
        layer(torch.ones(2, 3, 5))
    layer(torch.ones(2, 3, 4))
    with pytest.raises(ValueError, match=r"Dense: input of shape \(6, 5\) has size 5 in axis -1"):
        layer(torch.ones(2, 3, 5))
