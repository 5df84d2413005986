"""Arrays of a file to tensors in PyTorch's layout: large ones a piece at a time, straight into their place."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_layers.layers.weights import Layout, as_tensor
from torch_layers.saving.source import Source
from torch_layers.saving.stored import Stored
from torch_layers.saving.workers import work_off

# Bytes of a piece: of one that is read into its place, and of one that is rearranged, which the cache of a processor holds.
_STRAIGHT, _TURNED = 8 << 20, 1 << 20
# Bytes of a row, of which a piece has one at least: longer ones are not rearranged in pieces.
_LONGEST = 16 << 20
# Bytes of an array that is worth a thread.
_LARGE = 1 << 20

Array = np.ndarray[Any, Any]
Task = Callable[[], object]


def read_values(wanted: Iterable[tuple[Layout, Stored, torch.dtype]], source: Source) -> list[Tensor]:
    """Return arrays of a file in PyTorch's layout, each as a new tensor of a dtype.

    Several threads read the large ones, unless the file is one that the caller has opened.
    Raises: FileError for what is damaged. No thread is left behind.
    """
    values, large, spare = [], list[Task](), deque[_Scratch]()
    for layout, stored, dtype in wanted:
        # Not torch.empty_like, for which torch imports what its compiler needs.
        value = torch.empty(layout.torch_shape(stored.shape), dtype=dtype)
        values.append(value)
        tasks = _pieces(layout, stored, value, spare)
        if value.nbytes >= _LARGE and source.is_own:
            large += tasks
        else:
            for task in tasks:
                task()
    work_off(large)
    return values


def _pieces(layout: Layout, stored: Any, value: Tensor, spare: deque[_Scratch]) -> Iterable[Task]:
    """Return what fills a tensor with an array, in the array's order."""
    has_numpy = value.device.type == "cpu" and value.dtype is not torch.bfloat16
    keras, torch_side = layout.sides
    is_straight = has_numpy and keras == torch_side and layout.is_view
    is_in_pieces = has_numpy and getattr(stored, "is_in_one_piece", False)
    if is_straight and is_in_pieces:
        flat, count = value.numpy().reshape(-1), _STRAIGHT // stored.dtype.itemsize
        return [partial(_read_straight, stored, n, flat[n : n + count]) for n in range(0, flat.size, count)]
    if is_straight and hasattr(stored, "read_into") and stored.dtype == value.numpy().dtype:
        return [partial(stored.read_into, value.numpy())]
    rows = _rows(layout, stored) if is_in_pieces else 0
    if not rows:
        return [partial(_read_whole, layout, stored, value)]
    count = stored.shape[-2]
    ends = [(start, min(start + rows, count)) for start in range(0, count, rows)]
    return [partial(_read_turned, layout, stored, *each, value.numpy(), spare) for each in ends]


def _rows(layout: Layout, stored: Any) -> int:
    """Return how much of the last axis but one a piece has, or 0 if the array is not rearranged in pieces."""
    if len(stored.shape) < 2 or not stored.nbytes or layout.torch_axis(-2) is None:
        return 0
    row = stored.nbytes // stored.shape[-2]
    return max(_TURNED // row, 1) if row <= _LONGEST else 0


def _read_straight(stored: Any, start: int, target: Array) -> None:
    if stored.dtype == target.dtype:
        stored.read_span(start, target)
    else:
        found = np.empty(target.shape, stored.dtype)
        stored.read_span(start, found)
        target[...] = _cast(found, target.dtype)


def _read_turned(layout: Layout, stored: Any, start: int, stop: int, target: Array, spare: deque[_Scratch]) -> None:
    """Read `start` to `stop` of the last axis but one.

    torch is fast where two axes change places, with all side by side before and after. So lines of Keras's last axis, which
    most often is PyTorch's first, are put in order, then the two sides of their table change places.
    """
    *outer, count, width = stored.shape
    try:
        scratch = spare.pop()
    except IndexError:  # one for each thread
        scratch = _Scratch()
    found = scratch.array((*outer, stop - start, width), stored.dtype)
    for number, part in enumerate(found.reshape(math.prod(outer), -1)):
        stored.read_span((number * count + start) * width, part)
    view = layout.to_torch(found)
    lines = np.moveaxis(view, 0, -1)
    if not lines.flags.c_contiguous:
        lines = scratch.array(lines.shape, lines.dtype)
        lines[...] = np.moveaxis(view, 0, -1)
    table = scratch.array((lines.shape[-1], lines.size // lines.shape[-1]), lines.dtype)
    torch.from_numpy(table).copy_(torch.from_numpy(lines.reshape(table.shape[::-1])).t())
    axis = layout.torch_axis(-2)
    assert axis is not None
    target[(slice(None),) * axis + (slice(start, stop),)] = _cast(table, target.dtype).reshape(view.shape)
    spare.append(scratch)


def _read_whole(layout: Layout, stored: Stored, value: Tensor) -> None:
    value.copy_(layout.to_torch(as_tensor(stored.read())))


def _cast(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values in a dtype, as torch rounds them."""
    if values.dtype == dtype:
        return values
    to = torch.from_numpy(np.empty(0, dtype)).dtype
    return torch.from_numpy(values).to(to).numpy()


class _Scratch:
    """Two places in memory, in turn, that are used again and again: new memory costs as much as a copy."""

    def __init__(self) -> None:
        self._places = deque([np.empty(0, np.uint8), np.empty(0, np.uint8)])

    def array(self, shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
        """Return an array that is good until the next but one is wanted."""
        size = math.prod(shape) * dtype.itemsize
        place = self._places.popleft()
        if place.size < size:
            place = np.empty(size, np.uint8)
        self._places.append(place)
        return place[:size].view(dtype).reshape(shape)
