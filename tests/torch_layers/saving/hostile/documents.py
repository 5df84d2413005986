"""JSON that is no config: deep, huge, broken, with NaN and keys that stand twice; and what it says beside the layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import METADATA, as_json, keras_file, layer, old_file, sequential, small


def files(traps: Path) -> Iterator[Hostile]:
    """Yield each text as the config of a `.keras` and of a legacy file, and as metadata."""
    for name, text, attack in _texts():
        yield Hostile(f"{name}.keras", keras_file(text, compressed=len(text) > 1 << 16), attack)
        if len(text) < 60_000:  # attributes of HDF5 hold no more
            yield Hostile(f"{name}.h5", old_file(text), attack)
        if len(text) < 10_000:
            yield Hostile(f"{name}-metadata.keras", keras_file(small(), metadata=text), f"{attack}, as metadata")
        yield Hostile(f"{name}.json", text, attack)
    versions: list[Any] = [None, 3, "", "x", "3", "3.", "-1", "9" * 5000, "3.15.1\0", ["3"], {"a": 1}, "2.0.0", "1.2.2"]
    for index, version in enumerate(versions):
        metadata = keras_file(small(), metadata={**METADATA, "keras_version": version})
        yield Hostile(f"version-{index}.keras", metadata, f"a Keras of version {str(version)[:20]!r}")
        if "\0" not in str(version):
            yield Hostile(f"version-{index}.h5", old_file(version=str(version)), "the same, in a legacy file")


def _texts() -> Iterator[tuple[str, bytes, str]]:
    dense = as_json(sequential(layer("Dense", units=4)))
    yield "deep-lists", b"[" * 1_000_000, "JSON of a million open lists"
    yield "deep-objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "JSON that is 100,000 levels deep"
    yield "deep-300", b'{"class_name":"Sequential","config":' * 300 + b"1" + b"}" * 300, "JSON that is 300 levels deep"
    yield "deep-150", b'{"class_name":"Sequential","config":{"layers":' * 75 + b"1" + b"}}" * 75, "75 models in models"
    yield "many-lists", b'{"a":[' + b"[]," * 3_000_000 + b"[]]}", "three million empty lists"
    yield "many-objects", b'{"a":[' + b'{"":0},' * 2_000_000 + b"0]}", "two million objects"
    yield "many-numbers", b'{"a":[' + b"1e9," * 4_000_000 + b"0]}", "four million numbers"
    keys = b",".join(b'"k%d":0' % number for number in range(200_000))
    yield "last-key-twice", b"{" + keys + b',"k199999":1}', "200,000 keys, the last of which stands there twice"
    yield "long-text", b'{"class_name":"' + b"x" * 20_000_000 + b'","config":{}}', "a class name of 20 MB"
    long = b'{"class_name":"Sequential","config":{"name":"' + b"x" * 5_000_000 + b'","layers":[]}}'
    yield "long-name", long, "a model's name of 5 MB"
    yield (
        "wide-text",
        b'{"class_name":"' + "\U0001f600".encode() * 2_000_000 + b'","config":{}}',
        "letters of four bytes",
    )
    yield "long-number", b'{"class_name":"Dense","config":{"units":' + b"9" * 4000 + b"}}", "a number of 4,000 digits"
    yield "longer-number", b'{"class_name":"Dense","config":{"units":' + b"9" * 60_000 + b"}}", "one of 60,000 digits"
    yield "infinite", dense.replace(b'"units": 4', b'"units": 1e999'), "an infinite number of units"
    yield "nan", dense.replace(b'"units": 4', b'"units": NaN'), "NaN units"
    yield "infinity", dense.replace(b'"units": 4', b'"units": -Infinity'), "minus infinite units"
    yield "key-twice", dense.replace(b'"units": 4', b'"units": 4, "units": 5'), "a key that stands there twice"
    yield "no-utf8", dense.replace(b"Dense", b"D\xffnse"), "bytes that are no UTF-8"
    yield "utf16", dense.decode().encode("utf-16"), "UTF-16"
    yield "bom", b"\xef\xbb\xbf" + dense, "a byte order mark"
    yield "surrogate", dense.replace(b"Dense", rb"\ud800"), "half a letter"
    yield "zero", dense.replace(b"Dense", rb"Dense\u0000"), "a name that ends early elsewhere"
    yield "empty", b"", "nothing"
    yield "space", b" " * 1000, "space"
    yield "cut", dense[:-10], "JSON that was cut short"
    yield "more", dense + b"{}", "two objects"
    yield "comment", b"// x\n" + dense, "a comment"
    yield "single-quotes", dense.replace(b'"', b"'"), "Python instead of JSON"
    for index, value in enumerate(
        [None, True, 0, 1.5, "text", [], {}, [[]], [{}], {"class_name": "Sequential"}, {"config": {}}]
    ):
        yield f"only-{index}", as_json(value), "another kind of value"
