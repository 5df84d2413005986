"""A group's names, in files before HDF5 1.8 and all that are compatible with it."""

from __future__ import annotations

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.storage import Storage


class LocalHeap:
    def __init__(self, storage: Storage, address: int | None, place: str) -> None:
        self._storage, self._place = storage, place
        head = storage.block(address, 8 + 2 * storage.length_size + storage.offset_size, place)
        head.signature(b"HEAP")
        head.version("local heaps", 0)
        head.skip(3)
        size = head.length()
        head.length()  # free space
        self._data = storage.block(head.address(), size, place).data

    def text(self, offset: int) -> bytes:
        """Return what stands at `offset`, up to its NUL."""
        end = self._data.find(b"\0", offset)
        if not 0 <= offset < len(self._data) or end < 0:
            raise FileError(self._place, f"a name lies at {offset} of a heap of {len(self._data)} bytes")
        self._storage.spend(end - offset, self._place)
        return self._data[offset:end]
