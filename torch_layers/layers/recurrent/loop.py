"""Running a cell over a sequence: step by step for any cell, and what a mask does to steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

# (inputs of one step, states) -> (output, states)
Step = Callable[[Tensor, Any], tuple[Tensor, Any]]


def over_time(cell: Any, sequence: Tensor, states: Any, mask: Tensor | None, everything: bool, final: bool) -> Any:
    """Run a cell over a sequence (batch, time, ...): return its outputs and its last states.

    The outputs are (batch, time, ...) if `everything`, else those of the last step alone. `final` says whether anybody
    wants the states: some cells save work if not, and return others. Where `mask` (batch, time) is False, the states
    stay as they are and the output is the one before, zeros before the first. A cell may have a method of this name and
    do it in its own way. On the meta device, where shapes alone are wanted, one step tells them all.
    """
    steps = sequence.shape[1]
    if sequence.is_meta and steps > 1:
        start = None if mask is None else mask[:, :1]
        outputs, states = over_time(cell, sequence[:, :1], states, start, everything, final)
        return outputs.new_empty(outputs.shape[0], steps, *outputs.shape[2:]) if everything else outputs, states
    own = getattr(cell, "over_time", None)
    if own is not None:
        return own(sequence, states, mask, everything, final)
    return loop(cell, sequence.unbind(1), states, mask, everything)


def loop(
    step: Step, inputs: Sequence[Tensor], states: Any, mask: Tensor | None, everything: bool
) -> tuple[Tensor, Any]:
    """Call `step` for the inputs of each step in turn, as `over_time` says."""
    outputs, output = [], None
    for x, stays in zip(inputs, [None] * len(inputs) if mask is None else mask.unbind(1), strict=True):
        new, new_states = step(x, states)
        if not isinstance(new_states, (list, tuple)):
            new_states = [new_states]
        if stays is None:
            output, states = new, new_states
        else:
            output = where(stays, new, torch.zeros_like(new) if output is None else output)
            states = where(stays, new_states, states)
        if everything:
            outputs.append(output)
    assert output is not None
    return torch.stack(outputs, 1) if everything else output, states


def nested(function: Callable[..., Any], *states: Any) -> Any:
    """Apply a function to the leaves of states, which are nested alike in lists and tuples."""
    if isinstance(states[0], (list, tuple)):
        return [nested(function, *parts) for parts in zip(*states, strict=True)]
    return function(*states)


def leaves(states: Any) -> list[Any]:
    """List the leaves of nested states."""
    return [leaf for part in states for leaf in leaves(part)] if isinstance(states, (list, tuple)) else [states]


def where(mask: Tensor, new: Any, old: Any) -> Any:
    """Choose between nested tensors of more axes than `mask`, along its axes."""
    return nested(lambda a, b: torch.where(mask.reshape(*mask.shape, *(1,) * (a.ndim - mask.ndim)), a, b), new, old)
