"""Shapes without their data, and data that is used more than once: refused before memory is taken."""

from __future__ import annotations

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


@BOTH
def test_data_that_was_never_written(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        file.create_dataset("whole", (1000, 1000), "f8")
        file.create_dataset("chunks", (1000, 1000), "f8", chunks=(10, 10))
        file.create_dataset("one", (10,), "f8", chunks=(10,), compression=1)
        file.create_dataset("most", (100,), "f8", chunks=(10,), maxshape=(None,))[:85] = 1

    path = made(tmp_path, write, libver)
    refused(path, "whole", r"/whole: has the shape \(1000, 1000\), but its data was never written")
    refused(path, "chunks", r"/chunks: .*(never written|no address|can't hold)")
    refused(path, "one", r"/one: .*(never written|no address)")
    refused(path, "most", r"/most: 1 of its 10 chunks were never written")


@pytest.mark.parametrize("size", [1 << 20, 1 << 40, 1 << 61, (1 << 64) - 1])
def test_a_shape_without_the_data(tmp_path: Path, size: int) -> None:
    def write(file: Any) -> None:
        file["whole"] = np.ones(4099)
        file.create_dataset("chunks", data=np.ones(4099), chunks=(1000,))
        file.create_dataset("deflated", data=np.ones(4099), chunks=(1000,), compression=9)
        file.create_dataset("compact", data=np.ones(4099))

    path = patched(made(tmp_path, write), (pack(4099), pack(size)))
    refused(path, "whole", r"/whole: its shape \(\d+,\) takes \d+ bytes, its layout 32792")
    refused(path, "chunks", r"/chunks: .*chunks")
    refused(path, "deflated", r"/deflated: .*chunks")


def test_a_shape_and_a_layout_without_the_data(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.__setitem__("a", np.ones(4099)))
    patched(path, (pack(4099), pack(1 << 40)), (pack(4099 * 8), pack(1 << 43)))
    refused(path, "a", rf"/a: its {1 << 43} bytes at \d+ reach past the file's end")


def test_many_arrays_in_the_same_place(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        file["a"] = np.ones(4099)
        for i in range(10):
            file.create_dataset(f"b{i}", (4099,), "f8")

    path = made(tmp_path, write)
    with h5py.File(path) as file:
        address = file["a"].id.get_offset()
    patched(path, (pack((1 << 64) - 1, 4099 * 8), pack(address, 4099 * 8)))
    with opened(path) as source:
        root = open_hdf5(source)
        assert np.array_equal(root["a"].read(), np.ones(4099))  # type: ignore[union-attr]
        with pytest.raises(
            FileError, match="/b7: its data overlaps other data: together they are larger than the file"
        ):
            root["b7"]
