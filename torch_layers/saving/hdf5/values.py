"""The bytes of elements become numpy's numbers or texts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.heaps.collection import heap_object
from torch_layers.saving.hdf5.messages.datatype import Datatype
from torch_layers.saving.hdf5.storage import Storage

Array = np.ndarray[Any, np.dtype[Any]]


def to_array(storage: Storage, data: bytes, datatype: Datatype, shape: tuple[int, ...], place: str) -> Array:
    """Return exactly `shape` elements. Raises: FileError if the data is shorter, or a text or truth value is none."""
    count = math.prod(shape)
    if len(data) < count * datatype.size:
        raise FileError(place, f"{len(data)} bytes hold its {count} elements of {datatype.size} bytes")
    if not datatype.text:
        found = np.frombuffer(data, datatype.dtype, count).reshape(shape).copy()
        check_truth(found, place)
        return found
    # The elements are put into place one by one: numpy would take a list of texts for its own kind of texts.
    storage.count(count, place)
    texts = np.empty(count, object)
    decode = _variable if datatype.variable else _fixed
    for i in range(count):
        texts[i] = decode(storage, data[i * datatype.size : (i + 1) * datatype.size], datatype, place)
    return texts.reshape(shape)


def check_truth(values: Array, place: str) -> None:
    """Raises: FileError for truth values that are neither 0 nor 1, with which numpy and torch compute nonsense."""
    if values.dtype == bool and values.size and values.view(np.uint8).max() > 1:
        raise FileError(place, "has truth values that are neither 0 nor 1")


def _fixed(storage: Storage, raw: bytes, datatype: Datatype, place: str) -> str:
    if datatype.padding == 2:
        return _decoded(raw.rstrip(b" "), place)
    return _decoded(raw.split(b"\0", 1)[0] if datatype.padding == 0 else raw.rstrip(b"\0"), place)


def _variable(storage: Storage, raw: bytes, datatype: Datatype, place: str) -> str:
    where = storage.cursor(raw, place)
    length, address, index = where.number(4), where.address(), where.number(4)
    if not length or not address:
        return ""
    text = heap_object(storage, address, index, place)
    if length > len(text):
        raise FileError(place, f"a text of {length} bytes lies in {len(text)} bytes")
    storage.spend(length, place)
    return _decoded(text[:length], place).rstrip("\0")


def _decoded(raw: bytes | memoryview, place: str) -> str:
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise FileError(place, f"the text {bytes(raw[:80])!r} is not UTF-8") from None
