"""Links and data that lead elsewhere or in circles: refused with a sentence, and nothing else is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import walking
from tests.torch_layers.saving.hdf5.hostile import BOTH, made, patched, refused, soon_and_small
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.source import opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = pytest.mark.keras


@BOTH
def test_links_that_lead_elsewhere(tmp_path: Path, libver: str) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["a"] = np.ones(3)

    def write(file: Any) -> None:
        file["real"] = np.ones(3)
        file["outside"] = h5py.ExternalLink(str(secret), "/a")
        file["soft"] = h5py.SoftLink("/real")
        file["circle"] = h5py.SoftLink("/circle")

    path = made(tmp_path, write, libver)
    refused(path, "outside", r"made\.h5:/outside: is an external link to '/a' in the file '.*secret\.h5', which is not")
    refused(path, "soft", r"made\.h5:/soft: is a soft link to '/real', which is not followed")
    refused(path, "circle", r"made\.h5:/circle: is a soft link to '/circle', which is not followed")
    with opened(path) as source:  # and the rest can be read
        root = open_hdf5(source)
        assert list(root) == ["circle", "outside", "real", "soft"]
        assert walking.same(root["real"].read(), np.ones(3))  # type: ignore[union-attr]


def test_a_link_of_a_kind_of_its_own(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.__setitem__("a", h5py.ExternalLink("x", "/y")), "earliest")
    patched(path, (b"\x01\x08\x40\x01a", b"\x01\x08\x41\x01a"))
    refused(path, "a", r"/a: is a link of a kind of its own \(65\)")


@BOTH
def test_a_group_that_contains_itself(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        file["a/b/c"] = np.ones(3)
        file["a/b/again"] = file["a"]
        file["a/root"] = file["/"]

    path = made(tmp_path, write, libver)
    refused(path, "a/b/again", r"made\.h5:/a/b/again: is the same object as '/a': each can have one name only")
    refused(path, "a/root/a/b/c", r"made\.h5:/a/root: is the same object as '/'")
    with opened(path) as source, soon_and_small(), pytest.raises(FileError, match="is the same object"):
        walking.content(open_hdf5(source))


@BOTH
def test_a_tree_with_2_to_the_60_leaves(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        group = file
        for _ in range(60):
            below = group.create_group("a")
            group["b"] = below
            group = below

    path = made(tmp_path, write, libver)
    with opened(path) as source, soon_and_small(), pytest.raises(FileError, match="is the same object as"):
        walking.content(open_hdf5(source))


@BOTH
def test_an_array_of_many_names(tmp_path: Path, libver: str) -> None:
    """A gigabyte, it says, out of a megabyte."""

    def write(file: Any) -> None:
        file["a0"] = np.ones(1 << 17)
        for i in range(1, 1000):
            file[f"a{i}"] = file["a0"]

    path = made(tmp_path, write, libver)
    with opened(path) as source:
        root = open_hdf5(source)
        root["a0"]
        with pytest.raises(FileError, match=r"/a7: is the same object as '/a0'"):
            root["a7"]


def test_groups_that_lie_too_deep(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.create_group("/".join(["a"] * 5000)))
    with opened(path) as source, soon_and_small(4 << 20), pytest.raises(FileError, match="more than 200 groups deep"):
        walking.content(open_hdf5(source))


@BOTH
def test_a_long_name_above_many(tmp_path: Path, libver: str) -> None:
    """Each of the paths has 60,000 characters."""

    def write(file: Any) -> None:
        group = file.create_group("a" * 60_000)
        for i in range(1000):
            group.create_group(f"b{i}")

    path = made(tmp_path, write, libver)
    with (
        opened(path) as source,
        soon_and_small(16 << 20),
        pytest.raises(FileError, match="the paths of its objects are"),
    ):
        walking.content(open_hdf5(source))


@BOTH
def test_data_in_other_files(tmp_path: Path, libver: str) -> None:
    """A FIFO hangs whoever opens it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def write(file: Any) -> None:
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_external(os.fsencode(fifo), 0, 24)
        h5py.h5d.create(file.id, b"a", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((3,)), how)

    refused(made(tmp_path, write, libver), "a", r"made\.h5:/a: has its data in other files, which are not read")


def test_virtual_data(tmp_path: Path) -> None:
    """One that maps itself crashes the HDF5 library."""

    def write(file: Any) -> None:
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource(".", "a", (3,))
        file.create_virtual_dataset("a", layout)

    refused(made(tmp_path, write, "latest"), "a", r"/a: its layout is virtual: it takes its data from other data sets")
