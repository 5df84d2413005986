"""What h5py writes, in every form that its options give, read as h5py reads it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import samples, walking
from torch_layers.saving.hdf5 import Dataset, Group, open_hdf5
from torch_layers.saving.hdf5.checksums import lookup3
from torch_layers.saving.source import opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = pytest.mark.keras

OPTIONS: list[dict[str, Any]] = [
    {},
    {"libver": "earliest"},
    {"libver": "v108"},
    {"libver": "v110"},
    {"libver": "v112"},
    {"libver": "v114"},
    {"libver": "latest"},
    {"userblock_size": 512},
    {"userblock_size": 4096, "libver": "latest"},
]
BOTH = [{"libver": "earliest"}, {"libver": "latest"}]


def named(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items()) or "default"


def check(path: Path) -> int:
    with opened(path) as source, h5py.File(path) as file:
        return walking.check_equal(open_hdf5(source), file, h5py)


@pytest.mark.parametrize("options", OPTIONS, ids=named)
def test_samples(tmp_path: Path, options: dict[str, Any]) -> None:
    path = samples.write(tmp_path / "made.h5", h5py, **options)
    assert check(path) > 100
    with opened(path) as source:
        found, expected = walking.content(open_hdf5(source)), samples.expected()
    assert sorted(found) == sorted(expected)
    assert all(walking.same(value, expected[name]) for name, value in found.items())


@pytest.mark.parametrize("options", BOTH, ids=named)
@pytest.mark.parametrize("count", [1, 8, 9, 10, 100, 1000])
def test_many_members_and_attributes(tmp_path: Path, options: dict[str, Any], count: int) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w", **options) as file:
        for i in range(count):
            file.create_dataset(f"member {i}", data=i)
            file.attrs[f"attribute {i}"] = f"value {i}"
    assert check(path) == 1 + 2 * count


@pytest.mark.parametrize("options", BOTH, ids=named)
def test_order_of_creation(tmp_path: Path, options: dict[str, Any]) -> None:
    """Where a file keeps the order of creation too, it is by name that we read."""
    path = tmp_path / "ordered.h5"
    with h5py.File(path, "w", track_order=True, **options) as file:
        for name in "zyxabcdefghijk":
            file.create_dataset(name, data=ord(name))
            file.attrs[name] = ord(name)
    with opened(path) as source:
        root = open_hdf5(source)
        assert list(root) == list(root.attrs) == sorted("zyxabcdefghijk")
        assert {name: int(root[name].read()) for name in root} == dict(root.attrs)  # type: ignore[union-attr]


@pytest.mark.parametrize("options", BOTH, ids=named)
def test_large_attributes(tmp_path: Path, options: dict[str, Any]) -> None:
    """Keras keeps each attribute below 64 KB of fixed text; long texts of variable length lie elsewhere."""
    path = tmp_path / "large.h5"
    with h5py.File(path, "w", **options) as file:
        for i in range(12):  # more than eight go into a heap of their own in the newer form, the large ones beside it
            file.attrs[f"names{i}"] = np.array([b"x" * i] * (64_000 // max(i, 1)))
        file.attrs["config"] = "ä" * 300_000
        file.attrs["many"] = [f"name {i}" for i in range(4000)]
    assert check(path) == 15


@pytest.mark.parametrize("options", BOTH, ids=named)
def test_a_deep_group(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "deep.h5"
    with h5py.File(path, "w", **options) as file:
        file["/".join(f"größe {i}" for i in range(100))] = np.arange(3)
    assert check(path) == 101


@pytest.mark.parametrize("options", BOTH, ids=named)
@pytest.mark.parametrize("filters", [{}, {"compression": 1, "fletcher32": True}], ids=["plain", "filtered"])
@pytest.mark.parametrize("largest", [(6000,), (None,), (9000,)], ids=str)
def test_thousands_of_chunks(
    tmp_path: Path, options: dict[str, Any], filters: dict[str, Any], largest: tuple[int | None]
) -> None:
    """Enough for indexes with several levels and pages."""
    path = tmp_path / "chunks.h5"
    with h5py.File(path, "w", **options) as file:
        file.create_dataset("a", data=np.arange(6000), chunks=(1,), maxshape=largest, **filters)
        if largest == (None,):
            file.create_dataset("b", data=np.arange(6000).reshape(2, 3000), chunks=(1, 1), maxshape=(None, None))
    check(path)


def test_a_growing_array_whose_index_has_pages_in_several_blocks(tmp_path: Path) -> None:
    path = tmp_path / "pages.h5"
    values = np.random.default_rng(0).integers(0, 100, 134_000).astype("i1")
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("a", data=values, chunks=(1,), maxshape=(None,))
    with opened(path) as source:
        assert np.array_equal(open_hdf5(source)["a"].read(), values)  # type: ignore[union-attr]


@pytest.mark.parametrize("options", BOTH, ids=named)
@pytest.mark.parametrize("largest", [None, (60, 91), (None, 91), (60, None)], ids=str)
def test_chunks_of_an_array_that_grew_and_shrank(
    tmp_path: Path, options: dict[str, Any], largest: tuple[int | None, ...] | None
) -> None:
    path = tmp_path / "grown.h5"
    with h5py.File(path, "w", **options) as file:
        data = file.create_dataset("a", data=np.arange(600.0).reshape(20, 30), chunks=(7, 4), maxshape=largest)
        if largest is not None:
            data.resize((11, 40))
            data[:, 20:] = np.arange(220.0).reshape(11, 20)
    check(path)


@pytest.mark.parametrize("largest", [(20, 30), (60, 91)], ids=str)
def test_chunks_without_an_index(tmp_path: Path, largest: tuple[int, int]) -> None:
    """Where all chunks are given their place at once, the newer form needs no index."""
    path = tmp_path / "early.h5"
    with h5py.File(path, "w", libver="latest") as file:
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk((7, 4))
        how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((20, 30), largest)
        h5py.h5d.create(file.id, b"a", h5py.h5t.IEEE_F64LE, space, how)
        file["a"][...] = np.arange(600.0).reshape(20, 30)
    check(path)


def test_chunks_at_the_edge_that_went_through_no_filter(tmp_path: Path) -> None:
    """The format has this option, but h5py can't set it: bit 0 of the layout's flags."""
    path = tmp_path / "edges.h5"
    values = np.arange(20, dtype="<i4")
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("a", data=values, chunks=(8,), compression=9)
        rest = np.zeros(8, "<i4")
        rest[:4] = values[16:]
        data.id.write_direct_chunk((16,), rest.tobytes())
        address = h5py.h5o.get_info(data.id).addr
    content = bytearray(path.read_bytes())
    layout = content.index(bytes([4, 2, 0, 2, 1, 8, 4, 3]), address)  # version, class, flags, axes, width, sizes, index
    content[layout + 2] = 1
    assert content[address + 5] & 0x33 == 1  # no times: the size of the messages comes next, in two bytes
    size = 8 + int.from_bytes(content[address + 6 : address + 8], "little")
    content[address + size : address + size + 4] = struct.pack("<I", lookup3(bytes(content[address : address + size])))
    path.write_bytes(content)
    with h5py.File(path) as file:
        assert np.array_equal(file["a"], values)
    check(path)


def test_filters_that_were_not_applied_to_a_chunk(tmp_path: Path) -> None:
    path = tmp_path / "mask.h5"
    values = np.arange(20, dtype="<i4")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("a", data=values, chunks=(10,), compression=9, shuffle=True)
        data.id.write_direct_chunk((0,), values[:10].tobytes(), filter_mask=0b11)
        data.id.write_direct_chunk((10,), zlib.compress(values[10:].tobytes()), filter_mask=0b01)
    check(path)


@pytest.mark.parametrize("libver", [h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST], ids=["earliest", "latest"])
@pytest.mark.parametrize("sizes", [(4, 4), (8, 4), (4, 8)], ids=str)
def test_short_addresses(tmp_path: Path, libver: int, sizes: tuple[int, int]) -> None:
    """A file says itself how many bytes its addresses and lengths have."""
    path = tmp_path / "short.h5"
    how = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    how.set_sizes(*sizes)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(libver, h5py.h5f.LIBVER_LATEST)
    with h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, how, access)) as file:
        for i in range(20):
            file[f"a{i}"] = np.arange(i)
            file.attrs[f"b{i}"] = "text" * i
        # The HDF5 library can't open its own arrays without limit where lengths have 4 bytes.
        for largest in [None, (11, 25)] if sizes[1] == 4 else [None, (None, 9), (None, None)]:
            how_chunked: dict[str, Any] = {"chunks": (2, 3), "maxshape": largest, "compression": 4}
            file.create_dataset(f"c{largest}", data=np.arange(63).reshape(7, 9), **how_chunked)
        file.attrs["large"] = np.arange(7000)
    assert check(path) >= 1 + 20 * 2 + 2 + 1


@pytest.mark.parametrize("options", BOTH, ids=named)
def test_types_with_a_name(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "named.h5"
    with h5py.File(path, "w", **options) as file:
        file["type"] = np.dtype(">f4")
        file.create_dataset("a", data=np.arange(3), dtype=file["type"])
        file["a"].attrs.create("b", np.arange(4), dtype=file["type"])
    with opened(path) as source, h5py.File(path) as file:
        root = open_hdf5(source)
        assert walking.check_equal(root["a"], file["a"], h5py) == 2
        with pytest.raises(NotImplementedError, match=r"named\.h5:/type: it is a type with a name of its own"):
            root["type"]


@pytest.mark.parametrize("padding", ["STR_NULLTERM", "STR_NULLPAD", "STR_SPACEPAD"])
@pytest.mark.parametrize("charset", ["CSET_ASCII", "CSET_UTF8"])
def test_texts_of_fixed_size(tmp_path: Path, padding: str, charset: str) -> None:
    path = tmp_path / "texts.h5"
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(6)
    kind.set_strpad(getattr(h5py.h5t, padding))
    kind.set_cset(getattr(h5py.h5t, charset))
    values = np.array([b"ab", b"", b"abcde"], "S6")
    if padding == "STR_SPACEPAD":
        values = np.char.ljust(values, 6)
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((3,))
        data = h5py.h5d.create(file.id, b"a", kind, space)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, values, kind)
        value = h5py.h5a.create(file.id, b"b", kind, space)
        value.write(values, kind)
    with opened(path) as source:
        root = open_hdf5(source)
        found = root["a"]
        assert isinstance(found, Dataset)
        assert found.read().tolist() == root.attrs["b"] == ["ab", "", "abcde"]


def test_nothing(tmp_path: Path) -> None:
    path = tmp_path / "null.h5"
    with h5py.File(path, "w") as file:
        file["a"] = h5py.Empty("f4")
        file.attrs["b"] = h5py.Empty("S5")
    with opened(path) as source:
        root = open_hdf5(source)
        found = root["a"]
        assert isinstance(found, Dataset)
        assert (found.shape, found.nbytes, found.read().shape) == ((0,), 0, (0,))
        assert root.attrs["b"] is None


def test_a_file_is_read_wherever_it_begins(tmp_path: Path) -> None:
    """As a member of an archive: in the middle of another file."""
    path = samples.write(tmp_path / "made.h5", h5py)
    outer = tmp_path / "outer.bin"
    outer.write_bytes(b"before" + path.read_bytes() + b"after")
    with opened(outer) as whole, h5py.File(path) as file:
        root = open_hdf5(whole.part(6, path.stat().st_size, "outer.bin/made.h5"))
        assert walking.check_equal(root, file, h5py) > 100
        group = root["numbers"]
        assert isinstance(group, Group)
        assert group.place == "outer.bin/made.h5:/numbers"
