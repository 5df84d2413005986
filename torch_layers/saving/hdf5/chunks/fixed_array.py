"""The index of chunks whose number can't change."""

from __future__ import annotations

from collections.abc import Iterator

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.storage import Storage


def fixed_array(storage: Storage, address: int | None, *, filtered: bool, place: str) -> Iterator[tuple[int, Cursor]]:
    """Yield the number and the entry of each chunk that was written. Raises: FileError for a damaged index."""
    head = storage.block(address, 12 + storage.length_size + storage.offset_size, place)
    head.signature(b"FAHD")
    head.version("fixed arrays", 0)
    is_filtered, size, page_bits = head.byte(), head.byte(), head.byte()
    count, block = head.length(), head.address()
    storage.verify(head.data[: head.at], head.number(4), place)
    check_entries(storage, size, is_filtered, filtered=filtered, place=place)
    if block is None:
        return
    page = 1 << min(page_bits, 63)
    pages = -(-count // page) if count > page else 0
    prefix = 6 + storage.offset_size + -(-pages // 8)
    if not pages:
        yield from entries(storage, block, prefix, count, size, b"FADB", place)
        return
    start = storage.block(block, prefix + 4, place)
    start.signature(b"FADB")
    written = start.data[6 + storage.offset_size : prefix]
    storage.verify(start.data[:-4], int.from_bytes(start.data[-4:], "little"), place)
    storage.count(pages, place)
    at, number = block + prefix + 4, 0
    for i in range(pages):
        held = min(page, count - number)
        if written[i // 8] & 0x80 >> i % 8:
            for inside, entry in entries(storage, at, 0, held, size, b"", place):
                yield number + inside, entry
        at += held * size + 4
        number += held


def check_entries(storage: Storage, size: int, is_filtered: int, *, filtered: bool, place: str) -> None:
    """Raises: FileError if an index is for other chunks, or its entries have no room for what they must hold."""
    rest = size - storage.offset_size
    if is_filtered != filtered or (not 5 <= rest <= 12 if filtered else rest):
        raise FileError(place, f"the index of its chunks has entries of {size} bytes")


def entries(
    storage: Storage, address: int, prefix: int, count: int, size: int, signature: bytes, place: str
) -> Iterator[tuple[int, Cursor]]:
    """Yield the numbered entries of a block with a checksum, after a prefix that begins with a signature."""
    block = storage.block(address, prefix + count * size + 4, place)
    storage.count(count, place)
    storage.verify(block.data[:-4], int.from_bytes(block.data[-4:], "little"), place)
    block.signature(signature)
    block.skip(prefix - len(signature))
    for number in range(count):
        yield number, block.part(size)
