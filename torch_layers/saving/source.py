"""Where bytes come from: a file, a part of one, or memory, read at any place and never past the end."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from torch_layers.saving.errors import FileError


class Source:
    """Random access to `size` bytes of an open binary file, from `start` on; `name` is what errors call it."""

    def __init__(self, file: BinaryIO, name: str, start: int, size: int) -> None:
        self.file, self.name, self.start, self.size = file, name, start, size

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on. Raises: FileError if there are fewer."""
        self._check(offset, count)
        self.file.seek(self.start + offset)
        found = self.file.read(count)
        if len(found) != count:
            raise self._ended(offset, count)
        return found

    def readinto(self, offset: int, target: memoryview) -> None:
        """Fill `target` with the bytes from `offset` on, without a copy. Raises: FileError if there are fewer."""
        self._check(offset, target.nbytes)
        self.file.seek(self.start + offset)
        target = target.cast("B")
        readinto = getattr(self.file, "readinto", None)
        while target.nbytes:
            if readinto is not None:
                count = readinto(target)
            else:
                found = self.file.read(target.nbytes)
                count = len(found)
                target[:count] = found
            if not count:
                raise self._ended(offset, target.nbytes)
            target = target[count:]

    def part(self, offset: int, size: int, name: str) -> Source:
        """Return the `size` bytes from `offset` on as a source of their own. Raises: FileError if there are fewer."""
        self._check(offset, size)
        return Source(self.file, name, self.start + offset, size)

    def _check(self, offset: int, count: int) -> None:
        if offset < 0 or count < 0 or offset + count > self.size:
            raise self._ended(offset, count)

    def _ended(self, offset: int, count: int) -> FileError:
        return FileError(self.name, f"{count} bytes are wanted at byte {offset}, but it has {self.size} bytes")


def in_memory(content: bytes, name: str) -> Source:
    """Return bytes as a source."""
    return Source(io.BytesIO(content), name, 0, len(content))


@contextmanager
def opened(file: str | os.PathLike[str] | BinaryIO) -> Iterator[Source]:
    """Open a path, or take an open binary file, which stays open.

    Raises: FileNotFoundError, IsADirectoryError and the like; FileError for what is no regular file (a FIFO would hang);
    TypeError for what is neither a path nor a binary file that can seek.
    """
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise FileError(str(path), "is not a regular file")
        with open(path, "rb") as stream:
            yield _whole(stream, str(path))
        return
    if isinstance(file, io.TextIOBase) or not hasattr(file, "read") or not hasattr(file, "seek"):
        raise TypeError(f"{file!r} is neither a path nor an open binary file that can seek")
    yield _whole(file, str(getattr(file, "name", type(file).__name__)))


def _whole(file: BinaryIO, name: str) -> Source:
    return Source(file, name, 0, file.seek(0, os.SEEK_END))
