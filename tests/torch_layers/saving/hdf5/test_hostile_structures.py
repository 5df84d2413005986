"""Structures that lead in circles or are read again and again, and files that are no HDF5: refused soon."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import walking
from tests.torch_layers.saving.hdf5.hostile import BOTH, made, pack, patched, soon_and_small
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.source import in_memory, opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = pytest.mark.keras


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
