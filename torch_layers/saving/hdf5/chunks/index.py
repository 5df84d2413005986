"""Where chunks are: the six indexes of HDF5."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.chunks.extensible_array import extensible_array
from torch_layers.saving.hdf5.chunks.fixed_array import fixed_array
from torch_layers.saving.hdf5.chunks.grid import Chunk, Grid
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.messages.layout import EXTENSIBLE_ARRAY, FIXED_ARRAY, IMPLICIT, SINGLE, TREE_1, Chunked
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.trees import version_1, version_2

_UNFILTERED, _FILTERED = 10, 11  # kinds of trees


def chunks(storage: Storage, layout: Chunked, grid: Grid, *, filtered: bool, place: str) -> Iterator[Chunk]:
    """Yield the chunks that an index knows and that lie inside the shape.

    Raises: FileError for an index that is damaged.
    """
    if layout.index == SINGLE:
        size, left_out = layout.single or (layout.nbytes, 0)
        yield Chunk((0,) * len(layout.shape), _known(layout.address, place), size, left_out)
    elif layout.index == IMPLICIT:
        yield from _implicit(layout, grid, place)
    elif layout.index == TREE_1:
        yield from _tree_1(storage, layout, place)
    elif layout.index in (FIXED_ARRAY, EXTENSIBLE_ARRAY):
        array = fixed_array if layout.index == FIXED_ARRAY else extensible_array
        for number, entry in array(storage, layout.address, filtered=filtered, place=place):
            start = grid.numbered(number, unlimited_first=layout.index == EXTENSIBLE_ARRAY)
            chunk = _entry(entry, start, layout.nbytes, 0, filtered=filtered)
            if chunk is not None:
                yield chunk
    else:
        axes = len(layout.shape)
        for record in version_2.records(storage, layout.address, (_FILTERED if filtered else _UNFILTERED,), place):
            scaled = storage.cursor(record.data[-8 * axes :], place)
            start = tuple(scaled.number(8) * size for size in layout.shape)
            chunk = _entry(record, start, layout.nbytes, 8 * axes, filtered=filtered)
            if chunk is not None:
                yield chunk


def _known(address: int | None, place: str) -> int:
    if address is None:
        raise FileError(place, "its data was never written")
    return address


def _implicit(layout: Chunked, grid: Grid, place: str) -> Iterator[Chunk]:
    """One chunk after the other, without any index."""
    address = _known(layout.address, place)
    for place_of_chunk in itertools.product(*map(range, grid.counts)):
        start = tuple(at * size for at, size in zip(place_of_chunk, layout.shape, strict=True))
        yield Chunk(start, address + grid.number(place_of_chunk) * layout.nbytes, layout.nbytes, 0)


def _tree_1(storage: Storage, layout: Chunked, place: str) -> Iterator[Chunk]:
    axes = len(layout.shape)
    for key, address in version_1.leaves(storage, layout.address, version_1.CHUNKS, 8 + 8 * (axes + 1), place):
        size, left_out = key.number(4), key.number(4)
        yield Chunk(tuple(key.number(8) for _ in range(axes)), address, size, left_out)


def _entry(entry: Cursor, start: tuple[int, ...] | None, size: int, after: int, *, filtered: bool) -> Chunk | None:
    """Read a chunk's address and, if it went through filters, its size and which of them it did not."""
    address, left_out = entry.address(), 0
    if filtered:
        size, left_out = entry.number(entry.left - 4 - after), entry.number(4)
    return None if address is None or start is None else Chunk(start, address, size, left_out)
