"""The global heap: the texts of variable length, several to a collection."""

from __future__ import annotations

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.storage import Storage


class Collection:
    """The objects of one collection of the global heap, by their numbers."""

    def __init__(self, storage: Storage, address: int, place: str) -> None:
        head = storage.block(address, 8 + storage.length_size, place)
        head.signature(b"GCOL")
        head.version("global heaps", 1)
        head.skip(3)
        block = storage.block(address, head.length(), place)
        self._data = memoryview(block.data)
        self._places: dict[int, tuple[int, int]] = {}
        header = -(-(8 + storage.length_size) // 8) * 8  # the collection's, and each object's: all begins at 8 bytes
        block.skip(min(header, block.left))
        while block.left >= header:
            start = block.at
            index = block.number(2)
            block.skip(6)
            size = block.length()
            block.at = start + header
            if index == 0:  # the rest is free
                break
            self._places[index] = block.at, block.at + size
            block.skip(size)
            block.skip(min(-size % 8, block.left))
        storage.count(len(self._places), place)

    def object(self, index: int, place: str) -> memoryview:
        if index not in self._places:
            raise FileError(place, f"the text {index} of a heap is missing")
        start, end = self._places[index]
        return self._data[start:end]


def heap_object(storage: Storage, address: int, index: int, place: str) -> memoryview:
    """Return an object of the global heap; its collection is read once."""
    if address not in storage.collections:
        storage.collections[address] = Collection(storage, address, place)
    return storage.collections[address].object(index, place)
