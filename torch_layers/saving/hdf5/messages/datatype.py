"""The type of data: numbers, truth values, texts, and bytes without meaning, as numpy knows them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.refusals import unsupported

_FIXED, _FLOAT, _STRING, _OPAQUE, _ENUM, _VARIABLE = 0, 1, 3, 5, 8, 9
_CLASSES = {2: "time", 4: "bit field", 6: "compound", 7: "reference", 10: "array", 11: "complex"}
# Where IEEE 754 puts sign; exponent and its size; mantissa's size; and what is subtracted from the exponent.
_IEEE = {
    2: (15, 10, 5, 10, 15),
    4: (31, 23, 8, 23, 127),
    8: (63, 52, 11, 52, 1023),
}


class Datatype(NamedTuple):
    """`dtype` is what reading gives; `size` what an element takes in the file.

    Texts have the dtype object. `variable`: the element says where in a heap its text is. `padding` is what ends or
    fills a text of fixed size: NUL (0 ends it, 1 fills it) or spaces (2).
    """

    dtype: np.dtype[np.generic]
    size: int
    text: bool = False
    variable: bool = False
    padding: int = 0


def read_datatype(cursor: Cursor) -> Datatype:
    """Raises: NotImplementedError for types that no weight and no attribute of Keras has."""
    head = cursor.byte()
    kind, version = head & 0x0F, head >> 4
    bits, size = cursor.number(3), cursor.number(4)
    if size == 0:
        raise FileError(cursor.place, "an element of it has 0 bytes")
    if kind == _FIXED:
        return _integer(cursor, bits, size)
    if kind == _FLOAT:
        return _float(cursor, bits, size)
    if kind == _STRING:
        return _string(cursor, bits, size, variable=False)
    if kind == _OPAQUE:
        # numpy's own void: what h5py makes of bfloat16 and float8, which only an attribute tells apart.
        return Datatype(np.dtype(f"V{size}"), size)
    if kind == _ENUM:
        return _enumeration(cursor, version, bits, size)
    if kind == _VARIABLE and bits & 0x0F == 1:
        return _string(cursor, bits >> 4, size, variable=True)
    what = _CLASSES.get(kind, "variable-length" if kind == _VARIABLE else f"unknown ({kind})")
    raise unsupported(cursor.place, f"its type is of the class {what}")


def _integer(cursor: Cursor, bits: int, size: int) -> Datatype:
    offset, precision = cursor.number(2), cursor.number(2)
    if size not in (1, 2, 4, 8) or (offset, precision) != (0, 8 * size):
        raise unsupported(cursor.place, f"its integers have {precision} of {8 * size} bits")
    order = ">" if bits & 0x01 else "<"
    return Datatype(np.dtype(f"{order}{'i' if bits & 0x08 else 'u'}{size}"), size)


def _float(cursor: Cursor, bits: int, size: int) -> Datatype:
    offset, precision = cursor.number(2), cursor.number(2)
    exponent, exponent_size, mantissa, mantissa_size = (cursor.byte() for _ in range(4))
    bias = cursor.number(4)
    sign, implied, order = bits >> 8 & 0xFF, bits >> 4 & 3, bits & 0x41
    layout = sign, exponent, exponent_size, mantissa_size, bias
    if (offset, precision, mantissa, implied) != (0, 8 * size, 0, 2) or layout != _IEEE.get(size) or order > 1:
        raise unsupported(cursor.place, f"its numbers of {8 * size} bits are no IEEE floating-point numbers")
    return Datatype(np.dtype(f"{'>' if order else '<'}f{size}"), size)


def _string(cursor: Cursor, bits: int, size: int, *, variable: bool) -> Datatype:
    padding = bits & 0x0F
    if padding > 2 or bits >> 4 & 0x0F > 1:
        raise FileError(cursor.place, "its texts have an unknown padding or character set")
    # ASCII is part of UTF-8, and files of Python 2 call UTF-8 ASCII.
    return Datatype(np.dtype(object), size, text=True, variable=variable, padding=padding)


def _enumeration(cursor: Cursor, version: int, bits: int, size: int) -> Datatype:
    """h5py's truth values are the enumeration FALSE = 0, TRUE = 1; of others the numbers are given."""
    start = cursor.at
    if cursor.byte() & 0x0F != _FIXED:
        raise unsupported(cursor.place, "its enumeration is not of integers")
    cursor.at = start
    base = read_datatype(cursor)
    if base.size != size:
        raise FileError(cursor.place, f"its enumeration has {size} bytes, of integers of {base.size}")
    names = [_name(cursor, padded=version < 3) for _ in range(bits & 0xFFFF)]
    values = np.frombuffer(cursor.take(size * len(names)), base.dtype).tolist()
    if size == 1 and dict(zip(names, values, strict=True)) == {b"FALSE": 0, b"TRUE": 1}:
        return Datatype(np.dtype(bool), 1)
    return base


def _name(cursor: Cursor, *, padded: bool) -> bytes:
    end = cursor.data.find(b"\0", cursor.at)
    if end < 0:
        raise FileError(cursor.place, "the names of its enumeration have no end")
    name = cursor.take(end - cursor.at)
    cursor.skip(8 - len(name) % 8 if padded else 1)
    return name
