"""Cells, a user's own ones too, and RNN around them: what parity can't show."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import torch_layers as tl
from tests.torch_layers.layers.recurrent.test_recurrent import ALL, CELLS, X, near, randomized, same

every_cell = pytest.mark.parametrize("cell", CELLS)


class Leaky(nn.Module):
    """A user's own cell, a plain module."""

    state_size = 4
    output_size = 2

    def __init__(self):
        super().__init__()
        self.into, self.out = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, inputs, states):
        state = 0.5 * states[0] + self.into(inputs)
        return self.out(state), [state]


@every_cell
def test_a_cell_called_step_by_step_is_the_layer(cell):
    made, x = randomized(tl.RNN(cell(4), **ALL), X).double(), X.double()
    outputs, states = [], made.cell.get_initial_state(2)
    for step in range(5):
        output, states = made.cell(x[:, step], states)
        outputs.append(output)
    near(made(x), (torch.stack(outputs, 1), *states))


def test_a_stack_is_layers_in_turn():
    stack = randomized(tl.RNN([tl.LSTMCell(4), tl.GRUCell(6)], return_sequences=True), X)
    first, second = tl.LSTM(4, return_sequences=True), tl.GRU(6, return_sequences=True)
    second(first(X))
    first.set_weights(stack.get_weights()[:3])
    second.set_weights(stack.get_weights()[3:])
    same(stack(X), second(first(X)))
    assert next(iter(stack.state_dict())) == "cell.cells.0.weight_ih"
    wide, x = stack.double(), X.double()
    states = wide.cell.get_initial_state(2)
    for step in range(5):
        outputs, states = wide.cell(x[:, step], states)
    near(outputs, wide(x)[:, -1])


def test_a_user_s_own_cell():
    cell = Leaky()
    layer = tl.RNN(cell, **ALL)
    outputs, state = layer(X)
    assert (outputs.shape, state.shape) == ((2, 5, 2), (2, 4))
    expected = torch.zeros(2, 4)
    for step in range(5):
        expected = 0.5 * expected + cell.into(X[:, step])
    same(state, expected)
    same(outputs[:, -1], cell.out(state))
    held, state = layer(X, mask=torch.tensor([[True] * 3 + [False] * 2] * 2))
    same(held[:, -1], outputs[:, 2])
    assert {name.split(".")[0] for name, _ in layer.named_parameters()} == {"cell"}


def test_a_user_s_own_cell_in_a_stack_stateful_and_in_a_model():
    layer = tl.RNN([tl.LSTMCell(3), Leaky()], stateful=True)
    assert layer(X).shape == (2, 2)
    assert [state.shape for state in pytree.tree_leaves(layer.states)] == [(2, 3), (2, 3), (2, 4)]
    x = tl.Input((None, 3))
    model = tl.Model(x, tl.RNN(Leaky())(x))
    assert model(X).shape == (2, 2)


class Alone(nn.Module):
    """A cell that returns its state as a tensor, and says what it begins with."""

    state_size = 3

    def get_initial_state(self, batch_size=None):
        return torch.ones(batch_size, 3)

    def forward(self, inputs, states):
        return states[0] + inputs, states[0] + inputs


@pytest.mark.parametrize("stateful", [False, True])
def test_stacked_cells_keep_their_dtypes_and_the_layer_its_own(stateful):
    x = torch.linspace(-1, 1, 2 * 3 * 4, dtype=torch.float64).reshape(2, 3, 4)
    cells = [tl.LSTMCell(5, dtype="float64"), tl.GRUCell(6)]
    layer = tl.RNN(cells, stateful=stateful, return_state=True, dtype="float64")
    output, *states = layer(x)
    again, *_ = layer(x) if stateful else layer(x, initial_state=states)
    assert {y.dtype for y in pytree.tree_leaves([output, *states, again])} == {torch.float64}
    both = torch.cat([x, x], 1)
    whole = tl.RNN(cells, dtype="float64")(both)
    torch.testing.assert_close(again, whole, rtol=0, atol=1e-6)  # a GRUCell of float32 between
    narrow = tl.RNN(cells, return_state=True)(x.float())
    assert {y.dtype for y in pytree.tree_leaves(narrow)} == {torch.float32}


def test_a_stateful_cell_says_once_what_it_begins_with(monkeypatch):
    said = []
    begin = Alone.get_initial_state
    monkeypatch.setattr(Alone, "get_initial_state", lambda *args, **kwargs: said.append(1) or begin(*args, **kwargs))
    layer = tl.RNN(Alone(), stateful=True)
    for _ in range(3):
        layer(X)
    assert len(said) == 1


def test_a_cell_says_what_it_begins_with_and_its_output_size_is_its_state_s():
    output, state = tl.RNN(Alone(), return_state=True)(X)
    same(output, 1 + X.sum(1))
    same(state, output)
    assert tl.StackedRNNCells([Alone()]).output_size == 3


@pytest.mark.parametrize("cell", [3, None, "LSTMCell", lambda x, s: (x, s)])
def test_refuses_a_cell_that_is_no_module(cell):
    with pytest.raises(ValueError, match=r"RNN: cell=.* is not a module"):
        tl.RNN(cell)


def test_refuses_a_cell_without_state_size():
    with pytest.raises(ValueError, match=r"RNN: cell=Linear\(...\) has state_size=None, needed is an int or a list"):
        tl.RNN(nn.Linear(3, 3))
    with pytest.raises(ValueError, match=r"StackedRNNCells: cells=\[\] is not a list of at least one cell"):
        tl.RNN([])
    with pytest.raises(ValueError, match=r"StackedRNNCells: cell=Dense\(...\) has state_size=None"):
        tl.StackedRNNCells([tl.Dense(3)])
