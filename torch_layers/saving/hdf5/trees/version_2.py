"""The B-tree of links, attributes and chunks since HDF5 1.8."""

from __future__ import annotations

from collections.abc import Iterator

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor, width_of
from torch_layers.saving.hdf5.storage import Storage

_AROUND = 10  # signature, version, kind and checksum of a node
_DEEPEST = 32


def records(storage: Storage, address: int | None, kinds: tuple[int, ...], place: str) -> Iterator[Cursor]:
    """Yield the records of a tree. Raises: FileError if a node is met twice, or the tree is of none of the kinds."""
    head = storage.block(address, 22 + storage.offset_size + storage.length_size, place)
    head.signature(b"BTHD")
    head.version("B-trees", 0)
    kind, node_size, size, depth = head.byte(), head.number(4), head.number(2), head.number(2)
    head.skip(2)
    root, count = head.address(), head.number(2)
    total = head.length()
    storage.verify(head.data[: head.at], head.number(4), place)
    if kind not in kinds or not size or node_size < _AROUND + size or depth > _DEEPEST:
        raise FileError(place, f"a B-tree of kind {kind} with nodes of {node_size} bytes is not possible")
    if not total:
        return
    widths = _Widths(storage.offset_size, node_size, size, depth, place)
    seen: set[int] = set()
    waiting = [(root, count, depth)]
    found = 0
    while waiting:
        at, count, level = waiting.pop()
        if at is None or at in seen:
            raise FileError(place, "a B-tree is not a tree")
        seen.add(at)
        found += count
        storage.count(count, place)
        used = _AROUND + count * size + (widths.pointer(level) * (count + 1) if level else 0)
        if used > node_size:
            raise FileError(place, f"a node of a B-tree holds {used} of {node_size} bytes")
        node = storage.block(at, used, place)
        storage.verify(node.data[:-4], int.from_bytes(node.data[-4:], "little"), place)
        node.signature(b"BTIN" if level else b"BTLF")
        node.version("nodes of B-trees", 0)
        if node.byte() != kind:
            raise FileError(place, "the nodes of a B-tree are of different kinds")
        for _ in range(count):
            yield node.part(size)
        for _ in range(count + 1 if level else 0):
            child, held = node.address(), node.number(widths.count)
            node.skip(widths.total(level))
            waiting.append((child, held, level - 1))
    if found != total:
        raise FileError(place, f"a B-tree has {found} records instead of {total}")


class _Widths:
    """How many bytes a node's pointers take: as many as the largest numbers that can stand there."""

    def __init__(self, address: int, node_size: int, record: int, depth: int, place: str) -> None:
        self._address = address
        most = (node_size - _AROUND) // record
        self.count = width_of(most)
        self._totals = [0]
        everything = most
        for level in range(1, depth + 1):
            pointer = self.pointer(level)
            most = (node_size - _AROUND - pointer) // (record + pointer)
            if most < 1:
                raise FileError(place, f"a B-tree with nodes of {node_size} bytes can have no second level")
            everything = (most + 1) * everything + most
            self._totals.append(width_of(everything))

    def total(self, level: int) -> int:
        """The bytes for the number of all records below a node at `level`'s child."""
        return self._totals[level - 1]

    def pointer(self, level: int) -> int:
        return self._address + self.count + self.total(level)
