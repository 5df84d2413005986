"""A checksum is that of the whole, whatever was read in which order, and each large part is read once."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from torch_layers.saving import summed
from torch_layers.saving.errors import FileError
from torch_layers.saving.source import Source
from torch_layers.saving.summed import Summed

BEFORE, CONTENT = b"before", random.Random(0).randbytes(3_000)


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def readinto(self, target):
        found = super().readinto(target)
        self.count += found
        return found


def made(content=CONTENT, checksum=None):
    file = Counting(BEFORE + content + b"behind")
    source = Source(file, "file/member", len(BEFORE), len(content))
    return file, Summed(source, zlib.crc32(CONTENT) if checksum is None else checksum)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(summed, "_SMALLEST", 100)
    monkeypatch.setattr(summed, "_BLOCK", 70)


PARTS = {
    "nothing": [],
    "all": [(0, 3_000)],
    "in order": [(0, 1_000), (1_000, 1_500), (2_500, 500)],
    "backwards": [(2_500, 500), (1_000, 1_500), (0, 1_000)],
    "with gaps": [(2_700, 150), (10, 101), (500, 1_000)],
    "small ones": [(100, 99), (0, 100)],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_every_byte_is_read_once(parts):
    file, source = made()
    for start, count in parts:
        found = bytearray(count)
        source.readinto(start, memoryview(found))
        assert found == CONTENT[start : start + count]
    source.verify_sum()
    twice = sum(count for _, count in parts if count < 100)
    assert file.count == len(CONTENT) + twice


@pytest.mark.parametrize("parts", [[(0, 500), (0, 500)], [(0, 1_000), (500, 1_000)], [(500, 900), (0, 3_000)]])
def test_parts_may_overlap(parts):
    source = made()[1]
    for start, count in parts:
        source.readinto(start, memoryview(bytearray(count)))
    source.verify_sum()


@pytest.mark.parametrize("place", [0, 700, 1_500, 2_999])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_damage_is_found_anywhere(parts, place):
    damaged = bytearray(CONTENT)
    damaged[place] ^= 4
    source = made(bytes(damaged))[1]
    for start, count in parts:
        source.readinto(start, memoryview(bytearray(count)))
    with pytest.raises(FileError, match=r"file/member: is damaged: its checksum is [0-9a-f]{8}, the archive says"):
        source.verify_sum()


def test_checksums_of_many_sizes_are_joined():
    drawn = random.Random(1)
    for _ in range(300):
        first, second = drawn.randbytes(drawn.randrange(300)), drawn.randbytes(drawn.randrange(3_000))
        assert summed._joined(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)
    zeros = bytes(5_000_011)
    assert summed._joined(zlib.crc32(b"a"), zlib.crc32(zeros), len(zeros)) == zlib.crc32(b"a" + zeros)


def test_an_empty_member():
    source = Summed(Source(io.BytesIO(), "file/member", 0, 0), 0)
    source.verify_sum()
