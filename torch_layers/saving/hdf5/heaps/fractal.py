"""The heap of links and attributes in the newer files: blocks in rows that double in size."""

from __future__ import annotations

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor, width_of
from torch_layers.saving.hdf5.refusals import unsupported
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.trees.version_2 import records

_MANAGED, _HUGE, _TINY = 0, 1, 2
_MOST_ROWS = 66  # the last of them has blocks of half of all that 64 bits can address
_HUGE_BY_NUMBER = 1  # the kind of tree that holds objects outside the heap


class FractalHeap:
    """Objects by their heap ID: inside the ID itself, in a block, or outside.

    Row 0 and 1 of the blocks are of the smallest size; each later row doubles. Rows of direct blocks, which hold
    objects, come first; then rows of indirect blocks, which hold rows again.
    """

    def __init__(self, storage: Storage, address: int | None, place: str) -> None:
        self._storage, self._place = storage, place
        widths = storage.length_size, storage.offset_size
        head = storage.block(address, 26 + 12 * widths[0] + 3 * widths[1], place)
        head.signature(b"FRHP")
        head.version("fractal heaps", 0)
        head.skip(2)
        if head.number(2):
            raise unsupported(place, "its names lie in a heap with filters")
        self._checked = bool(head.byte() & 2)
        largest_object = head.number(4)
        head.length()
        self._huge_tree = head.address()
        head.length()
        head.address()
        head.skip(8 * widths[0])
        self._columns, self._smallest, self._largest = head.number(2), head.length(), head.length()
        bits = head.number(2)
        head.number(2)
        self._root, self._root_rows = head.address(), head.number(2)
        storage.verify(head.data[: head.at], head.number(4), place)
        if not (self._columns and self._smallest and self._largest >= self._smallest and bits <= 64):
            raise FileError(place, "a heap has blocks of no size")
        self._offset_width = -(-bits // 8)
        self._length_width = min(-(-(self._largest.bit_length() - 1) // 8), width_of(largest_object))
        self._direct_rows = self._largest.bit_length() - self._smallest.bit_length() + 2
        self._blocks: dict[int, bytes] = {}
        self._rows: dict[int, list[int | None]] = {}
        self._huge: dict[int, tuple[int | None, int]] | None = None

    def get(self, heap_id: bytes) -> Cursor:
        """Return an object. Raises: FileError if the heap has none of this ID."""
        kind = heap_id[0] >> 4 & 3
        ident = self._storage.cursor(heap_id[1:], self._place)
        if heap_id[0] >> 6 or kind > _TINY:
            raise FileError(self._place, "a heap ID is of an unknown kind")
        if kind == _MANAGED:
            return self._managed(ident.number(self._offset_width), ident.number(self._length_width))
        if kind == _HUGE:
            return self._outside(ident)
        if len(heap_id) > 17:
            return ident.part(((heap_id[0] & 0x0F) << 8 | ident.byte()) + 1)
        return ident.part((heap_id[0] & 0x0F) + 1)

    def _outside(self, ident: Cursor) -> Cursor:
        widths = self._storage.offset_size, self._storage.length_size
        if ident.left >= sum(widths):  # the ID has room for the place itself
            address, size = ident.address(), ident.length()
        else:
            if self._huge is None:
                self._huge = {}
                for record in records(self._storage, self._huge_tree, (_HUGE_BY_NUMBER,), self._place):
                    found = record.address(), record.length()
                    self._huge[record.length()] = found
            number = ident.number(min(ident.left, widths[1]))
            if number not in self._huge:
                raise FileError(self._place, f"the object {number} outside a heap is missing")
            address, size = self._huge[number]
        return self._storage.block(address, size, self._place)

    def _managed(self, offset: int, size: int) -> Cursor:
        address, start, length = self._block_at(offset)
        if address not in self._blocks:
            self._blocks[address] = self._direct_block(address, length)
        inside = offset - start
        if inside + size > length:
            raise FileError(self._place, "an object reaches beyond its block of a heap")
        self._storage.spend(size, self._place)
        return self._storage.cursor(self._blocks[address][inside : inside + size], self._place)

    def _block_at(self, offset: int) -> tuple[int, int, int]:
        """Return address, first offset and size of the direct block that an offset of the heap falls into."""
        address, rows, start = self._root, self._root_rows, 0
        if rows == 0:
            return self._known(address), 0, self._smallest
        while True:
            children = self._indirect_block(self._known(address), rows)
            row, first = 0, start
            size = self._smallest
            while offset >= first + size * self._columns:
                first += size * self._columns
                row += 1
                size = self._smallest << max(row - 1, 0)
                if row >= rows:
                    raise FileError(self._place, "an object lies beyond the end of a heap")
            column = (offset - first) // size
            address, start = children[row * self._columns + column], first + column * size
            if row < self._direct_rows:
                return self._known(address), start, size
            rows = size.bit_length() - (self._smallest * self._columns).bit_length() + 1
            if rows < 1:
                raise FileError(self._place, "a heap has rows that are smaller than a block")

    def _known(self, address: int | None) -> int:
        if address is None:
            raise FileError(self._place, "an object lies in a block of a heap that was never written")
        return address

    def _indirect_block(self, address: int, rows: int) -> list[int | None]:
        if address not in self._rows:
            if rows > _MOST_ROWS:
                raise FileError(self._place, f"a heap has {rows} rows of blocks")
            count = rows * self._columns
            width = self._storage.offset_size
            size = 5 + width + self._offset_width + count * width + 4
            block = self._storage.block(address, size, self._place)
            block.signature(b"FHIB")
            block.version("blocks of heaps", 0)
            block.skip(width + self._offset_width)
            self._storage.count(count, self._place)
            self._rows[address] = [block.address() for _ in range(count)]
            self._storage.verify(block.data[: block.at], block.number(4), self._place)
        found = self._rows[address]
        if len(found) != rows * self._columns:
            raise FileError(self._place, "a heap's block contains itself")
        return found

    def _direct_block(self, address: int, size: int) -> bytes:
        block = self._storage.block(address, size, self._place)
        block.signature(b"FHDB")
        block.version("blocks of heaps", 0)
        block.skip(self._storage.offset_size + self._offset_width)
        if self._checked:
            data, at = block.data, block.at
            self._storage.verify(data[:at] + bytes(4) + data[at + 4 :], block.number(4), self._place)
        return block.data
