"""How files are made that do harm, with h5py and by hand, and how it is seen that they are refused."""

from __future__ import annotations

import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.source import opened

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
    import h5py

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
