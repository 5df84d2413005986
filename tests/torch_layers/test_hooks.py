"""The quick calls of layers and losses leave out nothing that torch's own call would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as of_all

import torch_layers as tl

X = torch.randn(2, 3)
CALLS: dict[str, tuple[Callable[[], nn.Module], tuple[Any, ...]]] = {
    "layer": (lambda: tl.ELU(), (X,)),
    "merge": (lambda: tl.Add(), ([X, X],)),
    "loss": (lambda: tl.losses.MeanSquaredError(), (X, X + 1)),
}
KINDS = ("forward", "forward_pre", "full_backward", "full_backward_pre")


@contextmanager
def _watching(kind: str, register: Callable[..., Any]) -> Iterator[list[str]]:
    seen: list[str] = []
    handle = register(lambda *_: seen.append(kind))
    try:
        yield seen
    finally:
        handle.remove()


def _train(module: nn.Module, inputs: tuple[Any, ...]) -> None:
    *others, last = inputs
    last = [x.clone().requires_grad_() for x in last] if isinstance(last, list) else last.clone().requires_grad_()
    module(*others, last).sum().backward()


# Torch's backward hooks don't look into the list that a merge gets, and warn of it.
@pytest.mark.parametrize(
    "called, kind", [(called, kind) for called in CALLS for kind in KINDS[: 2 if called == "merge" else 4]]
)
def test_hooks_see_each_call(called: str, kind: str) -> None:
    make, inputs = CALLS[called]
    module = make()
    module(*inputs)  # builds it
    for register in (
        getattr(module, f"register_{kind}_hook"),
        getattr(of_all, f"register_module_{kind}_hook"),
    ):
        with _watching(kind, register) as seen:
            _train(module, inputs)
            assert seen == [kind]
        _train(module, inputs)
        assert seen == [kind]


@pytest.mark.parametrize("called", CALLS)
def test_a_compiled_module_is_called_compiled(called: str) -> None:
    make, inputs = CALLS[called]
    module, seen = make(), []
    expected = module(*inputs)
    module.compile(backend=lambda graph, _: seen.append(graph) or graph)
    assert torch.equal(module(*inputs), expected)
    assert seen
