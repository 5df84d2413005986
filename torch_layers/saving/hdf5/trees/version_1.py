"""The B-tree of groups and chunks since the first HDF5."""

from __future__ import annotations

from collections.abc import Iterator

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.storage import Storage

GROUPS, CHUNKS = 0, 1


def leaves(storage: Storage, address: int | None, kind: int, key_size: int, place: str) -> Iterator[tuple[Cursor, int]]:
    """Yield what the lowest nodes hold: each key, and the address that stands behind it.

    Raises: FileError if a node is met twice, or is not one level below its parent.
    """
    width = storage.offset_size
    seen: set[int] = set()
    waiting: list[tuple[int | None, int | None]] = [(address, None)]
    while waiting:
        at, expected = waiting.pop()
        head = storage.block(at, 8 + 2 * width, place)
        head.signature(b"TREE")
        found, level, entries = head.byte(), head.byte(), head.number(2)
        if at is None or at in seen or found != kind or expected not in (None, level):
            raise FileError(place, "a B-tree is not a tree")
        seen.add(at)
        storage.count(entries, place)
        block = storage.block(at + 8 + 2 * width, entries * (key_size + width), place)
        children = []
        for _ in range(entries):
            key, child = block.part(key_size), block.address()
            if child is None:
                raise FileError(place, "a B-tree leads nowhere")
            children.append((key, child))
        if level == 0:
            yield from children
        else:
            waiting.extend((child, level - 1) for _, child in reversed(children))
