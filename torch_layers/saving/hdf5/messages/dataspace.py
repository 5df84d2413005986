"""The shape of data."""

from __future__ import annotations

from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor

_MOST_AXES = 32  # HDF5's own limit
_NULL = 2


class Dataspace(NamedTuple):
    """`largest` is how far the shape may grow, which orders chunks; None is an axis without limit.

    A null space, which has no elements, has the shape (0,).
    """

    shape: tuple[int, ...]
    largest: tuple[int | None, ...]
    null: bool = False


def read_dataspace(cursor: Cursor) -> Dataspace:
    version = cursor.version("data spaces", 1, 2)
    axes, flags = cursor.byte(), cursor.byte()
    if axes > _MOST_AXES:
        raise FileError(cursor.place, f"it has {axes} axes, of which HDF5 allows {_MOST_AXES}")
    kind = cursor.byte()
    if version == 1:
        cursor.skip(4)
    elif kind == _NULL:
        return Dataspace((0,), (0,), null=True)
    shape = tuple(cursor.length() for _ in range(axes))
    largest: tuple[int | None, ...] = shape
    if flags & 1:
        unlimited = (1 << 8 * cursor.length_size) - 1
        largest = tuple(None if size == unlimited else size for size in (cursor.length() for _ in range(axes)))
    if any(size is not None and size < now for now, size in zip(shape, largest, strict=True)):
        raise FileError(cursor.place, f"its shape {shape} is larger than the largest allowed, {largest}")
    return Dataspace(shape, largest)
