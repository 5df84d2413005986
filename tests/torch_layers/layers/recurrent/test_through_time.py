"""The way back through time that SimpleRNN and GRU have of their own: the gradients of torch's kernels, of any order."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import torch_layers as tl
from torch_layers.layers.recurrent import gru, simple_rnn, through_time

CELLS = [
    (tl.SimpleRNNCell, {}),
    (tl.SimpleRNNCell, {"activation": "relu", "use_bias": False}),
    (tl.GRUCell, {}),
    (tl.GRUCell, {"use_bias": False}),
]
every_cell = pytest.mark.parametrize(("cell", "config"), CELLS)


@pytest.fixture
def calls(monkeypatch):
    """Count the ways back that are taken here."""
    found = []
    over = through_time.Recurrence.over

    def counted(*args):
        found.append(args[0])
        return over(*args)

    monkeypatch.setattr(through_time.Recurrence, "over", counted)
    return found


def made(cell, config, steps=5, batch=3):
    """Return a cell in float64 with random weights, a sequence and a first state."""
    generator = torch.Generator().manual_seed(0)
    one = cell(4, dtype="float64", input_shape=(2,), **config)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    x, h = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((batch, steps, 2), (batch, 4)))
    return one, x.requires_grad_(), h.requires_grad_()


def by_kernel(monkeypatch):
    for module in (gru, simple_rnn):
        monkeypatch.setattr(module, "fits", lambda *tensors: False)


def gradients(cell, x, h, sources):
    outputs, last = cell.fused(x, [h])
    slope = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).reshape(outputs.shape)
    return outputs, last, *torch.autograd.grad((outputs * slope).sum() + last.square().sum(), sources)


def near(a, b):
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@every_cell
@pytest.mark.parametrize(("steps", "batch"), [(5, 3), (1, 2), (4, 1)])
def test_gradients_are_the_kernel_s(cell, config, steps, batch, calls, monkeypatch):
    one, x, h = made(cell, config, steps, batch)
    sources = (x, h, *one.parameters())
    found = gradients(one, x, h, sources)
    assert len(calls) == 1
    by_kernel(monkeypatch)
    near(found, gradients(one, x, h, sources))
    assert len(calls) == 1


@every_cell
@pytest.mark.parametrize("wanted", ["x", "h", "weight_ih", "weight_hh", "bias"])
def test_one_gradient_alone(cell, config, wanted, calls, monkeypatch):
    one, x, h = made(cell, config)
    named = {"x": x, "h": h, **dict(one.named_parameters())}
    if wanted not in named:
        pytest.skip("has no bias")
    for name, tensor in named.items():
        tensor.requires_grad_(name == wanted)
    found = gradients(one, x, h, [named[wanted]])
    assert len(calls) == 1
    by_kernel(monkeypatch)
    near(found, gradients(one, x, h, [named[wanted]]))


@every_cell
def test_gradients_of_gradients(cell, config, calls):
    one, x, h = made(cell, config, 3, 2)
    names = list(dict(one.named_parameters()))

    def outputs(x, h, *weights):
        for name, weight in zip(names, weights, strict=True):
            one._parameters[name] = nn.Parameter(weight) if not weight.requires_grad else weight
        return one.fused(x, [h])

    assert torch.autograd.gradgradcheck(outputs, (x, h, *one.parameters()), atol=1e-4)
    assert calls


@every_cell
def test_many_gradients_at_once(cell, config, calls):
    one, x, h = made(cell, config, 3, 2)
    outputs, _ = one.fused(x, [h])
    directions = torch.eye(outputs.numel(), dtype=outputs.dtype).view(-1, *outputs.shape)
    sources = (x, h, *one.parameters())
    at_once = torch.autograd.grad(outputs, sources, directions, is_grads_batched=True, retain_graph=True)
    singly = [torch.autograd.grad(outputs, sources, direction, retain_graph=True) for direction in directions]
    assert len(calls) == 1
    near(list(at_once), [torch.stack(of_source) for of_source in zip(*singly, strict=True)])


@every_cell
def test_the_last_state_is_a_tensor_of_its_own(cell, config, calls):
    one, x, h = made(cell, config)
    outputs, last = one.fused(x, [h])
    before = outputs.detach().clone()
    with torch.no_grad():
        last.zero_()
    assert calls
    near(outputs.detach(), before)


def _autocast(one, x, h):
    with torch.autocast("cpu", torch.bfloat16):
        return one.float().fused(x.float(), [h.float()])[0]


@every_cell
@pytest.mark.parametrize(
    "work",
    [
        lambda one, x, h: torch.func.grad(lambda x: one.fused(x, [h])[0].sum())(x),
        lambda one, x, h: torch.compile(one.fused, backend="eager", fullgraph=True)(x, [h])[0],
        lambda one, x, h: one.requires_grad_(False).fused(x.detach(), [h.detach()])[0],
        lambda one, x, h: torch.no_grad()(one.fused)(x, [h])[0],
        lambda one, x, h: one.to(torch.bfloat16).fused(x.bfloat16(), [h.bfloat16()])[0],
        lambda one, x, h: one.fused(x[:0], [h[:0]])[0],
        _autocast,
    ],
    ids=["torch.func", "compile", "nothing trains", "no_grad", "bfloat16", "empty batch", "autocast"],
)
def test_the_kernel_runs_where_it_must(cell, config, work, calls):
    one, x, h = made(cell, config)
    work(one, x, h)
    assert not calls


@pytest.mark.parametrize("layer", [tl.GRU, tl.SimpleRNN])
@pytest.mark.parametrize("mask", [None, torch.tensor([[1, 1, 1, 0], [0, 1, 0, 0]], dtype=torch.bool)])
def test_bidirectional_trains_in_two_calls_and_runs_in_one(layer, mask, calls, monkeypatch):
    both = tl.Bidirectional(layer(3, return_sequences=True, return_state=True, dtype="float64"), dtype="float64")
    x = torch.linspace(-1, 1, 2 * 4 * 2, dtype=torch.float64).reshape(2, 4, 2)
    trained = both(x, mask=mask)
    assert len(calls) == 2
    monkeypatch.setattr(both, "_in_two_calls", None)
    if mask is None or layer is tl.GRU:
        with torch.no_grad():
            near(both(x, mask=mask), trained)
    assert len(calls) == 2
