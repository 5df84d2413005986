"""Chunks that are not as large as they claim, that come twice, or are bombs: refused in a sentence."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5.hostile import BOTH, made, pack, patched, refused
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.source import opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = pytest.mark.keras


def chunked(tmp_path: Path, libver: str, raw: bytes, left_out: int = 0, **options: Any) -> Path:
    """Return a file with the array "a" of 100 numbers, whose second chunk of ten lies in the file as `raw`."""

    def write(file: Any) -> None:
        data = file.create_dataset("a", data=np.arange(100), chunks=(10,), **options)
        data.id.write_direct_chunk((10,), raw, left_out)

    return made(tmp_path, write, libver)


@BOTH
@pytest.mark.parametrize("size", [0, 8, 79, 81, 160])
def test_chunks_of_another_size_than_they_claim(tmp_path: Path, libver: str, size: int) -> None:
    refused(
        chunked(tmp_path, libver, zlib.compress(bytes(size)), compression=1),
        "a",
        rf"/a: a chunk decompresses to ({size}|more) bytes instead of 80",
    )


@BOTH
def test_chunks_that_are_short_without_compression(tmp_path: Path, libver: str) -> None:
    path = chunked(tmp_path, libver, bytes(72), 1, compression=1)
    refused(path, "a", r"/a: a chunk holds 72 bytes instead of 80")
    path = chunked(tmp_path, libver, bytes(72), 0b10, shuffle=True, fletcher32=True)
    refused(path, "a", r"/a: a chunk holds 72 bytes instead of 80")


@BOTH
def test_a_bomb_in_a_chunk(tmp_path: Path, libver: str) -> None:
    path = chunked(tmp_path, libver, zlib.compress(bytes(50 << 20), 9), compression=1)
    refused(path, "a", r"/a: a chunk decompresses to more bytes instead of 80")


@BOTH
def test_a_compressed_chunk_that_is_cut_or_no_such(tmp_path: Path, libver: str) -> None:
    whole = zlib.compress(np.arange(10, 20).tobytes())
    refused(chunked(tmp_path, libver, whole[:-5], compression=1), "a", r"/a: a chunk decompresses to 80 bytes instead")
    refused(chunked(tmp_path, libver, b"no stream", compression=1), "a", r"/a: a chunk can't be decompressed \(")


@BOTH
def test_filters_left_out_that_there_are_not(tmp_path: Path, libver: str) -> None:
    path = chunked(tmp_path, libver, bytes(80), 0b101, compression=1)
    refused(path, "a", r"/a: a chunk leaves out filters \(0x5\) that its data set does not have")


@BOTH
def test_a_wrong_checksum(tmp_path: Path, libver: str) -> None:
    path = chunked(tmp_path, libver, np.arange(10, 20).tobytes() + bytes(4), fletcher32=True)
    refused(path, "a", r"/a: the checksum of a chunk is wrong: the file is damaged")


def test_one_chunk_used_for_many(tmp_path: Path) -> None:
    """A terabyte, it says, in chunks that are all the same megabyte."""

    def write(file: Any) -> None:
        file.create_dataset("a", data=np.zeros((20, 4000)), chunks=(1, 4000), compression=9)

    path = made(tmp_path, write)
    with h5py.File(path) as file:
        addresses = [file["a"].id.get_chunk_info(i).byte_offset for i in range(20)]
    patched(path, *((pack(address), pack(addresses[0])) for address in addresses[1:]))
    refused(path, "a", r"/a: a chunk at \(1, 0\) comes twice")


def test_one_chunk_used_by_many_arrays(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        for i in range(10):
            data = file.create_dataset(f"a{i}", data=np.zeros(4099), chunks=(4099,), compression=9)
            if i == 0:
                data.id.write_direct_chunk((0,), np.ones(4099).tobytes(), 1)

    path = made(tmp_path, write)
    with h5py.File(path) as file:
        found = [file[f"a{i}"].id.get_chunk_info(0) for i in range(10)]
    # A key of the tree is size, filters left out, and start; the address follows.
    keys = [struct.pack("<II", one.size, one.filter_mask) + pack(0, 0, one.byte_offset) for one in found]
    patched(path, *((key, keys[0]) for key in keys[1:]))
    with opened(path) as source:
        root = open_hdf5(source)
        assert np.array_equal(root["a0"].read(), np.ones(4099))  # type: ignore[union-attr]
        with pytest.raises(FileError, match="its data overlaps other data: together they are larger than the file"):
            list(root.values())


@BOTH
def test_a_chunk_much_larger_than_its_array(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        data = file.create_dataset("a", (2,), "f8", chunks=(5 << 20,), maxshape=(None,), compression=9)
        data.id.write_direct_chunk((0,), zlib.compress(bytes(40 << 20), 9))

    refused(made(tmp_path, write, libver), "a", r"/a: has a chunk of 41943040 bytes for 16 bytes of data")


@BOTH
def test_more_than_deflate_can_hold(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        data = file.create_dataset("a", (1 << 40,), "f8", chunks=(1 << 28,), compression=9)
        data.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 20), 9))

    refused(made(tmp_path, write, libver), "a", r"/a: .*chunks")


@BOTH
def test_one_chunk_of_more_than_deflate_can_hold(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        data = file.create_dataset("a", (1 << 20,), "f8", chunks=(1 << 20,), compression=9)
        data.id.write_direct_chunk((0,), zlib.compress(bytes(1000)))

    refused(made(tmp_path, write, libver), "a", r"/a: \d+ bytes can't hold 1 chunks of 8388608 bytes")


def test_a_chunk_past_the_end(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.create_dataset("a", data=np.arange(20), chunks=(10,)))
    with h5py.File(path) as file:
        address = file["a"].id.get_chunk_info(1).byte_offset
    patched(path, (pack(address), pack(1 << 40)))
    with (
        opened(path) as source,
        pytest.raises(FileError, match=rf"/a: a chunk of 80 bytes at {1 << 40} reaches past the"),
    ):
        open_hdf5(source)["a"]  # before anything is read
