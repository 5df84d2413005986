"""The file as its structures see it: blocks at addresses, and how much of them may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.checksums import lookup3
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.source import Source

if TYPE_CHECKING:
    from torch_layers.saving.hdf5.heaps.collection import Collection

# An honest file's metadata is read once, and its texts are copied once more; structures that overlap are read more often.
_READ_TIMES = 3
_READ_ALWAYS = 1 << 20
_READ_AT_MOST = 512 << 20
# A long name of a group stands in the path of all that is in it.
_PATH_TIMES = 4
_DEEPEST = 200  # whoever walks a file by recursion gets to the end
# Messages, links, chunks, texts: a file has one in 4 bytes at most, and so many of them take seconds.
_ITEM_BYTES = 4
_ITEMS_ALWAYS = 100_000
_ITEMS_AT_MOST = 2_000_000
# Pure Python hashes some 10 MB a second. A checksum finds accidents, not attacks, so a limit costs no safety.
_CHECKED = 8 << 20


class Storage:
    """An HDF5 file: `source` from `base` on, with addresses of `offset_size` and lengths of `length_size` bytes.

    What the whole file may cost is counted here: bytes of metadata, items, and bytes that data sets claim as theirs.
    """

    def __init__(self, source: Source, base: int, offset_size: int, length_size: int) -> None:
        self.source, self.base = source, base
        self.offset_size, self.length_size = offset_size, length_size
        self.collections: dict[int, Collection] = {}
        self._paths: dict[int, str] = {}
        self._path_left = _PATH_TIMES * source.size + _READ_ALWAYS
        self._bytes_left = min(_READ_TIMES * source.size + _READ_ALWAYS, _READ_AT_MOST)
        self._items_left = min(source.size // _ITEM_BYTES + _ITEMS_ALWAYS, _ITEMS_AT_MOST)
        self._checked_left = _CHECKED
        self._claimable = source.size

    @property
    def size(self) -> int:
        """The bytes that addresses can mean."""
        return self.source.size - self.base

    def place(self, path: str) -> str:
        return f"{self.source.name}:{path}"

    def enter(self, address: int, path: str) -> str:
        """Return the place of an object that is reached by a path. Raises: FileError if it has another path already."""
        place = self.place(path)
        other = self._paths.get(address)
        if other not in (path, None):
            raise FileError(place, f"is the same object as {other!r}: each can have one name only")
        if path.count("/") > _DEEPEST:
            raise FileError(place, f"lies more than {_DEEPEST} groups deep")
        if other is None:
            self._path_left -= len(path)
            if self._path_left < 0:
                raise FileError(place[:200], "the paths of its objects are longer than the file")
            self._paths[address] = path
        return place

    def block(self, address: int | None, size: int, place: str) -> Cursor:
        """Return `size` bytes of metadata. Raises: FileError where there are none, or too much was read already."""
        if address is None:
            raise FileError(place, "a structure has no address")
        if address + size > self.size:
            raise FileError(place, f"a structure of {size} bytes at {address} lies past the end of {self.size} bytes")
        self.spend(size, place)
        return self.cursor(self.source.read(self.base + address, size), place)

    def up_to(self, address: int | None, size: int, place: str) -> Cursor:
        """Return `size` bytes of metadata, or fewer where the file ends."""
        return self.block(address, min(size, max(self.size - (address or 0), 0)), place)

    def cursor(self, data: bytes, place: str) -> Cursor:
        return Cursor(data, place, self.offset_size, self.length_size)

    def spend(self, size: int, place: str) -> None:
        """Count bytes of metadata. Raises: FileError if they are more than a file of this size can need."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise FileError(place, "its structures overlap: they are larger than the file")

    def count(self, items: int, place: str) -> None:
        """Count messages, links, chunks, texts. Raises: FileError if a file of this size can't have so many."""
        self._items_left -= items
        if self._items_left < 0:
            raise FileError(place, "the file has more messages, links, chunks and texts than are read of its size")

    def claim(self, size: int, place: str) -> None:
        """Count bytes that hold a data set. Raises: FileError if all that were claimed are more than the file's."""
        self._claimable -= size
        if self._claimable < 0:
            raise FileError(place, "its data overlaps other data: together they are larger than the file")

    def verify(self, data: bytes, checksum: int, place: str) -> None:
        """Compare a block with its checksum, as long as the file's blocks together are of a sensible size."""
        self._checked_left -= len(data)
        if self._checked_left >= 0 and lookup3(data) != checksum:
            raise FileError(place, "the checksum of a structure is wrong: the file is damaged")
