"""Chunks become one array."""

from __future__ import annotations

import numpy as np

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.chunks.decoding import MOST_INFLATED, check_known, decoded
from torch_layers.saving.hdf5.chunks.grid import Chunk, Grid
from torch_layers.saving.hdf5.chunks.index import chunks
from torch_layers.saving.hdf5.messages.dataspace import Dataspace
from torch_layers.saving.hdf5.messages.filters import DEFLATE, Filter
from torch_layers.saving.hdf5.messages.layout import Chunked
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.values import Array

# A chunk may be larger than its data set, which can grow; but not so much that a small data set takes much memory.
_SPARE = 16 << 20


class Assembly:
    """The chunks of a data set, all of them found and of a size that can hold the data.

    Raises: FileError if chunks are missing, lie twice in the index or outside the file, or share their bytes;
    NotImplementedError for filters that are not known.
    """

    def __init__(
        self,
        storage: Storage,
        layout: Chunked,
        filters: tuple[Filter, ...],
        space: Dataspace,
        element: int,
        place: str,
    ) -> None:
        self._storage, self._layout, self._filters, self._place = storage, layout, filters, place
        check_known(filters, place)
        self._grid = Grid(space, layout.shape, place)
        if layout.element != element:
            raise FileError(place, f"its elements have {element} bytes, those of its chunks {layout.element}")
        self._chunks = self._found() if self._grid.count else []

    def read_into(self, out: Array) -> None:
        """Fill an array of bytes of the data set's shape and one more axis, the bytes of an element."""
        layout = self._layout
        shape = *layout.shape, layout.element
        for chunk in self._chunks:
            filters = self._filters
            if layout.edges_unfiltered and self._grid.is_edge(chunk.start):
                filters = ()
            raw = self._storage.source.read(self._storage.base + chunk.address, chunk.size)
            data = decoded(raw, filters, chunk.left_out, layout.nbytes, self._place)
            elements = np.frombuffer(data, np.uint8).reshape(shape)
            target = out[tuple([slice(s, s + n) for s, n in zip(chunk.start, layout.shape, strict=True)])]
            target[...] = elements if target.shape == shape else elements[tuple(map(slice, target.shape))]

    def _found(self) -> list[Chunk]:
        storage, layout, grid, place = self._storage, self._layout, self._grid, self._place
        found: dict[tuple[int, ...], Chunk] = {}
        addresses = set()
        for chunk in chunks(storage, layout, grid, filtered=bool(self._filters), place=place):
            storage.count(1, place)
            if any(
                start % size or start >= end
                for start, size, end in zip(chunk.start, grid.chunk, grid.shape, strict=True)
            ):
                raise FileError(place, f"a chunk begins at {chunk.start}, of the shape {grid.shape}")
            if chunk.start in found or chunk.address in addresses:
                raise FileError(place, f"a chunk at {chunk.start} comes twice")
            if chunk.address + chunk.size > storage.size:
                raise FileError(place, f"a chunk of {chunk.size} bytes at {chunk.address} reaches past the file's end")
            found[chunk.start] = chunk
            addresses.add(chunk.address)
        if len(found) != grid.count:
            raise FileError(place, f"{grid.count - len(found)} of its {grid.count} chunks were never written")
        self._check_sizes(sum(chunk.size for chunk in found.values()))
        return list(found.values())

    def _check_sizes(self, stored: int) -> None:
        """What is stored must be able to become what is promised."""
        layout, grid = self._layout, self._grid
        self._storage.claim(stored, self._place)
        most = MOST_INFLATED if any(used.kind == DEFLATE for used in self._filters) else 1
        if grid.count * layout.nbytes > most * stored:
            raise FileError(self._place, f"{stored} bytes can't hold {grid.count} chunks of {layout.nbytes} bytes")
        needed = layout.element
        for size in grid.shape:
            needed *= size
        if layout.nbytes > 2 * needed + _SPARE:
            raise FileError(self._place, f"has a chunk of {layout.nbytes} bytes for {needed} bytes of data")
