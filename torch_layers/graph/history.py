"""Recorded calls as plain data, to be copied and pickled; and made again, for other inputs."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.utils import _pytree as pytree

from torch_layers.graph.drawing import Slice
from torch_layers.graph.layer_calls import record_layer
from torch_layers.graph.symbols import Call, Symbol, map_structure, record, symbols_in


@dataclass(frozen=True)
class _Reference:
    """A symbol, by its number on the tape."""

    number: int


@dataclass
class Tape:
    """Calls and symbols as lists that refer to each other by number: nothing in it is nested as deep as a model."""

    calls: list[tuple[Any, ...]]
    symbols: list[tuple[Any, ...]]
    inputs: Any
    outputs: Any


def write_tape(inputs: Any, outputs: Any, path_of: Callable[[nn.Module], str]) -> Tape:
    """Put the history of a model on a tape: its layers as paths, and all masks that follow from the inputs."""
    starts = symbols_in(inputs)
    part = Slice(starts, symbols_in(outputs))
    known = starts + [symbol for call in part.calls for symbol in symbols_in(call.outputs)]
    part = Slice(
        starts, known, optional=[m for symbol in known for m in (symbol.mask, symbol.hanging) if m is not None]
    )
    symbols = starts + [symbol for call in part.calls for symbol in symbols_in(call.outputs)]
    symbols = list({id(symbol): symbol for symbol in symbols}.values())
    numbers = {id(symbol): number for number, symbol in enumerate(symbols)}
    call_numbers: dict[Any, int] = {call: number for number, call in enumerate(part.calls, len(starts))}
    start_numbers = {id(start): number for number, start in enumerate(starts)}

    def refer(value: Any) -> Any:
        if not isinstance(value, Symbol):
            return value
        return _Reference(numbers[id(value)]) if id(value) in numbers else None

    calls: list[tuple[Any, ...]] = []
    for start in starts:
        # What made an input that is itself a result belongs to another model.
        target = start.call.target if start.call.kind == "input" else start.name
        calls.append(("input", target, (), {}, {}, refer(start)))
    for call in part.calls:
        target = path_of(call.target) if call.kind in ("module", "mask") else call.target
        parts = [map_structure(refer, value) for value in (call.args, call.kwargs, part.masks(call))]
        calls.append((call.kind, target, *parts, pytree.tree_map(refer, call.outputs)))
    table = []
    for symbol in symbols:
        is_start = id(symbol) in start_numbers
        number = start_numbers[id(symbol)] if is_start else call_numbers[symbol.call]
        table.append(
            (
                type(symbol),
                number,
                () if is_start else symbol.path,
                symbol.samples,
                refer(symbol.mask),
                refer(symbol.hanging),
            )
        )
    return Tape(calls, table, map_structure(refer, inputs), map_structure(refer, outputs))


def read_tape(tape: Tape, module_at: Callable[[str], nn.Module]) -> tuple[Any, Any]:
    """Return the inputs and outputs of a model, and with them the calls between, from a tape."""
    calls = []
    for kind, target, *_ in tape.calls:
        calls.append(Call(kind, module_at(target) if kind in ("module", "mask") else target))
    symbols: list[Any] = [cls(calls[number], path, samples) for cls, number, path, samples, *_ in tape.symbols]

    def resolve(value: Any) -> Any:
        return symbols[value.number] if isinstance(value, _Reference) else value

    for symbol, (*_, mask, hanging) in zip(symbols, tape.symbols, strict=True):
        symbol.mask, symbol.hanging = resolve(mask), resolve(hanging)
    for call, (_, _, args, kwargs, masks, outputs) in zip(calls, tape.calls, strict=True):
        call.args, call.kwargs, call.masks = (map_structure(resolve, value) for value in (args, kwargs, masks))
        call.outputs = pytree.tree_map(resolve, outputs)
        if call.kind == "module":
            call.target._calls.append(weakref.ref(call))
    return map_structure(resolve, tape.inputs), map_structure(resolve, tape.outputs)


def replay(part: Slice, new: dict[int, Any]) -> dict[int, Any]:
    """Make the calls of a model again; `new` maps ids of its inputs to the symbols or tensors that take their place.

    Returns the same for every symbol. Masks that the new inputs carry spread as they do in any recorded call.
    """
    new = dict(new)

    def changed(value: Any) -> Any:
        return new.get(id(value), value) if isinstance(value, Symbol) else value

    for call in part.calls:
        args, kwargs = map_structure(changed, call.args), map_structure(changed, call.kwargs)
        if call.kind == "mask":  # made by the call of its layer
            continue
        if call.kind == "module":
            outputs = record_layer(call.target, args, kwargs)
        else:
            outputs = record(call.kind, call.target, args, kwargs)
        for old, fresh in zip(pytree.tree_leaves(call.outputs), pytree.tree_leaves(outputs), strict=True):
            new[id(old)] = fresh
            if isinstance(old, Symbol):
                for own, now in ((old.mask, fresh.mask), (old.hanging, fresh.hanging)):
                    if own is not None:
                        new[id(own)] = now
    return new
