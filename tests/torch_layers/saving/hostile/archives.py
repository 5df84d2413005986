"""Zip archives that lie: names that lead out, links, duplicates, overlaps, bombs, headers that disagree; other files."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import METADATA, archive, as_json, h5, small, small_weights

_END = b"PK\x05\x06"


def files(traps: Path) -> Iterator[Hostile]:
    """Yield archives, and what is no archive at all."""
    members = {
        "metadata.json": as_json(METADATA),
        "config.json": as_json(small()),
        "model.weights.h5": h5(small_weights()),
    }
    honest = archive(members)
    yield from _names(members, traps)
    yield from _lies(members, honest)
    yield from _bombs(members)
    yield from _other_files(members, honest, traps)


def _written(entries: list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in entries:
            file.writestr(name, content)
    return buffer.getvalue()


def _info(name: str, mode: int = 0o644, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, method
    return info


def _names(members: dict[str, bytes], traps: Path) -> Iterator[Hostile]:
    target = traps / "written"
    names = ["../written", str(target), "a/../../written", "..\\written", "C:\\written", "/etc/passwd", "./config.json"]
    names += [
        "a//b",
        "config.json/",
        "CONFIG.JSON",
        "config.json ",
        "assets/../../written",
        "x" * 60_000,
        "..",
        ".",
        "con",
    ]
    for index, name in enumerate([*names, "é", "a\nb"]):
        more = _written([*members.items(), (_info(name), b"content")])
        yield Hostile(f"member-{index}.keras", more, f"a member {name[:30]!r}")
    for name in members:
        link = _written([(_info(n, stat.S_IFLNK | 0o777 if n == name else 0o644), c) for n, c in members.items()])
        yield Hostile(f"link-{name}.keras", link, f"{name} is a symbolic link")
        leads = {**members, name: str(traps / "secret.txt").encode()}
        link = _written([(_info(n, stat.S_IFLNK | 0o777 if n == name else 0o644), c) for n, c in leads.items()])
        yield Hostile(f"link-out-{name}.keras", link, f"{name} is a link that leads out")
        twice = archive({**members, "x" * len(name): members[name]}).replace(b"x" * len(name), name.encode())
        yield Hostile(f"twice-{name}.keras", twice, f"two members {name}")
        ends_early = archive({**members, f"{name}xyy": b"content"}).replace(
            f"{name}xyy".encode(), f"{name}\0yy".encode()
        )
        yield Hostile(f"zero-{name}.keras", ends_early, f"a name that ends at {name} for some readers")
        lacks = archive({n: c for n, c in members.items() if n != name})
        yield Hostile(f"without-{name}.keras", lacks, f"no {name}")
        for size in (0, 1, 10):
            cut = archive({**members, name: members[name][:size]})
            yield Hostile(f"short-{name}-{size}.keras", cut, f"{size} bytes of {name}")
        for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            other = _written([(_info(n, method=method if n == name else 0), c) for n, c in members.items()])
            yield Hostile(f"method-{method}-{name}.keras", other, f"{name} is compressed by method {method}")


def _lies(members: dict[str, bytes], honest: bytes) -> Iterator[Hostile]:
    """Yield archives of which one number is another, in the table of contents or before a member."""
    table = honest.index(b"PK\x01\x02")
    locals_ = [i for i in range(table) if honest[i : i + 4] == b"PK\x03\x04"]
    entries = [i for i in range(table, len(honest)) if honest[i : i + 4] == b"PK\x01\x02"]
    in_table = {
        "version": 6,
        "flags": 8,
        "method": 10,
        "crc": 16,
        "compressed": 20,
        "size": 24,
        "name": 28,
        "extra": 30,
    }
    in_table |= {"comment": 32, "disk": 34, "attributes": 38, "offset": 42}
    in_header = {
        "version": 4,
        "flags": 6,
        "method": 8,
        "crc": 14,
        "compressed": 18,
        "size": 22,
        "name": 26,
        "extra": 28,
    }
    wide = {"crc", "compressed", "size", "offset", "attributes"}
    for where, starts, fields in (("table", entries, in_table), ("header", locals_, in_header)):
        for number, start in enumerate(starts):
            for field, at in fields.items():
                for value in (0, 1, 8, 99, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
                    if value > 0xFFFF and field not in wide:
                        continue
                    packed = struct.pack("<I" if field in wide else "<H", value)
                    lie = honest[: start + at] + packed + honest[start + at + len(packed) :]
                    yield Hostile(f"lie-{where}-{number}-{field}-{value}.keras", lie, f"{field} of a member is {value}")
    end = honest.rindex(_END)
    for at, form in ((4, "<H"), (6, "<H"), (8, "<H"), (10, "<H"), (12, "<I"), (16, "<I"), (20, "<H")):
        for value in (0, 1, 0x7FFF, 0xFFFF) + ((0x7FFFFFFF, 0xFFFFFFFF) if form == "<I" else ()):
            packed = struct.pack(form, value)
            lie = honest[: end + at] + packed + honest[end + at + len(packed) :]
            yield Hostile(f"lie-end-{at}-{value}.keras", lie, "the end of the archive lies")
    for size in (0, 2**40, 2**62, 2**63, 2**64 - 1):
        record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 3, 3, size, table)
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        closing = struct.pack("<4sHHHHIIH", _END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        lie = honest[:end] + record + locator + closing
        yield Hostile(f"zip64-{size}.keras", lie, f"a table of contents of {size} bytes by zip64")
        lie = (
            honest[:end]
            + struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 3, size, end - table, size)
            + locator
        )
        yield Hostile(f"zip64-offset-{size}.keras", lie + closing, f"a table of contents at byte {size} by zip64")
        extra = struct.pack("<HHQQ", 1, 16, size, size)
        info = zipfile.ZipInfo("model.weights.h5")
        info.extra = extra
        lie = _written([*[(n, c) for n, c in members.items() if n != info.filename], (info, members[info.filename])])
        yield Hostile(f"zip64-member-{size}.keras", lie, f"a member of {size} bytes by zip64")
    name = b"model.weights.h5"
    other = honest[:table].replace(name, b"model.weights.h6") + honest[table:]
    yield Hostile("other-name.keras", other, "another name before a member than in the table of contents")
    yield Hostile("before.keras", b"#!/bin/sh\nexit 1\n" * 100 + honest, "a script before an archive")
    yield Hostile("behind.keras", honest + b"x" * 70_000, "70 KB behind an archive")
    yield Hostile("two.keras", honest + archive({**members, "config.json": b"{}"}), "two archives in one")
    comment = honest[:-2] + struct.pack("<H", 65_535) + b"PK\x05\x06" * 16_383 + b"xxx"
    yield Hostile("comment.keras", comment, "a comment of ends of archives")
    one = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    for count in (1_000, 1_000_000):
        closing = struct.pack("<4sHHHHIIH", _END, 0, 0, count & 0xFFFF, count & 0xFFFF, len(one) * count, 0, 0)
        yield Hostile(f"members-{count}.keras", one * count + closing, f"{count} members without a name")


def _bombs(members: dict[str, bytes]) -> Iterator[Hostile]:
    for name in members:
        for size in (10**7, 3 * 10**8):
            full = {**members, name: b" " * size}
            yield Hostile(f"bomb-{name}-{size}.keras", archive(full, compressed=True), f"{size} bytes of {name} in few")
        # 199 times as many bytes: as far as an honest text might go.
        noise = np.random.default_rng(0).integers(32, 127, 250_000, dtype=np.uint8).tobytes()
        full = {**members, name: noise + b" " * (199 * len(noise))}
        yield Hostile(f"bomb-{name}-199.keras", archive(full, compressed=True), f"{name} that grows 199 times")
    yield Hostile(
        "inside.keras", archive({**members, "model.weights.h5": archive(members)}), "an archive in an archive"
    )
    yield Hostile("nested.keras", archive({"model.keras": archive(members)}), "a model in an archive")
    quoted = _quoting(members["config.json"], 200)
    yield Hostile("overlap.keras", quoted, "200 members that share their bytes")


def _quoting(content: bytes, count: int) -> bytes:
    """An archive whose members all have the same bytes, as those of a bomb without nesting."""
    name = b"config.json"
    crc = zlib.crc32(content)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, crc, len(content), len(content), len(name), 0)
    table = b""
    for number in range(count):
        own = name if not number else b"config.%04d" % number
        sizes = (crc, len(content), len(content), len(own), 0, 0, 0, 0, 0, 0)
        table += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, *sizes) + own
    body = local + name + content
    return body + table + struct.pack("<4sHHHHIIH", _END, 0, 0, count, count, len(table), len(body), 0)


def _other_files(members: dict[str, bytes], honest: bytes, traps: Path) -> Iterator[Hostile]:
    torch_file = archive({"archive/data.pkl": b"\x80\x02cos\nsystem\n.", "archive/version": b"3"})
    yield Hostile("torch.keras", torch_file, "a file of torch.save under a Keras name")
    both = archive({**members, "archive/data.pkl": b"\x80\x02."})
    yield Hostile("torch-too.keras", both, "a file of torch.save and a Keras model at once")
    buffer = io.BytesIO()
    np.savez(buffer, x=np.ones(3), y=np.array([{"a": 1}], dtype=object))
    yield Hostile("arrays.keras", buffer.getvalue(), "an .npz with objects under a Keras name")
    yield Hostile(
        "npz-weights.keras", archive({**members, "model.weights.h5": buffer.getvalue()}), "an .npz for weights"
    )
    weights = {n: c for n, c in members.items() if n != "model.weights.h5"} | {"model.weights.npz": buffer.getvalue()}
    yield Hostile("npz.keras", archive(weights), "weights in .npz, as Keras 3 once wrote them")
    for ending in ("keras", "h5", "hdf5", "weights.h5", "safetensors", "json"):
        yield Hostile(f"empty.{ending}", b"", "an empty file")
        yield Hostile(f"zeros.{ending}", b"\0" * 4096, "zeros")
        yield Hostile(f"noise.{ending}", np.random.default_rng(1).bytes(4096), "noise")
        yield Hostile(f"only-end.{ending}", _END + b"\0" * 18, "an archive without members")
        yield Hostile(f"directory.{ending}", os.mkdir, "a directory")
        yield Hostile(f"fifo.{ending}", os.mkfifo, "a FIFO")
        yield Hostile(
            f"device.{ending}", lambda path: path.symlink_to("/dev/zero"), "a link to a device that never ends"
        )
        yield Hostile(f"loop.{ending}", lambda path: path.symlink_to(path), "a link to itself")
        yield Hostile(f"missing.{ending}", lambda path: None, "a file that isn't there")
    for header in (b"", b"\xff" * 8, struct.pack("<Q", 2**40), struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 10**7)):
        yield Hostile(f"header-{header[:4].hex()}.safetensors", header, "a header of safetensors that lies")
    tensors = {
        "overlap": b'{"a":%s,"b":%s}' % ((b'{"dtype":"F32","shape":[2],"data_offsets":[0,8]}',) * 2),
        "past": b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        "negative": b'{"a":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}}',
        "kind": b'{"a":{"dtype":"O","shape":[2],"data_offsets":[0,8]}}',
        "shape": b'{"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}}',
        "offsets": b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
        "entry": b'{"a":5,"__metadata__":7}',
    }
    for name, text in tensors.items():
        yield Hostile(f"{name}.safetensors", struct.pack("<Q", len(text)) + text + b"\0" * 8, f"safetensors: {name}")
    yield Hostile("honest.h5", honest, "a .keras under the name of an .h5")
    yield Hostile("saved_model", _saved_model, "a SavedModel")


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01")
    (path / "keras_metadata.pb").write_bytes(b"\x0a\x05")
