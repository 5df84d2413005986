"""How chunks were treated before they were written."""

from __future__ import annotations

from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
_MOST = 32  # HDF5's own limit: a chunk's mask has as many bits


class Filter(NamedTuple):
    kind: int
    name: str
    options: tuple[int, ...]


def read_filters(cursor: Cursor) -> tuple[Filter, ...]:
    """Return the filters in the order in which a writer applies them."""
    version = cursor.version("filter pipelines", 1, 2)
    count = cursor.byte()
    if count > _MOST:
        raise FileError(cursor.place, f"it has {count} filters, of which HDF5 allows {_MOST}")
    if version == 1:
        cursor.skip(6)
    return tuple(_read_filter(cursor, version) for _ in range(count))


def _read_filter(cursor: Cursor, version: int) -> Filter:
    kind = cursor.number(2)
    length = cursor.number(2) if version == 1 or kind >= 256 else 0
    cursor.skip(2)
    options = cursor.number(2)
    name = cursor.text(-(-length // 8) * 8 if version == 1 else length)
    values = tuple(cursor.number(4) for _ in range(options))
    if version == 1 and options % 2:
        cursor.skip(4)
    return Filter(kind, name, values)
