"""Bidirectional: one call of a kernel, states, refusals, a user's own cells."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

import torch_layers as tl

LAYERS = [tl.LSTM, tl.GRU, tl.SimpleRNN]


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def both(layer, x, **kwargs):
    """What the two layers give by themselves."""
    one = layer.forward_layer(x, **kwargs)
    other = layer.backward_layer(x, **kwargs)
    return one, other.flip(1) if layer.return_sequences else other


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("sequences", [False, True])
def test_runs_both_ways_in_one_call_and_computes_what_two_do(kind, sequences):
    layer = tl.Bidirectional(kind(3, return_sequences=sequences, bias_initializer="random_normal"))
    x = torch.randn(2, 4, 5)
    close(layer(x), torch.cat(both(layer, x), -1))
    program = torch.export.export(layer.eval(), (x,))
    names = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert sum(re.search("lstm|gru|rnn_tanh", name) is not None for name in names) == 1, names


@pytest.mark.parametrize(
    "layer",
    [
        tl.Bidirectional(tl.LSTM(3, activation="relu")),
        tl.Bidirectional(tl.GRU(3, reset_after=False)),
        tl.Bidirectional(tl.SimpleRNN(3, activation="sigmoid")),
        tl.Bidirectional(tl.LSTM(3, activity_regularizer="l2")),
        tl.Bidirectional(tl.LSTM(3), backward_layer=tl.LSTM(4, go_backwards=True)),
        tl.Bidirectional(tl.LSTM(3), backward_layer=tl.GRU(3, go_backwards=True)),
        tl.Bidirectional(tl.LSTM(3), backward_layer=tl.LSTM(3, use_bias=False, go_backwards=True)),
        tl.Bidirectional(tl.SimpleRNN(3), backward_layer=tl.SimpleRNN(3, activation="relu", go_backwards=True)),
        tl.Bidirectional(tl.GRU(3, go_backwards=True), backward_layer=tl.GRU(3)),
    ],
    ids=repr,
)
def test_calls_both_layers_where_no_kernel_computes_the_same(layer):
    x = torch.randn(2, 4, 5)
    assert not layer._is_fused()
    close(layer(x), torch.cat(both(layer, x), -1))


def test_dropout_of_inputs_is_drawn_for_each_way():
    layer = tl.Bidirectional(tl.LSTM(3, dropout=0.5))
    assert not layer._is_fused()
    assert layer.eval()._is_fused()
    layer.train()(torch.randn(2, 4, 5))


def test_losses_of_both_layers_count():
    layer = tl.Bidirectional(tl.LSTM(3, activity_regularizer="l2", kernel_regularizer="l2"))
    layer(torch.randn(2, 4, 5))
    assert len(layer.losses) == 4


def test_layers_share_nothing_with_the_one_given():
    given = tl.LSTM(3, input_shape=(4, 5), name="given")
    before = [weight.copy() for weight in given.get_weights()]
    layer = tl.Bidirectional(given)
    assert [layer.forward_layer.name, layer.backward_layer.name] == ["forward_given", "backward_given"]
    for weight in layer.parameters():
        weight.data.fill_(7)
    assert all((a == b).all() for a, b in zip(given.get_weights(), before, strict=True))
    again = tl.Bidirectional(layer.forward_layer)
    assert again.forward_layer.name == "forward_given"


def test_weights_come_forward_ones_first():
    arrays = [np.full(shape, i, np.float32) for i, shape in enumerate([(5, 9), (3, 9), (2, 9)] * 2)]
    layer = tl.Bidirectional(tl.GRU(3), weights=arrays, input_shape=(4, 5))
    for mine, given in zip(layer.get_weights(), arrays, strict=True):
        assert (mine == given).all()
    assert (layer.forward_layer.cell.bias == 2).all()
    assert (layer.backward_layer.cell.weight_ih == 3).all()


@pytest.mark.parametrize("kind", LAYERS)
def test_stateful_layers_go_on_where_they_ended(kind):
    layer = tl.Bidirectional(kind(3, stateful=True, return_state=True), batch_input_shape=(2, 4, 5))
    x = torch.randn(2, 4, 5)
    assert all((state == 0).all() for state in layer.states)
    _, *states = layer(x)
    for kept, state in zip(layer.states, states, strict=True):
        assert torch.equal(kept, state)
    second, *_ = layer(x)
    layer.reset_state()
    expected, *_ = layer(x, initial_state=states)
    close(second, expected)
    with pytest.raises(ValueError, match=r"the input has batch size 3, stateful=True keeps states for 2"):
        layer(torch.randn(3, 4, 5))


def test_initial_states_go_half_to_each_way():
    layer = tl.Bidirectional(tl.LSTM(3, return_sequences=True), merge_mode=None)
    x, states = torch.randn(2, 4, 5), [torch.randn(2, 3) for _ in range(4)]
    one, other = layer(x, initial_state=states)
    close(one, layer.forward_layer(x, initial_state=states[:2]))
    close(other, layer.backward_layer(x, initial_state=states[2:]).flip(1))


def test_a_padded_sequence_gives_what_the_sequence_alone_gives():
    layer = tl.Bidirectional(tl.LSTM(3, return_sequences=True))
    x, mask = torch.randn(2, 5, 4), torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    y = layer(x, mask=mask)
    close(y[:1, :3], layer(x[:1, :3]))
    close(y[1:], layer(x[1:]))
    assert (y[0, 3:] == 0).all()


class Sum(nn.Module):
    """A user's cell without a config."""

    def __init__(self):
        super().__init__()
        self.state_size = self.output_size = 4
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, inputs, states):
        total = states[0] + inputs * self.scale
        return total, [total]


def test_takes_a_cell_of_a_user_s_own():
    layer = tl.Bidirectional(tl.RNN(Sum(), return_sequences=True), merge_mode=None)
    x = torch.randn(2, 3, 4)
    one, other = layer(x)
    close(one, x.cumsum(1))
    close(other, x.flip(1).cumsum(1).flip(1))
    assert layer.forward_layer.cell is not layer.backward_layer.cell


def test_symbolic_states_of_an_encoder():
    x = tl.Input((4, 5))
    y, *states = tl.Bidirectional(tl.GRU(3, return_state=True))(x)
    decoded = tl.Bidirectional(tl.GRU(3, return_sequences=True))(x, initial_state=states)
    model = tl.Model(x, [y, decoded])
    y, decoded = model(torch.randn(2, 4, 5))
    assert y.shape == (2, 6)
    assert decoded.shape == (2, 4, 6)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: tl.Bidirectional(3), "Bidirectional: layer=3 is not a layer with go_backwards, stateful, "),
        (lambda: tl.Bidirectional(tl.Dense(3)), "Bidirectional: layer=Dense(units=3) is not a layer with go_backwards"),
        (
            lambda: tl.Bidirectional(tl.LSTM(3), backward_layer=nn.LSTM(2, 3)),
            "Bidirectional: backward_layer=LSTM(2, 3) is not a layer with go_backwards",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3), merge_mode="concatenate"),
            "Bidirectional: merge_mode='concatenate' is not one of ('concat', 'sum', 'mul', 'ave', None) (did you mean",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3), backward_layer=tl.LSTM(3)),
            "Bidirectional: layer and backward_layer both have go_backwards=False, one must not",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3), backward_layer=tl.LSTM(3, go_backwards=True, return_sequences=True)),
            "Bidirectional: layer has return_sequences=False, backward_layer has True: both must be equal",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3, stateful=True))(tl.Input((4, 5))),
            "LSTM: stateful=True needs a batch size",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3))(torch.ones(2, 4, 5), initial_state=[torch.ones(2, 3)] * 3),
            "Bidirectional: initial_state is not a list of an even number of states, but 3",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3))(torch.ones(2, 4, 5), initial_state=[torch.ones(2, 3)] * 2),
            "LSTM: initial_state of shapes [(2, 3)], needed are [(2, 3), (2, 3)]",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3))(torch.ones(2, 4, 5), initial_state=torch.ones(2, 3)),
            "Bidirectional: initial_state is not a list of an even number of states, but Tensor",
        ),
        (
            lambda: tl.Bidirectional(tl.LSTM(3))(torch.ones(2, 4, 5), mask=torch.ones(2, 3)),
            "LSTM: mask of shape (2, 3) for an input of shape (2, 4, 5)",
        ),
        (lambda: tl.Bidirectional(tl.LSTM(3))(torch.ones(2, 5)), "Bidirectional: input of shape (2, 5) has rank 2"),
        (
            lambda: tl.Bidirectional(tl.GRU(3))(torch.ones(2, 0, 5)),
            "Bidirectional: input of shape (2, 0, 5) has no step",
        ),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make()


def test_reset_state_wants_stateful_layers():
    with pytest.raises(AttributeError, match="Bidirectional: reset_state needs layers with stateful=True"):
        tl.Bidirectional(tl.LSTM(3)).reset_state()


def test_a_refused_call_leaves_the_states():
    layer = tl.Bidirectional(tl.LSTM(3, stateful=True), batch_input_shape=(2, 4, 5))
    layer(torch.randn(2, 4, 5))
    before = [state.clone() for state in layer.states]
    with pytest.raises(ValueError, match="LSTM: mask of shape"):
        layer(torch.randn(2, 4, 5), mask=torch.ones(2, 3))
    for mask in (None, torch.ones(2, 4)):
        with pytest.raises(ValueError, match="LSTM: initial_state of shapes"):
            layer(torch.randn(2, 4, 5), initial_state=[torch.ones(2, 3)] * 3 + [torch.ones(2, 4)], mask=mask)
    assert all(torch.equal(a, b) for a, b in zip(layer.states, before, strict=True))


@pytest.mark.parametrize("kind", [tl.LSTM, tl.GRU])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_sequences": True, "return_state": True}])
def test_a_mask_leaves_one_call_and_junk_behind_it_changes_nothing(kind, options, monkeypatch):
    layer = tl.Bidirectional(kind(3, bias_initializer="random_normal", **options), merge_mode="sum")
    x = torch.randn(4, 5, 2)
    mask = torch.tensor([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)
    x[~mask] = torch.nan
    layer(x)
    expected, states = layer._in_two_calls(torch.nan_to_num(x), [None, None], mask)
    monkeypatch.setattr(tl.Bidirectional, "_in_two_calls", None)
    with torch.no_grad():  # the way back of GRU is quicker in two
        found = layer(x, mask=mask)
    for a, b in zip(found if states else [found], [expected, *states], strict=True):
        close(a, b)


def test_features_of_another_number_are_refused_before_the_kernel_reads_them():
    layer = tl.Bidirectional(tl.LSTM(3))
    layer(torch.ones(2, 4, 5))
    for mask in (None, torch.ones(2, 4)):
        with pytest.raises(ValueError, match=r"LSTM: input of shape \(2, 4, 6\) has size 6 in axis -1, the layer was"):
            layer(torch.ones(2, 4, 6), mask=mask)
        with pytest.raises(ValueError, match=r"LSTM: input of shape \(2, 4, 4\) has size 4 in axis -1, the layer was"):
            layer(torch.ones(2, 4, 4), mask=mask)
