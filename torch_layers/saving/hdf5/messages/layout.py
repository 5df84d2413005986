"""Where the elements of a data set are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.refusals import unsupported

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = 0, 1, 2, 3
SINGLE, IMPLICIT, FIXED_ARRAY, EXTENSIBLE_ARRAY, TREE_2 = 1, 2, 3, 4, 5
TREE_1 = 0  # not a number of the format: layouts before version 4 have no other index


class Compact(NamedTuple):
    data: bytes


class Contiguous(NamedTuple):
    address: int | None
    size: int | None  # old files leave it to the shape


@dataclass(frozen=True)
class Chunked:
    """`shape` is a chunk's. `single` is, for a lone filtered chunk, its size and the filters left out."""

    shape: tuple[int, ...]
    element: int
    index: int
    address: int | None
    single: tuple[int, int] | None = None
    edges_unfiltered: bool = False

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.element


Layout = Compact | Contiguous | Chunked


def read_layout(cursor: Cursor) -> Layout:
    """Raises: FileError for a virtual layout, which takes its data from other files."""
    version = cursor.version("data layouts", 1, 2, 3, 4, 5)
    if version < 3:
        return _read_old(cursor)
    kind = cursor.byte()
    if kind == _COMPACT:
        return Compact(cursor.take(cursor.number(2)))
    if kind == _CONTIGUOUS:
        return Contiguous(cursor.address(), cursor.length())
    if kind == _CHUNKED:
        return _read_chunked_3(cursor) if version == 3 else _read_chunked_4(cursor, version)
    raise _refused(cursor, kind)


def _refused(cursor: Cursor, kind: int) -> FileError:
    what = "virtual: it takes its data from other data sets and files" if kind == _VIRTUAL else f"unknown ({kind})"
    return FileError(cursor.place, f"its layout is {what}")


def _read_old(cursor: Cursor) -> Layout:
    axes, kind = cursor.byte(), cursor.byte()
    cursor.skip(5)
    address = None if kind == _COMPACT else cursor.address()
    sizes = [cursor.number(4) for _ in range(axes)]
    if kind == _COMPACT:
        return Compact(cursor.take(cursor.number(4)))
    if kind == _CONTIGUOUS:
        return Contiguous(address, None)
    if kind == _CHUNKED:
        return _chunked(cursor, sizes, TREE_1, address)
    raise _refused(cursor, kind)


def _read_chunked_3(cursor: Cursor) -> Chunked:
    axes = cursor.byte()
    address = cursor.address()
    return _chunked(cursor, [cursor.number(4) for _ in range(axes)], TREE_1, address)


def _read_chunked_4(cursor: Cursor, version: int) -> Chunked:
    flags, axes, width = cursor.byte(), cursor.byte(), cursor.byte()
    if not 1 <= width <= 8:
        raise FileError(cursor.place, f"the sizes of its chunks have {width} bytes")
    sizes = [cursor.number(width) for _ in range(axes)]
    index = cursor.byte()
    single = None
    if index == SINGLE:
        if flags & 2:
            single = cursor.length(), cursor.number(4)
    elif index in (FIXED_ARRAY, EXTENSIBLE_ARRAY, TREE_2):
        # How the index is divided, which its own header repeats.
        cursor.skip({FIXED_ARRAY: 1, EXTENSIBLE_ARRAY: 5, TREE_2: 6}[index])
    elif index != IMPLICIT:
        raise unsupported(cursor.place, f"its chunks have an index of the unknown kind {index}")
    layout = _chunked(cursor, sizes, index, cursor.address())
    return replace(layout, single=single, edges_unfiltered=bool(flags & 1))


def _chunked(cursor: Cursor, sizes: list[int], index: int, address: int | None) -> Chunked:
    """The last of the sizes is an element's."""
    if len(sizes) < 2 or 0 in sizes:
        raise FileError(cursor.place, f"its chunks have the impossible sizes {sizes}")
    return Chunked(tuple(sizes[:-1]), sizes[-1], index, address)
