"""A block of a file's metadata, read number by number and never past its end."""

from __future__ import annotations

from torch_layers.saving.errors import FileError


def width_of(number: int) -> int:
    """Return how many bytes HDF5 takes for numbers up to `number`."""
    return max(number.bit_length() - 1, 0) // 8 + 1


class Cursor:
    """Little-endian numbers and bytes of `data` from `at` on; `place` is what errors call it.

    HDF5 files say how many bytes their addresses and lengths take: `offset_size` and `length_size`.
    Raises: FileError from every method that asks for more than is left.
    """

    __slots__ = ("at", "data", "length_size", "offset_size", "place")

    def __init__(self, data: bytes, place: str, offset_size: int, length_size: int) -> None:
        self.data, self.place, self.at = data, place, 0
        self.offset_size, self.length_size = offset_size, length_size

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise FileError(self.place, f"{count} bytes are wanted of a part that has {self.left} left")
        found = self.data[self.at : end]
        self.at = end
        return found

    def skip(self, count: int) -> None:
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise FileError(self.place, f"{count} bytes are wanted of a part that has {self.left} left")
        self.at = end

    def number(self, size: int) -> int:
        """Return an unsigned number of `size` bytes."""
        end = self.at + size
        if end > len(self.data):
            raise FileError(self.place, f"{size} bytes are wanted of a part that has {self.left} left")
        found = int.from_bytes(self.data[self.at : end], "little")
        self.at = end
        return found

    def byte(self) -> int:
        return self.number(1)

    def length(self) -> int:
        return self.number(self.length_size)

    def address(self) -> int | None:
        """Return an address in the file, or None for the undefined one (all bits set)."""
        found = self.number(self.offset_size)
        return None if found == (1 << 8 * self.offset_size) - 1 else found

    def part(self, count: int) -> Cursor:
        """Return the next `count` bytes as a block of their own."""
        return Cursor(self.take(count), self.place, self.offset_size, self.length_size)

    def text(self, count: int) -> str:
        """Return `count` bytes of UTF-8, up to the first NUL."""
        raw = self.take(count).split(b"\0", 1)[0]
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise FileError(self.place, f"the name {raw[:80]!r} is not UTF-8") from None

    def signature(self, expected: bytes) -> None:
        found = self.take(len(expected))
        if found != expected:
            raise FileError(self.place, f"{found!r} stands where {expected!r} should begin a structure")

    def version(self, what: str, *known: int) -> int:
        """Return the next byte, a version. Raises: FileError if it is not among those known."""
        found = self.byte()
        if found not in known:
            raise FileError(self.place, f"version {found} of {what} is not among the known {known}")
        return found
