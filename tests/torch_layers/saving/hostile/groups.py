"""HDF5 files whose structures lead elsewhere, never end, or hold something else than weights."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import (
    as_json,
    h5,
    keras_file,
    layer,
    old_file,
    old_small,
    sequential,
    small,
    small_weights,
)

_KERNEL = "layers/dense/vars/0"


def files(traps: Path) -> Iterator[Hostile]:
    """Yield each change of an honest file: of the weights of a `.keras`, of a `.weights.h5`, of a legacy `.h5`; and what
    only one of them has."""
    for name, change, attack in _changes(traps):
        weights = _changed(h5(small_weights()), lambda file, change=change: change(file, _KERNEL))
        yield Hostile(f"{name}.keras", keras_file(small(), weights), attack)
        yield Hostile(f"{name}.weights.h5", weights, attack)
        old = _changed(old_file(), lambda file, change=change: change(file, "model_weights/d/d/kernel:0"))
        yield Hostile(f"{name}.h5", old, attack)
    for name, old_change, attack in _attributes():
        yield Hostile(f"{name}.h5", _changed(old_file(), old_change), attack)
    yield from _unwritten()


def _changed(content: bytes, change: Callable[[h5py.File], None]) -> bytes:
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


def _changes(traps: Path) -> Iterator[tuple[str, Callable[[h5py.File, str], None], str]]:
    """Yield (name, change of a file at the path of a data set, what it attacks)."""
    elsewhere = str(traps / "secret.h5")

    def replaced(value: Any) -> Callable[[h5py.File, str], None]:
        def change(file: h5py.File, path: str) -> None:
            del file[path]
            made = value(file, path) if callable(value) else value
            if made is not None:
                file[path] = made

        return change

    def parent(value: Any) -> Callable[[h5py.File, str], None]:
        return lambda file, path: replaced(value)(file, path.rpartition("/")[0])

    yield "external-link", replaced(h5py.ExternalLink(elsewhere, "/x")), "weights in another file"
    yield "external-group", parent(h5py.ExternalLink(elsewhere, "/")), "a group in another file"
    yield "external-fifo", replaced(h5py.ExternalLink(str(traps / "fifo"), "/x")), "weights in a FIFO"
    yield "external-device", replaced(h5py.ExternalLink("/dev/zero", "/x")), "weights in a device"
    yield "soft-cycle", replaced(lambda file, path: h5py.SoftLink(f"/{path}")), "a link to itself"
    yield "soft-group", parent(lambda file, path: h5py.SoftLink("/")), "a link to the root"
    yield "soft-nowhere", replaced(h5py.SoftLink("/nowhere")), "a link to nothing"
    yield "soft-up", replaced(h5py.SoftLink("../../..")), "a link that goes up"
    yield "hard-cycle", parent(lambda file, path: file["/"]), "a group that holds itself"
    yield "is-group", replaced(lambda file, path: file.create_group(path) and None), "a group for weights"
    yield "is-type", replaced(np.dtype("f4")), "a type for weights"
    storages = {"secret": traps / "secret.txt", "fifo": traps / "fifo", "zero": "/dev/zero", "passwd": "/etc/passwd"}
    for name, where in storages.items():

        def external(file: h5py.File, path: str, where: Any = where) -> None:
            shape = file[path].shape
            del file[path]
            file.create_dataset(path, shape, "f4", external=[(str(where), 0, h5py.h5f.UNLIMITED)])

        yield f"storage-{name}", external, f"weights whose bytes lie in {where}"

    def virtual(source: str | None) -> Callable[[h5py.File, str], None]:
        def change(file: h5py.File, path: str) -> None:
            shape = file[path].shape
            del file[path]
            layout = h5py.VirtualLayout(shape, "f4")
            layout[...] = h5py.VirtualSource(source or ".", path if source in (None, ".") else "x", shape=shape)
            file.create_virtual_dataset(path, layout)

        return change

    yield "virtual", virtual(elsewhere), "weights that are mapped from another file"
    yield "virtual-itself", virtual(None), "weights that are mapped from themselves"
    kinds: dict[str, Any] = {
        "text": np.array([["a"] * 4] * 3, dtype=object),
        "bytes": np.full((3, 4), b"abc"),
        "fields": np.zeros((3, 4), [("a", "f4"), ("b", "i4")]),
        "complex": np.ones((3, 4), "c8"),
        "bool": np.ones((3, 4), bool),
        "void": np.zeros((3, 4), "V4"),
        "int64": np.full((3, 4), 2**62),
        "uint8": np.ones((3, 4), "u1"),
        "float64": np.full((3, 4), 1e300),
        "float16": np.ones((3, 4), "f2"),
        "big-endian": np.ones((3, 4), ">f4"),
        "nan": np.full((3, 4), np.nan, "f4"),
        "scalar": np.float32(1),
        "empty": np.zeros((0, 4), "f4"),
        "more-axes": np.zeros((1,) * 32, "f4"),
        "transposed": np.zeros((4, 3), "f4"),
        "larger": np.zeros((3000, 4000), "f4"),
    }
    for name, value in kinds.items():
        yield f"kind-{name}", replaced(value), f"weights of {name}"
    special = {"reference": h5py.ref_dtype, "region": h5py.regionref_dtype, "vlen": h5py.vlen_dtype("f4")}
    special |= {"array": np.dtype(("f4", (5,))), "enum": h5py.enum_dtype({"a": 1, "b": 2}, "i4")}
    for name, dtype in special.items():

        def typed(file: h5py.File, path: str, dtype: Any = dtype) -> None:
            del file[path]
            file.create_dataset(path, (3, 4), dtype)

        yield f"type-{name}", typed, f"weights of the type {name}"
    yield "null", replaced(h5py.Empty("f4")), "weights without a shape"

    def dropped(file: h5py.File, path: str) -> None:
        del file[path]

    yield "missing", dropped, "no weights"
    yield "more", lambda file, path: file.__setitem__(f"{path}x", np.ones(3)), "weights that nothing takes"
    yield "many", _many, "5,000 groups that nothing takes"
    yield "deep", lambda file, path: file.create_group("/".join("g" * 2000)) and None, "groups 2,000 deep"
    for name in ("..", ".x", "a\nb", "\ud7ff", "a" * 5000):
        yield f"named-{len(name)}-{ord(name[0])}", _named(name), f"a data set named {name[:20]!r}"
    for kind, options in {
        "gzip": {"compression": "gzip"},
        "lzf": {"compression": "lzf"},
        "shuffle": {"shuffle": True, "compression": "gzip"},
        "fletcher": {"fletcher32": True},
        "scale": {"scaleoffset": 3},
    }.items():
        yield f"bomb-{kind}", _bomb(options), f"80 MB of zeros, filtered by {kind}"
        yield f"short-{kind}", _short(options), f"a chunk that is shorter than it says, filtered by {kind}"


def _many(file: h5py.File, path: str) -> None:
    for number in range(5000):
        file.create_group(f"more/{number}")


def _named(name: str) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, path: str) -> None:
        group = file[path.rpartition("/")[0]].id
        h5py.h5g.create(group, name.encode())

    return change


def _bomb(options: dict[str, Any]) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, path: str) -> None:
        del file[path]
        data = file.create_dataset(path, (20_000_000,), "f4", chunks=(2_000_000,), **options)
        if options.get("compression") == "gzip":
            data[...] = 0
        else:
            data[:10] = 0

    return change


def _short(options: dict[str, Any]) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, path: str) -> None:
        shape = file[path].shape
        del file[path]
        data = file.create_dataset(path, shape, "f4", chunks=shape, **options)
        data.id.write_direct_chunk((0, 0), b"\x01\x02\x03", filter_mask=0)

    return change


def _unwritten() -> Iterator[Hostile]:
    """Yield weights of 256 KB in one chunk, of which the file has next to nothing: libhdf5 takes what follows in memory."""
    model, shape = sequential(layer("Dense", units=256), shape=(None, 256)), (256, 256)
    some = np.arange(1, 9, dtype="f4").tobytes()
    chunks: dict[str, tuple[dict[str, Any], bytes, int]] = {
        "plain": ({}, some, 0),
        "stream": ({"compression": "gzip"}, zlib.compress(some), 0),
        "shuffle": ({"shuffle": True}, some, 0),
        "no-gzip": ({"compression": "gzip"}, some, 1),
        "no-lzf": ({"compression": "lzf"}, some, 1),
        "no-fletcher": ({"fletcher32": True}, some, 1),
    }
    for name, (options, raw, left_out) in chunks.items():
        for libver in ("earliest", "latest"):
            buffer = io.BytesIO()
            with h5py.File(buffer, "w", libver=libver) as file:
                data = file.create_dataset("layers/dense/vars/0", shape, "f4", chunks=shape, **options)
                data.id.write_direct_chunk((0, 0), raw, filter_mask=left_out)
                file["layers/dense/vars/1"] = np.zeros(256, "f4")
            attack = f"32 bytes in a chunk of 256 KB ({name})"
            yield Hostile(f"unwritten-{name}-{libver}.keras", keras_file(model, buffer.getvalue()), attack)


def _attributes() -> Iterator[tuple[str, Callable[[h5py.File], None], str]]:
    """Yield (name, change, what it attacks) of the names that a legacy file keeps in attributes."""
    values: dict[str, Any] = {
        "empty": np.array([], "S1"),
        "twice": [b"d", b"d"],
        "up": [b"../../d"],
        "absolute": [b"/model_weights/d"],
        "unknown": [b"z"],
        "itself": [b"."],
        "long": [b"x" * 60_000],
        "number": 5,
        "numbers": np.arange(5),
        "text": "d",
        "bytes": np.array([b"\xff\xfe"]),
        "nested": np.array([[b"d"]]),
        "null": h5py.Empty("S1"),
        "many": np.array([b"%d" % n for n in range(8000)]),
        "vlen": np.array(["d"], dtype=object),
    }
    for name, value in values.items():

        def layers(file: h5py.File, value: Any = value) -> None:
            file["model_weights"].attrs["layer_names"] = value

        def weights(file: h5py.File, value: Any = value) -> None:
            file["model_weights/d"].attrs["weight_names"] = value

        yield f"layer-names-{name}", layers, f"layer_names: {name}"
        yield f"weight-names-{name}", weights, f"weight_names: {name}"
        for attribute in ("keras_version", "backend", "model_config"):

            def root(file: h5py.File, value: Any = value, attribute: str = attribute) -> None:
                file.attrs[attribute] = value

            yield f"{attribute}-{name}", root, f"{attribute}: {name}"
    for count in (1, 3, 1000):

        def split(file: h5py.File, count: int = count) -> None:
            attrs = file["model_weights"].attrs
            del attrs["layer_names"]
            for number in range(count):
                attrs[f"layer_names{number}"] = [b"d"]

        yield f"layer-names-in-{count}", split, f"layer_names in {count} parts, each of the same layer"

    def training(file: h5py.File) -> None:
        file.attrs["training_config"] = as_json(
            {"loss": "eval", "optimizer": {"class_name": "os.system", "config": {}}}
        )
        file["optimizer_weights/x"] = h5py.ExternalLink("/dev/zero", "/x")

    yield "training", training, "a training config that names functions"
    yield "config-is-bytes", lambda file: file.attrs.__setitem__("model_config", np.void(as_json(old_small()))), "bytes"
    yield (
        "theano",
        lambda file: [file[p].attrs.__setitem__("backend", "theano") for p in ("/", "model_weights")],
        "theano",
    )
