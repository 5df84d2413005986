"""How a data set is divided into chunks, and how chunks are numbered."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.messages.dataspace import Dataspace


class Chunk(NamedTuple):
    """`start` is the first element's place; the bits of `left_out` are filters that were not applied."""

    start: tuple[int, ...]
    address: int
    size: int
    left_out: int


class Grid:
    """Chunks of `chunk` elements over a data space."""

    def __init__(self, space: Dataspace, chunk: tuple[int, ...], place: str) -> None:
        if len(space.shape) != len(chunk):
            raise FileError(place, f"its shape {space.shape} is divided into chunks of shape {chunk}")
        self.shape, self.chunk, self.place = space.shape, chunk, place
        self.counts = tuple(-(-n // c) for n, c in zip(space.shape, chunk, strict=True))
        self.count = math.prod(self.counts)
        self._largest = tuple(None if n is None else -(-n // c) for n, c in zip(space.largest, chunk, strict=True))

    def numbered(self, number: int, *, unlimited_first: bool = False) -> tuple[int, ...] | None:
        """Return the start of a chunk by its number in the largest shape allowed, or None if it is outside the shape.

        With `unlimited_first` the one axis without limit counts as the first.
        """
        axes = list(range(len(self.chunk)))
        if unlimited_first:
            axes.sort(key=lambda axis: self._largest[axis] is not None)
        place = dict.fromkeys(axes, 0)
        for axis in reversed(axes[1:]):
            size = self._largest[axis]
            if not size:
                raise FileError(self.place, "its chunks are numbered, but its largest shape is not limited")
            number, place[axis] = divmod(number, size)
        place[axes[0]] = number
        if any(place[axis] >= self.counts[axis] for axis in axes):
            return None
        return tuple(place[axis] * self.chunk[axis] for axis in sorted(axes))

    def number(self, place: tuple[int, ...]) -> int:
        """Return the number of a chunk, given by its place among the chunks, in the largest shape allowed."""
        number = 0
        for at, size in zip(place, self._largest, strict=True):
            if not size:
                raise FileError(self.place, "its chunks are numbered, but its largest shape is not limited")
            number = number * size + at
        return number

    def is_edge(self, start: tuple[int, ...]) -> bool:
        """Whether a chunk reaches beyond the shape."""
        return any(s + c > n for s, c, n in zip(start, self.chunk, self.shape, strict=True))
