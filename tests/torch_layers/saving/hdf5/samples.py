"""What stands in the golden files, and how h5py writes it; `python -m tests.torch_layers.saving.hdf5.samples` does.

The golden files keep what the HDF5 library of a version wrote, for where there is no h5py, or another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = ("i1", "u1", "<i2", ">u2", "<i4", ">i4", "<u8", ">i8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "?", "V2")
# How far the shape (9, 10) of chunked data may grow: which index libhdf5 takes for the chunks depends on it.
GROWTH = {"fixed": None, "larger": (11, 25), "first": (None, 10), "second": (30, None), "both": (None, None)}
TEXTS = ["", "a", "kernel:0", "Größe", "層"]


def numbers(dtype: str, shape: tuple[int, ...] = (3, 5)) -> np.ndarray[Any, Any]:
    """Return numbers of all bits but those of NaN, which are not compared by value."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape))
    if kind.kind == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    if kind.kind in "iuf":
        return (np.arange(count) * 7 % 101 - (50 if kind.kind != "u" else 0)).astype(kind).reshape(shape)
    return np.arange(count * kind.itemsize, dtype=np.uint8).view(kind).reshape(shape)


def arrays(checksums: bool = False) -> dict[str, tuple[np.ndarray[Any, Any], dict[str, Any]]]:
    """Return arrays by path, with the options under which h5py writes them; or only those whose data has checksums."""
    found: dict[str, tuple[np.ndarray[Any, Any], dict[str, Any]]] = {}
    table = numbers("<f4", (9, 10))
    for name, largest in GROWTH.items():
        chunked: dict[str, Any] = {"chunks": (2, 3), "maxshape": largest}
        found[f"chunks/{name}/checked"] = table, {**chunked, "shuffle": True, "compression": 6, "fletcher32": True}
        if not checksums:
            found[f"chunks/{name}/plain"] = table, chunked
            found[f"chunks/{name}/deflated"] = table, {**chunked, "compression": 1}
    found["chunks/one"] = table, {"chunks": (9, 10), "compression": 9, "fletcher32": True}
    if checksums:
        return found
    for dtype in NUMBERS:
        found[f"numbers/{dtype.replace('<', 'little ').replace('>', 'big ').replace('?', 'bool')}"] = numbers(dtype), {}
    found["chunks/many"] = np.arange(200), {"chunks": (1,), "maxshape": (None,)}
    found["scalar"] = np.array(1.5, "<f4"), {}
    found["nothing"] = np.zeros((0, 4), "<f4"), {}
    found["texts/variable"] = np.array(TEXTS, object), {}
    found["texts/one"] = np.array("Größe", object), {}
    found["texts/fixed"] = np.array([b"ab", b"", b"abcde"]), {}
    return found


def attributes(checksums: bool = False) -> dict[str, Any]:
    """Return attributes of the group "attributes", as our reader gives them; variable texts have no checksums."""
    found: dict[str, Any] = {"integer": -3, "number": 0.5, "truth": True, "vector": np.arange(5.0)}
    found["long"] = np.arange(700.0)
    if not checksums:
        found |= {"text": "Größe", "texts": TEXTS, "lines": [["a", "b"], ["", "c"]], "config": "x" * 70_000}
        found |= {"none": np.zeros(0), "truths": np.array([True, False])}
        found |= {f"a{i:02}": i for i in range(20)}
    return found


def groups() -> list[str]:
    """Return groups without members, among them some in one group and one that lies deep."""
    return ["empty", "/".join(["deep"] * 8), *(f"many/m{i}" for i in range(12))]


def expected(checksums: bool = False) -> dict[str, Any]:
    """Return what `walking.content` finds in a file of samples."""
    found: dict[str, Any] = {"/": "group"}
    for path in [*groups(), "attributes"]:
        parts = path.split("/")
        found |= {"/" + "/".join(parts[: i + 1]): "group" for i in range(len(parts))}
    for path, (values, _) in arrays(checksums).items():
        parts = path.split("/")
        found |= {"/" + "/".join(parts[: i + 1]): "group" for i in range(len(parts) - 1)}
        if values.dtype.kind == "S":
            values = np.array([value.decode() for value in values.tolist()], object)
        found["/" + path] = values
    found |= {f"/attributes@{name}": value for name, value in attributes(checksums).items()}
    return found


def write(path: Path, h5py: Any, checksums: bool = False, **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        for name in groups():
            file.create_group(name)
        for name, (values, how) in arrays(checksums).items():
            file.create_dataset(name, data=values, **how)
        for name, value in attributes(checksums).items():
            file.require_group("attributes").attrs[name] = value
    return path


def main() -> None:
    """Write the golden files with the installed h5py; those of other versions of HDF5 stay."""
    import h5py

    version = "hdf5-" + ".".join(h5py.version.hdf5_version.split(".")[:2])
    GOLDEN.mkdir(exist_ok=True)
    if version == "hdf5-1.14":  # what 2.0 writes by default is the same
        write(GOLDEN / f"{version}-default.h5", h5py)
    write(GOLDEN / f"{version}-latest.h5", h5py, libver="latest", userblock_size=512)
    write(GOLDEN / f"{version}-latest-checksums.h5", h5py, checksums=True, libver="latest")


if __name__ == "__main__":
    main()
