"""StackedRNNCells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torch_layers.layers.base import Layer
from torch_layers.layers.recurrent.loop import nested, over_time
from torch_layers.serialization import serialize


def is_layer(cell: Any) -> bool:
    """Tell whether a cell is a layer of torch_layers, or of its kind, which knows how to build itself."""
    return isinstance(cell, Layer)


def checked_cell(layer: object, cell: Any) -> nn.Module:
    """Return `cell`. Raises: ValueError if it is no module with a `state_size` of ints."""
    kind = type(layer).__name__
    if not isinstance(cell, nn.Module):
        raise ValueError(f"{kind}: cell={cell!r} is not a module (nor a list of modules)")
    size = getattr(cell, "state_size", None)
    if isinstance(size, bool) or not isinstance(size, (int, list, tuple)):
        raise ValueError(
            f"{kind}: cell={type(cell).__name__}(...) has state_size={size!r}, needed is an int or a list of them"
        )
    return cell


def zero_states(cell: Any, batch_size: int, layer: Layer) -> list[Any]:
    """Return the states that a cell begins with, as a list: what it says itself, or zeros where `layer` is."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        states = own(batch_size=batch_size)
        return list(states) if isinstance(states, (list, tuple)) else [states]
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    dtype = getattr(cell, "compute_dtype", layer.compute_dtype)
    device = layer._device()
    return [
        torch.zeros(batch_size, *(size if isinstance(size, (list, tuple)) else (size,)), dtype=dtype, device=device)
        for size in sizes
    ]


def output_size(cell: Any) -> Any:
    """Return the size of a cell's output: its `output_size`, or that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size
    return size


def dtypes_of(cell: Any, layer: Layer) -> Any:
    """Return the dtype that a cell computes in, that of `layer` if it doesn't say; of stacked cells a list of theirs."""
    if isinstance(cell, StackedRNNCells):
        return [dtypes_of(inner, layer) for inner in cell.cells]
    return getattr(cell, "compute_dtype", layer.compute_dtype)


def cast_states(states: Sequence[Any], dtypes: Any, copy: bool = False) -> list[Any]:
    """Return states in the dtypes of their cells, as `dtypes_of` says them."""
    if isinstance(dtypes, list):
        return [cast_states(part, dtype, copy) for part, dtype in zip(states, dtypes, strict=True)]
    cast: list[Any] = nested(lambda state: state.to(dtypes, copy=copy), states)
    return cast


class StackedRNNCells(Layer):
    """Cells as one cell: each takes the output of the one before. The states are a list of those of each cell.

    Shape: (batch, features), states -> (batch, output size of the last cell), states.
    Raises: ValueError if `cells` is not a list of modules with `state_size`.
    Source: keras.layers.StackedRNNCells, Keras 3.15.
    """

    takes_integers = False
    config_omits = frozenset({"cells"})  # a ModuleList: `get_config` writes it
    cells: Any

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, (list, tuple, nn.ModuleList)) or not cells:
            raise ValueError(f"StackedRNNCells: cells={cells!r} is not a list of at least one cell")
        self.cells = nn.ModuleList(checked_cell(self, cell) for cell in cells)

    @property
    def state_size(self) -> list[Any]:
        """The state sizes of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return the states that each cell begins with."""
        return [zero_states(cell, batch_size or 0, self) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if is_layer(cell) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def forward(self, inputs: Tensor, states: Sequence[Any]) -> tuple[Tensor, list[Any]]:
        """Return the output of one step, and the states of each cell."""
        new_states = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, after = cell(inputs, before)
            new_states.append(after)
        return inputs, new_states

    def over_time(
        self, sequence: Tensor, states: Sequence[Any], mask: Tensor | None, everything: bool, final: bool
    ) -> tuple[Tensor, list[Any]]:
        """Run over a sequence, cell by cell; see `torch_layers.layers.recurrent.loop.over_time`."""
        new_states = []
        for cell, before in zip(self.cells, states, strict=True):
            sequence, after = over_time(cell, sequence, before, mask, everything or cell is not self.cells[-1], final)
            new_states.append(after)
        return sequence, new_states

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize(cell) for cell in self.cells]}
