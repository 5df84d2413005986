"""Types and filters that no weight has: refused in a sentence, and the rest of the file is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5.hostile import BOTH, made, refused
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import Dataset, open_hdf5
from torch_layers.saving.source import opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = pytest.mark.keras


@pytest.mark.parametrize(
    "dtype, match",
    [
        (np.dtype([("r", "f4"), ("i", "f4")]), "its type is of the class compound"),
        (np.dtype("c8"), "its type is of the class compound"),
        (np.dtype(("f4", (2,))), "its type is of the class array"),
        (h5py.vlen_dtype("f4"), "its type is of the class variable-length"),
        (h5py.ref_dtype, "its type is of the class reference"),
        (np.dtype("f16"), "its numbers of 128 bits are no IEEE floating-point numbers"),
    ],
    ids=str,
)
@BOTH
def test_types_that_no_weight_has(tmp_path: Path, libver: str, dtype: Any, match: str) -> None:
    def write(file: Any) -> None:
        file.create_dataset("a", (3,), dtype)[...] = np.zeros(3, dtype) if dtype.kind != "O" else file.ref
        file.attrs.create("kept", 1)

    def write_references(file: Any) -> None:
        file.create_dataset("a", (3,), dtype)
        file.attrs.create("kept", 1)

    path = made(tmp_path, write_references if dtype.kind == "O" else write, libver)
    refused(path, "a", rf"made\.h5:/a: {match}, which is not read here", NotImplementedError)
    with opened(path) as source:
        assert open_hdf5(source).attrs["kept"] == 1


def test_numbers_of_odd_bits(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        kind = h5py.h5t.STD_I32LE.copy()
        kind.set_precision(20)
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"integers", kind, space)
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_ebias(100)
        h5py.h5d.create(file.id, b"floats", kind, space)

    path = made(tmp_path, write)
    refused(path, "integers", "/integers: its integers have 20 of 32 bits", NotImplementedError)
    refused(path, "floats", "/floats: its numbers of 32 bits are no IEEE floating-point", NotImplementedError)


def test_texts_do_not_go_where_numbers_belong(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.__setitem__("a", np.array(["x", "y"], object)))
    with opened(path) as source:
        member = open_hdf5(source)["a"]
        assert isinstance(member, Dataset)
        assert member.dtype == object
        with pytest.raises(FileError, match=r"/a: holds object of shape \(2,\), not float32 of shape \(2,\)"):
            member.read_into(np.zeros(2, np.float32))


@pytest.mark.parametrize(
    "options, match",
    [
        ({"compression": "lzf"}, r"the filter lzf \(32000\)"),
        ({"scaleoffset": 4}, r"the filter scale-offset \(6\)"),
    ],
    ids=str,
)
@BOTH
def test_filters_that_are_not_known(tmp_path: Path, libver: str, options: dict[str, Any], match: str) -> None:
    path = made(tmp_path, lambda file: file.create_dataset("a", data=np.arange(9), **options), libver)
    refused(path, "a", rf"/a: its chunks went through {match}, which is not read here", NotImplementedError)


@BOTH
def test_truth_values_that_are_none(tmp_path: Path, libver: str) -> None:
    path = made(tmp_path, lambda file: file.__setitem__("a", np.ones(7, bool)), libver)
    content = path.read_bytes()
    with h5py.File(path) as file:
        at = file["a"].id.get_offset()
    path.write_bytes(content[: at + 3] + b"\x02" + content[at + 4 :])
    refused(path, "a", r"/a: has truth values that are neither 0 nor 1")
    with opened(path) as source, pytest.raises(FileError, match="neither 0 nor 1"):
        open_hdf5(source)["a"].read_into(np.zeros(7, bool))  # type: ignore[union-attr]
