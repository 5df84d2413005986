"""A checksum of bytes that are read once, in any order: that of the whole comes from those of its parts.

Source: ISO 3309 (CRC-32), whose checksums are remainders of polynomials over two elements.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from torch_layers.saving.errors import FileError
from torch_layers.saving.source import Source

# x^32 is left out; the highest bit of a checksum belongs to x^0, the lowest to x^31.
_POLYNOMIAL = 0xEDB88320
_ONE, _X = 1 << 31, 1 << 30
# Parts below this are read again at the end: to put many small ones together takes longer.
_SMALLEST = 1 << 18
_BLOCK = 1 << 20


class Summed(Source):
    """The bytes of a source whose CRC-32 is known: what `readinto` reads is summed at once, while the cache holds it."""

    def __init__(self, source: Source, checksum: int) -> None:
        super().__init__(source.file, source.name, source.start, source.size, is_own=source.is_own, lock=source.lock)
        self._expected = checksum
        self._parts: list[tuple[int, int, int]] = []  # where one starts, its bytes, its checksum

    def readinto(self, offset: int, target: memoryview) -> None:
        super().readinto(offset, target)
        if target.nbytes >= _SMALLEST:
            self._parts.append((offset, target.nbytes, zlib.crc32(target)))

    def verify_sum(self) -> None:
        """Read what was not read yet. Raises: FileError if the checksum of all is another than the known one."""
        checksum = at = 0
        for start, count, part in sorted(self._parts):
            if start >= at:
                checksum = _joined(self._sum(at, start, checksum), part, count)
                at = start + count
        checksum = self._sum(at, self.size, checksum)
        if checksum != self._expected:
            raise FileError(
                self.name, f"is damaged: its checksum is {checksum:08x}, the archive says {self._expected:08x}"
            )

    def _sum(self, start: int, stop: int, checksum: int) -> int:
        """Go on with a checksum over the bytes from `start` to `stop`."""
        block = memoryview(bytearray(min(_BLOCK, stop - start)))
        for offset in range(start, stop, _BLOCK):
            part = block[: stop - offset]
            super().readinto(offset, part)
            checksum = zlib.crc32(part, checksum)
        return checksum


def _joined(first: int, second: int, count: int) -> int:
    """Return the checksum of bytes with `first`, followed by `count` bytes with `second`."""
    return _times(first, _shift(count)) ^ second


@lru_cache(maxsize=64)
def _shift(count: int) -> int:
    """Return x^(8 * count), by which a checksum is multiplied where so many bytes follow."""
    found, power, exponent = _ONE, _X, 8 * count
    while exponent:
        if exponent & 1:
            found = _times(found, power)
        power = _times(power, power)
        exponent >>= 1
    return found


def _times(one: int, other: int) -> int:
    """Multiply two polynomials, modulo that of the checksum."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = one << 1 & 0xFFFFFFFF
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product
