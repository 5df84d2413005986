"""The table of a model's layers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from torch_layers.graph.symbols import SymbolicTensor, map_structure, symbols_in
from torch_layers.layers.core.input_layer import InputLayer

Row = tuple[str, str, str, str]


def count_params(module: nn.Module) -> tuple[int, int]:
    """Return the numbers of trainable and other values in a module's weights, those without a size yet left out."""
    kept = {id(weight): weight for weight in module.state_dict(keep_vars=True).values() if not is_lazy(weight)}
    trained = sum(weight.numel() for weight in kept.values() if weight.requires_grad)
    return trained, sum(weight.numel() for weight in kept.values()) - trained


def print_summary(model: Any, line_length: int | None, print_fn: Callable[[str], Any] | None, expand: bool) -> None:
    """Print the layers of a model (type), their output shapes, numbers of weights and inputs, and the sums."""
    show = print_fn or print
    header: Row = ("Layer (type)", "Output shape", "Param #", "Connected to")
    rows = list(_rows(model, expand, ""))
    if _is_chain([row for row in rows if not row[0].startswith(" ")]):
        header, rows = header[:3], [row[:3] for row in rows]  # type: ignore[assignment]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    if line_length is not None:
        widths = [max(min(width, line_length // len(widths) - 2), 4) for width in widths]

    def line(row: tuple[str, ...]) -> str:
        cells = [t if len(t) <= width else f"{t[: width - 1]}…" for t, width in zip(row, widths, strict=True)]
        aligned = [c.rjust(w) if i == 2 else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(aligned).rstrip()

    show(f"{type(model).__name__} {model.name!r}")
    show(line(header))
    show("-" * (sum(widths) + 2 * (len(widths) - 1)))
    for row in rows:
        show(line(row))
    show("-" * (sum(widths) + 2 * (len(widths) - 1)))
    trained, other = count_params(model)
    show(f"Total params: {trained + other:,}")
    show(f"Trainable params: {trained:,}")
    show(f"Non-trainable params: {other:,}")


def _is_chain(rows: list[Row]) -> bool:
    return all(row[3] in ("", before[0].split(" (")[0]) for before, row in pairwise(rows))


def _rows(model: Any, expand: bool, indent: str) -> Any:
    calls = _calls(model)
    for name, layer in model._named_layers().items():
        made = calls.get(id(layer), [])
        outputs = made[0].outputs if made else None
        shape = _shapes(layer.batch_shape if isinstance(layer, InputLayer) else outputs)
        weights = sum(count_params(layer))
        built = any(is_lazy(weight) for weight in layer.parameters())
        sources = dict.fromkeys(name for call in made for symbol in call.sources() for name in _sources(symbol, model))
        yield (
            f"{indent}{name} ({type(layer).__name__})",
            shape,
            "not built" if built else f"{weights:,}",
            ", ".join(sources),
        )
        if expand and hasattr(layer, "_named_layers"):
            yield from _rows(layer, expand, f"{indent}  ")


def _calls(model: Any) -> dict[int, list[Any]]:
    """Return the calls of each layer in a functional model."""
    if getattr(model, "_symbols", None) is None:
        return {}
    from torch_layers.graph.drawing import Slice

    found: dict[int, list[Any]] = {}
    for call in Slice(model.inputs, model.outputs).calls:
        if call.kind == "module":
            layer = model.get_submodule(model._paths[call.target])
            found.setdefault(id(layer), []).append(call)
    return found


def _shapes(outputs: Any) -> str:
    if outputs is None:
        return "?"
    if isinstance(outputs, tuple) and not symbols_in(outputs):
        return str(outputs)
    shapes = map_structure(lambda leaf: leaf.shape if isinstance(leaf, SymbolicTensor) else leaf, outputs)
    return str(shapes)


def _sources(symbol: Any, model: Any) -> list[str]:
    """List the inputs and layers that a symbol comes from, through whatever functions."""
    found: list[str] = []
    waiting = [symbol]
    names = {id(start): name for start, name in zip(model.inputs, model.input_names, strict=True)}
    while waiting:
        symbol = waiting.pop(0)
        if id(symbol) in names:
            found.append(names[id(symbol)])
        elif symbol.call.kind == "module":
            found.append(model._paths[symbol.call.target])
        else:
            waiting += symbol.call.sources()
    return found
