"""All that is in a file, read through our reader, and how it is compared with what h5py reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from torch_layers.saving.hdf5 import Dataset, Group, open_hdf5
from torch_layers.saving.source import in_memory


def members(group: Group) -> Iterator[Group | Dataset]:
    """Yield a group and all below it."""
    yield group
    for member in group.values():
        if isinstance(member, Group):
            yield from members(member)
        else:
            yield member


def content(group: Group) -> dict[str, Any]:
    """Return all arrays by path, and all attributes by path and name."""
    found: dict[str, Any] = {}
    for member in members(group):
        found.update({f"{member.path}@{name}": value for name, value in member.attrs.items()})
        found[member.path] = read_twice(member) if isinstance(member, Dataset) else "group"
    return found


def read_twice(dataset: Dataset) -> np.ndarray[Any, Any]:
    """Read numbers into two arrays that were filled differently: memory that is not written would tell."""
    values = dataset.read()
    assert values.shape == dataset.shape
    assert values.dtype == dataset.dtype
    if values.dtype != object:
        target = np.full(dataset.nbytes, 0xA5, np.uint8).view(dataset.dtype.newbyteorder("="))
        target = target.reshape(dataset.shape)
        dataset.read_into(target)
        assert same(target, values.astype(target.dtype))
    return values


def content_of(file: bytes) -> dict[str, Any]:
    return content(open_hdf5(in_memory(file, "made.h5")))


def same(one: Any, other: Any) -> bool:
    """Whether two values are of the same type and equal, bit by bit."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype == object:
            return other.dtype == object and one.shape == other.shape and one.tolist() == other.tolist()
        return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    return type(one) is type(other) and (one == other or one != one)


def check_equal(ours: Any, h5py_object: Any, h5py: Any) -> int:
    """Compare all below a group, or a data set, with h5py's. Raises: AssertionError. Returns: how many were compared."""
    assert list(ours.attrs) == list(h5py_object.attrs)
    for name, value in h5py_object.attrs.items():
        assert same(ours.attrs[name], _attribute(value, h5py)), (ours.path, name, ours.attrs[name], value)
    assert ours.path == h5py_object.name
    compared = 1 + len(h5py_object.attrs)
    if isinstance(h5py_object, h5py.Group):
        assert isinstance(ours, Group)
        assert list(ours) == list(h5py_object)
        return compared + sum(check_equal(ours[name], h5py_object[name], h5py) for name in h5py_object)
    assert isinstance(ours, Dataset)
    value = h5py_object[...]
    if ours.dtype == object:
        value = np.array(_decoded(value), object)
    assert same(read_twice(ours), value), (ours.path, value)
    return compared


def _attribute(value: Any, h5py: Any) -> Any:
    """What our reader makes of an attribute, out of what h5py makes of it."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray):
        return _decoded(value) if value.dtype.kind in "OS" else value
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def _decoded(values: np.ndarray[Any, Any]) -> Any:
    def decoded(value: Any) -> Any:
        if isinstance(value, list):
            return [decoded(inner) for inner in value]
        return value.decode() if isinstance(value, bytes) else value

    return decoded(values.tolist())
