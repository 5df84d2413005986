"""The two checksums of HDF5: Jenkins' lookup3 for metadata, Fletcher's for chunks."""

from __future__ import annotations

import struct

import numpy as np

_MASK = 0xFFFFFFFF


def lookup3(data: bytes) -> int:
    """Return Bob Jenkins' lookup3 hash of `data` with the initial value 0.

    Source: the algorithm that the HDF5 file format specification names (public domain, 2006).
    """
    size = len(data)
    a = b = c = (0xDEADBEEF + size) & _MASK
    if not size:
        return c
    # The last 1 to 12 bytes, filled up with zeros, go through the final mixing; all before them through the main one.
    words: tuple[int, ...] = struct.unpack(f"<{-(-size // 12) * 3}I", data.ljust(-(-size // 12) * 12, b"\0"))
    steps = iter(words[:-3])
    for x, y, z in zip(steps, steps, steps, strict=True):
        # Only what is rotated has to have 32 bits: a sum that is too long is cut where it is used next.
        a, b, c = a + x, b + y, (c + z) & _MASK
        a = ((a - c) ^ (c << 4 | c >> 28)) & _MASK
        c += b
        b = ((b - a) ^ (a << 6 | a >> 26)) & _MASK
        a += c
        c = ((c - b) ^ (b << 8 | b >> 24)) & _MASK
        b += a
        a = ((a - c) ^ (c << 16 | c >> 16)) & _MASK
        c += b
        b = ((b - a) ^ (a << 19 | a >> 13)) & _MASK
        a += c
        c = ((c - b) ^ (b << 4 | b >> 28)) & _MASK
        b += a
    a, b, c = (a + words[-3]) & _MASK, (b + words[-2]) & _MASK, (c + words[-1]) & _MASK
    c = ((c ^ b) - (b << 14 | b >> 18)) & _MASK
    a = ((a ^ c) - (c << 11 | c >> 21)) & _MASK
    b = ((b ^ a) - (a << 25 | a >> 7)) & _MASK
    c = ((c ^ b) - (b << 16 | b >> 16)) & _MASK
    a = ((a ^ c) - (c << 4 | c >> 28)) & _MASK
    b = ((b ^ a) - (a << 14 | a >> 18)) & _MASK
    return ((c ^ b) - (b << 24 | b >> 8)) & _MASK


def fletcher32(data: bytes) -> int:
    """Return Fletcher's checksum over big-endian words of 16 bits; an odd last byte is filled up with a zero."""
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2")
    first = second = 0
    step = 1 << 20  # sums of that many products stay far below 2**64
    for i in range(0, len(words), step):
        block = words[i : i + step].astype(np.uint64)
        second += len(block) * first + int((block * np.arange(len(block), 0, -1, dtype=np.uint64)).sum())
        first += int(block.sum())
    return _folded(second) << 16 | _folded(first)


def _folded(total: int) -> int:
    # Carries are added back in, so only a sum of zeros is 0: other multiples of 65535 stay 65535.
    return (total - 1) % 0xFFFF + 1 if total else 0
