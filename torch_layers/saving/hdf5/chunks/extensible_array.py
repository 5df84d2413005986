"""The index of chunks whose number can grow along one axis."""

from __future__ import annotations

from collections.abc import Iterator

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.chunks.fixed_array import check_entries, entries
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.storage import Storage


def extensible_array(
    storage: Storage, address: int | None, *, filtered: bool, place: str
) -> Iterator[tuple[int, Cursor]]:
    """Yield the number and the entry of each chunk up to the last written. Raises: FileError for a damaged index.

    The first entries stand in the index block. Super blocks follow, number k of 2^(k//2) data blocks, each of
    2^((k+1)//2) times the smallest number of entries; the index block itself holds the addresses of the first ones' blocks.
    """
    return _ExtensibleArray(storage, address, filtered=filtered, place=place).entries()


class _ExtensibleArray:
    def __init__(self, storage: Storage, address: int | None, *, filtered: bool, place: str) -> None:
        self._storage, self._place = storage, place
        head = storage.block(address, 16 + 6 * storage.length_size + storage.offset_size, place)
        head.signature(b"EAHD")
        head.version("extensible arrays", 0)
        is_filtered, self._size, bits = head.byte(), head.byte(), head.byte()
        self._in_index, self._smallest, self._least, page_bits = (head.byte() for _ in range(4))
        head.skip(4 * storage.length_size)
        self._count = head.length()  # of the entries up to the last one written
        head.skip(storage.length_size)
        self._index = head.address()
        storage.verify(head.data[: head.at], head.number(4), place)
        check_entries(storage, self._size, is_filtered, filtered=filtered, place=place)
        for number in (self._smallest, self._least):
            if number < 1 or number & number - 1:
                raise FileError(place, f"the index of its chunks is divided by {number}, which is no power of two")
        if bits > 64:
            raise FileError(place, f"the index of its chunks counts with {bits} bits")
        self._page = 1 << min(page_bits, 63)
        self._number_width = -(-bits // 8)
        self._supers = 1 + max(bits - (self._smallest.bit_length() - 1), 0)

    def entries(self) -> Iterator[tuple[int, Cursor]]:
        if self._index is None:
            return
        storage, width = self._storage, self._storage.offset_size
        in_index_supers = 2 * (self._least.bit_length() - 1)
        direct = 2 * (self._least - 1)
        supers = max(self._supers - in_index_supers, 0)
        block = storage.block(
            self._index, 6 + width + self._in_index * self._size + (direct + supers) * width + 4, self._place
        )
        storage.verify(block.data[:-4], int.from_bytes(block.data[-4:], "little"), self._place)
        block.signature(b"EAIB")
        block.skip(2 + width)
        for number in range(self._in_index):
            entry = block.part(self._size)
            if number < self._count:
                yield number, entry
        number = self._in_index
        for k in range(self._supers):
            if number >= self._count:
                return
            blocks, held = 1 << k // 2, self._smallest << (k + 1) // 2
            after = number + blocks * held
            if k < in_index_supers:
                written = b""
                addresses = [block.address() for _ in range(blocks)]
            else:
                addresses, written = self._super_block(block.address(), blocks, held)
            pages = self._pages(held)
            for i, address in enumerate(addresses):
                if number >= self._count:
                    return
                if address is not None:
                    for inside, entry in self._data_block(address, held, written, i * pages):
                        yield number + inside, entry
                number += held
            number = after

    def _pages(self, held: int) -> int:
        return held // self._page if held > self._page else 0

    def _super_block(self, address: int | None, blocks: int, held: int) -> tuple[list[int | None], bytes]:
        """Return the addresses of its data blocks, and which pages of them were written."""
        if address is None:
            return [], b""
        storage, width = self._storage, self._storage.offset_size
        bitmap = blocks * -(-self._pages(held) // 8)
        block = storage.block(address, 6 + width + self._number_width + bitmap + blocks * width + 4, self._place)
        storage.verify(block.data[:-4], int.from_bytes(block.data[-4:], "little"), self._place)
        block.signature(b"EASB")
        block.skip(2 + width + self._number_width)
        written = block.take(bitmap)
        storage.count(blocks, self._place)
        return [block.address() for _ in range(blocks)], written

    def _data_block(self, address: int, held: int, written: bytes, first: int) -> Iterator[tuple[int, Cursor]]:
        prefix = 6 + self._storage.offset_size + self._number_width
        pages = self._pages(held)
        if not pages:
            yield from entries(self._storage, address, prefix, held, self._size, b"EADB", self._place)
            return
        self._storage.count(pages, self._place)
        at = address + prefix + 4
        for i in range(pages):
            bit = first + i  # the pages of all data blocks are counted as one row
            if written[bit // 8] & 0x80 >> bit % 8:
                for inside, entry in entries(self._storage, at, 0, self._page, self._size, b"", self._place):
                    yield i * self._page + inside, entry
            at += self._page * self._size + 4
