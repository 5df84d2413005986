"""The checksums against known values, and against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from torch_layers.saving.hdf5.checksums import fletcher32, lookup3


@pytest.mark.parametrize(
    "data, expected",
    [(b"", 0xDEADBEEF), (b"Four score and seven years ago", 0x17770551)],
)
def test_lookup3_of_its_author(data: bytes, expected: int) -> None:
    """The values that the public domain source of lookup3 gives for itself, where the initial value is 0."""
    assert lookup3(data) == expected


def defined(data: bytes) -> int:
    first = second = 0
    for i in range(0, len(data), 2):
        word = int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
        first += word
        first = (first & 0xFFFF) + (first >> 16)
        second += first
        second = (second & 0xFFFF) + (second >> 16)
    return second << 16 | first


@pytest.mark.parametrize("size", [0, 1, 2, 3, 80, 721, 4096, 100_001])
def test_fletcher32_is_as_defined(size: int) -> None:
    data = np.random.default_rng(size).bytes(size)
    assert fletcher32(data) == defined(data)
    assert fletcher32(bytes(size)) == defined(bytes(size)) == 0
    assert fletcher32(b"\xff" * size) == defined(b"\xff" * size)


def test_fletcher32_of_several_blocks() -> None:
    data = np.random.default_rng(0).bytes((2 << 20) + 5)
    assert fletcher32(data) == defined(data)
