"""Files made to do harm: each is refused with a sentence that says where and why; nothing else is opened."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import walking
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import Dataset, open_hdf5
from torch_layers.saving.source import in_memory, opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = pytest.mark.keras

BOTH = pytest.mark.parametrize("libver", ["earliest", "latest"])


@contextmanager
def soon_and_small(most: int = 2 << 20) -> Iterator[None]:
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        assert time.process_time() - start < 10
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def made(path: Path, write: Callable[[Any], object], libver: str = "earliest") -> Path:
    with h5py.File(path / "made.h5", "w", libver=libver) as file:
        write(file)
    return path / "made.h5"


def refused(path: Path, name: str, match: str, kind: type[Exception] = FileError) -> None:
    """See a member refused: when it is opened or read, soon, without memory, and with the sentence expected."""
    with opened(path) as source, soon_and_small(), pytest.raises(kind, match=match):
        open_hdf5(source)[name].read()  # type: ignore[union-attr]


def patched(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    """Replace bytes wherever they stand in a file without checksums."""
    content = path.read_bytes()
    for old, new in changes:
        assert old in content
        assert len(old) == len(new)
        content = content.replace(old, new)
    path.write_bytes(content)
    return path


def pack(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


# Links


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


# Data that is elsewhere


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


# Data that is not there


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


# Chunks


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


# Types


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


# Structures that lead in circles, or are read again and again


def nodes(content: bytes, signature: bytes) -> list[int]:
    found, at = [], content.find(signature)
    while at >= 0:
        found.append(at)
        at = content.find(signature, at + 1)
    return found


def test_a_tree_that_contains_itself(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.create_group("a"))
    content = bytearray(path.read_bytes())
    at = nodes(bytes(content), b"TREE")[0]
    content[at + 5] = 1  # one level up, and its child is itself
    content[at + 32 : at + 40] = pack(at)
    with soon_and_small(), pytest.raises(FileError, match=r"made\.h5:/: a B-tree is not a tree"):
        walking.content_of(bytes(content))


def test_a_tree_whose_parts_are_all_the_same(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: [file.create_group(f"a{i:03}") for i in range(100)])
    content = bytearray(path.read_bytes())
    at = nodes(bytes(content), b"TREE")[0]
    for i in range(1, 8):
        content[at + 32 + 16 * i : at + 40 + 16 * i] = content[at + 32 : at + 40]
    with soon_and_small(), pytest.raises(FileError, match=r"/: two parts of a group are one and the same"):
        walking.content_of(bytes(content))


def test_a_header_that_continues_in_itself(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        for i in range(5):
            file.attrs[f"a{i}"] = i

    path = made(tmp_path, write)
    content = path.read_bytes()
    at = content.index(b"\x10\x00\x10\x00\x00\x00\x00\x00")  # a message of kind 16 and of 16 bytes
    where, size = struct.unpack("<QQ", content[at + 8 : at + 24])
    # The continuation begins with a continuation into itself.
    message = b"\x10\x00\x10\x00\x00\x00\x00\x00" + pack(where, size)
    with soon_and_small(), pytest.raises(FileError, match=r"/: its header continues in a circle or nowhere"):
        walking.content_of(content[:where] + message + content[where + 24 :])


def test_a_message_that_is_longer_than_its_header(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.attrs.create("a", 1))
    at = path.read_bytes().index(b"\x11\x00\x10\x00")  # where the symbols are: kind 17, of 16 bytes
    content = path.read_bytes()
    with pytest.raises(FileError, match=r"/: a message of its header has 65296 bytes, more than there are"):
        walking.content_of(content[: at + 2] + b"\x10\xff" + content[at + 4 :])


@pytest.mark.parametrize(
    "size, match",
    [
        (0, "the file has more messages, links, chunks and texts than"),
        (8000, "its structures overlap: they are larger"),
    ],
)
def test_headers_that_share_a_long_continuation(tmp_path: Path, size: int, match: str) -> None:
    """Each is sound for itself; together they are a hundred times the file."""
    # A group without members, and comments, which nothing needs.
    body = struct.pack("<HHB3x", 0x02, 24, 0) + bytes(2) + b"\xff" * 16 + bytes(6)
    body += (struct.pack("<HHB3x", 0x0D, size, 0) + bytes(size)) * (320_000 // (8 + size))

    def write(file: Any) -> None:
        file.create_dataset("body", data=np.frombuffer(body, np.uint8))
        for i in range(200):
            group = file.create_group(f"a{i}")
            for j in range(5):
                group.attrs[f"a{j}"] = j

    path = made(tmp_path, write)
    with h5py.File(path) as file:
        long = file["body"].id.get_offset()
    content = bytearray(path.read_bytes())
    for at in nodes(bytes(content), b"\x10\x00\x10\x00\x00\x00\x00\x00"):
        content[at + 8 : at + 24] = pack(long, len(body))
    with soon_and_small(24 << 20), pytest.raises(FileError, match=match):
        walking.content_of(bytes(content))


def test_a_text_that_is_used_for_many(tmp_path: Path) -> None:
    """Four thousand texts of a megabyte each, it says."""

    def write(file: Any) -> None:
        file.attrs["a"] = ["x" * (1 << 20)] + [str(i) for i in range(4000)]

    path = made(tmp_path, write)
    content = path.read_bytes()
    places = (content.find(struct.pack("<I", 1 << 20) + pack(heap)) for heap in nodes(content, b"GCOL"))
    at = next(place for place in places if place > 0)
    texts = content[at : at + 16] * 4001
    content = content[:at] + texts + content[at + len(texts) :]
    with soon_and_small(24 << 20), pytest.raises(FileError, match=r"/, attribute 'a': its structures overlap"):
        walking.content_of(content)


def test_a_text_that_its_heap_does_not_have(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.attrs.create("a", "text"))
    content = path.read_bytes()
    at = content.index(struct.pack("<I", 4) + pack(content.index(b"GCOL")) + struct.pack("<I", 1))
    wrong = content[: at + 12] + struct.pack("<I", 7) + content[at + 16 :]
    with pytest.raises(FileError, match=r"/, attribute 'a': the text 7 of a heap is missing"):
        walking.content_of(wrong)
    longer = content[:at] + struct.pack("<I", 5000) + content[at + 4 :]
    with pytest.raises(FileError, match=r"/, attribute 'a': a text of 5000 bytes lies in 4 bytes"):
        walking.content_of(longer)


@BOTH
def test_an_attribute_that_is_refused_hurts_no_other(tmp_path: Path, libver: str) -> None:
    def write(file: Any) -> None:
        file.attrs["good"] = 1
        file.attrs.create("strange", np.zeros(2, [("a", "f4")]))
        file.attrs.create("bytes", np.bytes_(b"\xff\xfe"))

    with opened(made(tmp_path, write, libver)) as source:
        attributes = open_hdf5(source).attrs
        assert list(attributes) == ["bytes", "good", "strange"]
        assert attributes["good"] == 1
        with pytest.raises(NotImplementedError, match=r"/, attribute 'strange': its type is of the class compound"):
            attributes["strange"]
        with pytest.raises(FileError, match=r"/, attribute 'bytes': the text b'.xff.xfe' is not UTF-8"):
            attributes["bytes"]


@pytest.mark.parametrize("name", [b"x/y", b"...", b"\xff\xfe\xfd"])
def test_names_that_no_link_can_have(tmp_path: Path, name: bytes) -> None:
    path = patched(made(tmp_path, lambda file: file.create_group("abc")), (b"abc\0", name + b"\0"))
    if name == b"...":  # an ordinary name, if an odd one
        with opened(path) as source:
            assert list(open_hdf5(source)) == ["..."]
        return
    with opened(path) as source, pytest.raises(FileError, match=r"made\.h5:/: .*name"):
        list(open_hdf5(source))


# No HDF5 file at all


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"PK\3\4" + bytes(3000), bytes(100_000)], ids=len)
def test_no_hdf5_file(content: bytes) -> None:
    with pytest.raises(FileError, match=r"^made\.h5"):
        open_hdf5(in_memory(content, "made.h5"))


def test_a_root_that_is_an_array(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.__setitem__("a", np.ones(3)))
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file["a"].id).addr
    content = bytearray(path.read_bytes())
    content[64:72] = pack(address)
    with pytest.raises(FileError, match="its root is not a group"):
        open_hdf5(in_memory(bytes(content), "made.h5"))


def test_a_version_to_come() -> None:
    content = b"\x89HDF\r\n\x1a\n" + bytes([9]) + bytes(200)
    with pytest.raises(NotImplementedError, match="it has an HDF5 superblock of version 9"):
        open_hdf5(in_memory(content, "made.h5"))
