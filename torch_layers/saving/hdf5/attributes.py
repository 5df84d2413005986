"""The named values of a group or a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.heaps.fractal import FractalHeap
from torch_layers.saving.hdf5.messages.attribute import Attribute, read_attribute
from torch_layers.saving.hdf5.messages.dataspace import read_dataspace
from torch_layers.saving.hdf5.messages.datatype import read_datatype
from torch_layers.saving.hdf5.messages.shared import content
from torch_layers.saving.hdf5.object_header import ATTRIBUTE, ATTRIBUTE_INFO, Header
from torch_layers.saving.hdf5.refusals import NoSuchNameError, refusing, unsupported
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.trees.version_2 import records
from torch_layers.saving.hdf5.values import to_array

_BY_NAME = 8
_SHARED = 0x02


class Attributes(Mapping[str, Any]):
    """Values by name, in the order of the names: each is read when it is asked for.

    A single value is a str, int, float, bool or bytes; a list of texts a (nested) list of str; all else a numpy array.
    A value of HDF5's null space is None.
    """

    def __init__(self, storage: Storage, header: Header) -> None:
        self.place = header.place
        self._storage = storage
        self._messages = [*header.all(ATTRIBUTE), *header.all(ATTRIBUTE_INFO)]
        self._found: dict[str, Attribute] | None = None
        self._values: dict[str, Any] = {}

    @refusing
    def __getitem__(self, name: str) -> Any:
        found = self._attributes()
        if name not in found:
            raise NoSuchNameError(self.place, f"has no attribute {name!r}")
        if name not in self._values:
            self._values[name] = _value(self._storage, found[name], f"{self.place}, attribute {name!r}")
        return self._values[name]

    @refusing
    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes())

    @refusing
    def __len__(self) -> int:
        return len(self._attributes())

    @refusing
    def __contains__(self, name: object) -> bool:
        return name in self._attributes()

    def __repr__(self) -> str:
        return f"<attributes of {self.place}>"

    def _attributes(self) -> dict[str, Attribute]:
        if self._found is None:
            found: dict[str, Attribute] = {}
            for attribute in self._read():
                if attribute.name in found:
                    raise FileError(self.place, f"has two attributes {attribute.name!r}")
                found[attribute.name] = attribute
            self._found = dict(sorted(found.items(), key=lambda item: item[0].encode()))
            self._messages = []  # their bytes were copied
        return self._found

    def _read(self) -> Iterator[Attribute]:
        storage = self._storage
        for message in self._messages:
            if message.kind == ATTRIBUTE:
                yield read_attribute(storage, content(storage, message, "attribute", self.place))
                continue
            info = storage.cursor(message.data, self.place)
            info.version("attribute infos", 0)
            info.skip(2 if info.byte() & 1 else 0)
            heap_address, tree_address = info.address(), info.address()
            if heap_address is None:
                continue
            heap = FractalHeap(storage, heap_address, self.place)
            for record in records(storage, tree_address, (_BY_NAME,), self.place):
                heap_id, flags = record.take(8), record.byte()
                if flags & _SHARED:
                    raise unsupported(self.place, "an attribute lies in a table of messages that objects share")
                yield read_attribute(storage, heap.get(heap_id))


def _value(storage: Storage, attribute: Attribute, place: str) -> Any:
    dataspace = read_dataspace(storage.cursor(attribute.dataspace, place))
    datatype = read_datatype(storage.cursor(attribute.datatype, place))
    if dataspace.null:
        return None
    array = to_array(storage, attribute.data, datatype, dataspace.shape, place)
    if not dataspace.shape:
        return array.item()
    return array.tolist() if datatype.text else array
