"""SimpleRNN, GRU and LSTM: what parity can't show. Cells and RNN around them: test_cells.py."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import torch_layers as tl

LAYERS = (tl.SimpleRNN, tl.GRU, tl.LSTM)
CELLS = (tl.SimpleRNNCell, tl.GRUCell, tl.LSTMCell)
ALL = {"return_sequences": True, "return_state": True}
X = torch.linspace(-2, 2, 2 * 5 * 3).reshape(2, 5, 3)
MASK = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 0, 0, 0]], dtype=torch.bool)

every_layer = pytest.mark.parametrize("layer", LAYERS)


def randomized(layer, *args, **kwargs):
    """Build a layer, and give it weights other than 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    layer(*args, **kwargs)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return layer


def same(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=0)


def near(a, b):
    """The same but for rounding in float64, where two ways lead to it."""
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    assert all(x.dtype is torch.float64 for x in pytree.tree_leaves(a))


# --- as torch's users know it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), [(tl.LSTM, nn.LSTM), (tl.GRU, nn.GRU), (tl.SimpleRNN, nn.RNN)])
def test_weights_are_laid_out_as_torch_s(ours, theirs):
    layer, module = randomized(ours(4, return_sequences=True), X), theirs(3, 4, batch_first=True)
    assert list(layer.state_dict()) == ["cell.weight_ih", "cell.weight_hh", "cell.bias"]
    cell = layer.cell
    with torch.no_grad():
        module.weight_ih_l0.copy_(cell.weight_ih)
        module.weight_hh_l0.copy_(cell.weight_hh)
        first, second = cell.bias if cell.bias.ndim == 2 else (cell.bias, torch.zeros_like(cell.bias))
        module.bias_ih_l0.copy_(first)
        module.bias_hh_l0.copy_(second)
    same(layer(X), module(X)[0])


def test_forget_bias_begins_at_one():
    bias = tl.LSTM(2, input_shape=(None, 3)).cell.bias
    assert bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert not tl.LSTM(2, unit_forget_bias=False, input_shape=(None, 3)).cell.bias.any()
    bias = tl.LSTM(2, bias_initializer="ones", input_shape=(None, 3)).get_weights()[2]
    assert (bias == 1).all()


def test_gates_of_gru_stand_in_keras_s_order_outside_and_in_torch_s_inside():
    layer = tl.GRU(2, input_shape=(None, 1))
    kernel = np.arange(6.0).reshape(1, 6)  # z z r r h h
    layer.set_weights([kernel, *layer.get_weights()[1:]])
    assert layer.cell.weight_ih.flatten().tolist() == [2, 3, 0, 1, 4, 5]
    assert (layer.get_weights()[0] == kernel).all()


def test_fans_are_those_of_keras_s_layout():
    torch.manual_seed(0)
    weight = tl.LSTM(100, kernel_initializer="glorot_uniform", input_shape=(None, 50)).cell.weight_ih
    limit = (6 / (50 + 400)) ** 0.5
    assert 0.99 * limit < weight.abs().max() <= limit


@every_layer
def test_export_keeps_the_kernel_whole(layer):
    steps = 20  # a loop would have a node for each
    made = layer(8, return_sequences=True, input_shape=(steps, 3)).eval()
    program = torch.export.export(made, (torch.zeros(2, steps, 3),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert len(program.graph.nodes) < steps
    same(program.module()(torch.ones(5, steps, 3)), made(torch.ones(5, steps, 3)))


@every_layer
def test_masked_call_compiles_and_exports(layer):
    made = randomized(layer(4, **ALL), X)
    torch._dynamo.reset()
    compiled = torch.compile(made, fullgraph=True, backend="eager")
    same(compiled(X, mask=MASK), made(X, mask=MASK))
    program = torch.export.export(made, (X,), {"mask": MASK})
    same(program.module()(X, mask=~MASK), made(X, mask=~MASK))


@every_layer
def test_stateful_layer_compiles(layer):
    made = randomized(layer(4, stateful=True), X)
    other = copy.deepcopy(made)
    torch._dynamo.reset()
    compiled = torch.compile(other, fullgraph=True, backend="eager")
    for _ in range(3):
        same(compiled(X), made(X))
    same(other.states, made.states)


@every_layer
def test_gradients_of_per_sample_weights_by_vmap(layer):
    made, x = randomized(layer(4, activation="softsign"), X).double(), X.double()
    weights = {name: value.detach() for name, value in made.named_parameters()}

    def loss(weights, x):
        return torch.func.functional_call(made, weights, (x.unsqueeze(0),)).square().sum()

    found = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, x)
    made(x).square().sum().backward()
    for name, parameter in made.named_parameters():
        near(found[name].sum(0), parameter.grad)


# --- masks -----------------------------------------------------------------------------------------------------------


@every_layer
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
def test_a_masked_fused_kernel_equals_the_loop(layer, options):
    made = randomized(layer(4, **ALL, **options), X).double()
    x = X.double().requires_grad_()
    fused = made(x, mask=MASK)
    gradients = torch.autograd.grad(sum(y.square().sum() for y in fused), [x, *made.parameters()])
    type(made.cell).is_fused, kept = (lambda cell: False), type(made.cell).is_fused
    try:
        by_hand = made(x, mask=MASK)
        expected = torch.autograd.grad(sum(y.square().sum() for y in by_hand), [x, *made.parameters()])
    finally:
        type(made.cell).is_fused = kept
    near(fused, by_hand)
    near(gradients, expected)


@every_layer
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_what_stands_in_masked_steps_does_not_matter(layer, value):
    made = randomized(layer(4, **ALL), X)
    junk = X.masked_fill(~MASK.unsqueeze(-1), value)
    same(made(junk, mask=MASK), made(X, mask=MASK))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_carry_of_lstm_is_held_exactly(dtype):
    made = randomized(tl.LSTM(4, return_state=True), X).to(dtype)
    x = X.to(dtype)
    mask = torch.tensor([[True] * 2 + [False] * 3] * 2)
    same(made(x, mask=mask), made(x[:, :2]))


@every_layer
@pytest.mark.parametrize("mask", [MASK.to(torch.int64), MASK.to(torch.float32), MASK.unsqueeze(-1), MASK.numpy()])
def test_masks_of_other_dtypes_and_with_an_axis_more(layer, mask):
    made = randomized(layer(4), X)
    same(made(X, mask=mask), made(X, mask=MASK))


@every_layer
@pytest.mark.parametrize("shape", [(2, 4), (5, 2), (2,), (2, 5, 3)])
def test_refuses_a_mask_of_another_shape(layer, shape):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: mask of shape .* needed is \(2, 5\)"):
        layer(4)(X, mask=torch.ones(shape, dtype=torch.bool))


def test_mask_goes_on_with_sequences_only():
    assert tl.LSTM(4).compute_mask(X, MASK) is None
    assert tl.LSTM(4, return_sequences=True).compute_mask(X, MASK) is MASK
    assert tl.LSTM(4, return_sequences=True, return_state=True).compute_mask(X, [MASK]) == [MASK, None, None]


# --- empty and without steps -------------------------------------------------------------------------------------------


@every_layer
@pytest.mark.parametrize("options", [{}, ALL, {"activation": "relu"}])
@pytest.mark.parametrize("mask", [None, torch.ones(0, 5, dtype=torch.bool)])
def test_an_empty_batch_gives_an_empty_batch(layer, options, mask):
    made = layer(4, **options)
    x = torch.zeros(0, 5, 3, requires_grad=True)
    outputs = made(x, mask=mask)
    for y in outputs if isinstance(outputs, tuple) else [outputs]:
        assert y.shape[0] == 0
        assert y.shape[-1] == 4
    (outputs[0] if isinstance(outputs, tuple) else outputs).sum().backward()
    assert x.grad.shape == x.shape


@every_layer
def test_refuses_a_sequence_without_steps(layer):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: input of shape \(2, 0, 3\) has no step in axis 1"):
        layer(4)(torch.zeros(2, 0, 3))


@every_layer
def test_refuses_other_features_than_it_was_built_for(layer):
    made = layer(4, input_shape=(None, 3))
    with pytest.raises(ValueError, match=rf"{layer.__name__}.*: .* has size 7 in axis -1, the \w+ was built for 3"):
        made(torch.zeros(2, 5, 7))
    with pytest.raises(ValueError, match=r"input of shape \(2, 3\) has rank 2, allowed is 3"):
        made(torch.zeros(2, 3))


# --- states ------------------------------------------------------------------------------------------------------------


@every_layer
def test_stateful_layer_goes_on_and_begins_anew(layer):
    made, whole = layer(4, stateful=True, input_shape=None), layer(4, return_sequences=True)
    made, x = randomized(made, X).double(), X.double()
    whole(torch.cat([X, X], 1))
    whole.double().set_weights(made.get_weights())
    made.reset_state()
    first, second = made(x), made(x)
    expected = whole(torch.cat([x, x], 1))
    near(torch.stack([first, second], 1), expected[:, [4, 9]])
    made.reset_states()
    same(made(x), first)
    assert not any("state" in key for key in made.state_dict())


@every_layer
def test_gradients_of_a_call_survive_the_next_one(layer):
    made = randomized(layer(4, stateful=True), X)
    first = made(X)
    made(X)
    first.sum().backward()
    assert all(parameter.grad is not None for parameter in made.parameters())
    assert not any(state.requires_grad for state in made.states)


def test_states_can_be_set_and_copies_keep_them():
    made = randomized(tl.LSTM(4, stateful=True), X)
    h, c = np.ones((2, 4)), np.full((2, 4), 2.0)
    made.reset_state([h, c])
    assert [state.mean().item() for state in made.states] == [1, 2]
    for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        same(copied(X), copy.deepcopy(made)(X))
    with pytest.raises(ValueError, match=r"LSTM: reset_state: states of shapes \[\(2, 4\)\], needed are"):
        made.reset_state([h])
    assert [state.mean().item() for state in made.states] == [1, 2]


@every_layer
def test_reset_before_building_does_nothing(layer):
    layer(4, stateful=True).reset_state()
    layer(4).reset_state()
    assert layer(4, stateful=True).states is None


@every_layer
def test_stateful_needs_a_batch_size(layer):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: stateful=True needs a batch size, .*\(None, 5, 3\)"):
        layer(4, stateful=True, input_shape=(5, 3))
    with pytest.raises(ValueError, match="stateful=True needs a batch size"):
        layer(4, stateful=True)(tl.Input((5, 3)))
    assert layer(4, stateful=True, batch_input_shape=(2, 5, 3)).states[0].shape == (2, 4)


@every_layer
def test_a_refused_call_leaves_the_states_as_they_were(layer):
    made = randomized(layer(4, stateful=True), X)
    made(X)
    before = [state.clone() for state in made.states]
    with pytest.raises(ValueError, match=rf"{layer.__name__}: the input has batch size 1, .* keeps states for 2"):
        made(X[:1])
    with pytest.raises(ValueError, match="mask of shape"):
        made(X, mask=MASK[:, :4])
    with pytest.raises(ValueError, match="initial_state of shapes"):
        made(X, initial_state=[torch.zeros(2, 3)])
    same(made.states, before)


@pytest.mark.parametrize(
    ("layer", "state"),
    [
        (tl.LSTM, torch.zeros(2, 4)),
        (tl.LSTM, [torch.zeros(2, 4)] * 3),
        (tl.LSTM, [torch.zeros(2, 4), torch.zeros(1, 4)]),
        (tl.GRU, [torch.zeros(2, 4)] * 2),
        (tl.GRU, torch.zeros(4)),
    ],
)
def test_refuses_initial_states_of_another_count_or_shape(layer, state):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: initial_state of shapes .*, needed are \[\(2, 4\)"):
        layer(4)(X, initial_state=state)


def test_initial_states_in_a_model():
    x, h, c = tl.Input((None, 3)), tl.Input((4,)), tl.Input((4,))
    layer = tl.LSTM(4, **ALL)
    model = tl.Model([x, h, c], layer(x, initial_state=[h, c]))
    states = [torch.ones(2, 4), torch.zeros(2, 4)]
    same(tuple(model([X, *states])), layer(X, initial_state=states))


def test_masks_in_a_model():
    ids = tl.Input((5,), dtype="int32")
    layer, table = tl.GRU(4, return_sequences=True), tl.Embedding(7, 3, mask_zero=True)
    last = tl.LSTM(2)
    model = tl.Model(ids, last(layer(table(ids))))
    given = torch.tensor([[1, 2, 0, 3, 0], [0, 0, 0, 0, 5]])
    mask = given != 0
    same(model(given), last(layer(table(given), mask=mask), mask=mask))


# --- arguments -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [*LAYERS, *CELLS])
@pytest.mark.parametrize("units", [0, -1, 2.5, True, "4", None])
def test_refuses_units(made, units):
    with pytest.raises(ValueError, match=rf"units={units!r} is not a positive int"):
        made(units)


@pytest.mark.parametrize("made", [*LAYERS, *CELLS])
@pytest.mark.parametrize("argument", ["dropout", "recurrent_dropout"])
def test_refuses_rates_that_are_no_numbers_and_clips_others(made, argument):
    with pytest.raises(ValueError, match=rf"{argument}='half' is not a number"):
        made(4, **{argument: "half"})
    assert getattr(made(4, **{argument: 2}), argument) == 1.0
    assert getattr(made(4, **{argument: -1}), argument) == 0.0


@every_layer
def test_keras_2_s_arguments(layer):
    made = layer(4, implementation=1, time_major=False)
    assert made.cell.implementation == 1
    assert not {"implementation", "time_major"} & set(made.get_config())
    with pytest.raises(ValueError, match=rf"{layer.__name__}: time_major=True is not possible"):
        layer(4, time_major=True)
    with pytest.raises(ValueError, match=r"implementation=3 is not one of \(0, 1, 2\)"):
        layer(4, implementation=3)


@pytest.mark.parametrize("layer", [tl.GRU, tl.LSTM])
def test_refuses_use_cudnn(layer):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: use_cudnn='yes' is not one of \('auto', True, False\)"):
        layer(4, use_cudnn="yes")


def test_features_must_be_known():
    with pytest.raises(ValueError, match=r"the last axis of an input of shape .* needs a size"):
        tl.LSTM(4, input_shape=(5, None))


def test_repr_shows_what_differs_from_the_defaults():
    assert "units=4, return_sequences=True\n  (cell): LSTMCell(units=4)" in repr(tl.LSTM(4, return_sequences=True))


def test_activations_with_weights_belong_to_the_cell():
    made = tl.SimpleRNN(4, activation=tl.PReLU())
    made(X)
    assert len(made.get_weights()) == 4


def test_cells_of_cells_have_each_weight_once():
    cells = tl.StackedRNNCells([tl.StackedRNNCells([tl.LSTMCell(2), tl.GRUCell(3)]), tl.GRUCell(4)])
    layer = tl.RNN(cells)
    layer(torch.ones(2, 4, 3))
    assert len(layer.get_weights()) == 9 == len({id(w) for w in layer.parameters()})
