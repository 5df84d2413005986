"""A name with a value at a group or a data set."""

from __future__ import annotations

from typing import NamedTuple

from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.messages.shared import referred
from torch_layers.saving.hdf5.object_header import DATASPACE, DATATYPE
from torch_layers.saving.hdf5.storage import Storage


class Attribute(NamedTuple):
    """Its type and shape are read when the value is asked for: an attribute of a strange type hurts no other."""

    name: str
    datatype: bytes
    dataspace: bytes
    data: bytes


def read_attribute(storage: Storage, cursor: Cursor) -> Attribute:
    version = cursor.version("attributes", 1, 2, 3)
    flags = cursor.byte()
    sizes = [cursor.number(2) for _ in range(3)]
    if version == 3:
        cursor.skip(1)  # ASCII is part of UTF-8
    # In version 1 each of the three parts is filled up to 8 bytes.
    name, datatype, dataspace = (cursor.part(-(-size // 8) * 8 if version == 1 else size) for size in sizes)
    if version == 1:
        flags = 0
    if flags & 1:
        datatype = referred(storage, datatype, DATATYPE, "type")
    if flags & 2:
        dataspace = referred(storage, dataspace, DATASPACE, "data space")
    return Attribute(name.text(name.left), datatype.data, dataspace.data, cursor.take(cursor.left))
