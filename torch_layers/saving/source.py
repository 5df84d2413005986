"""Where bytes come from: a file, a part of one, or memory, read at any place and never past the end."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from torch_layers.saving.errors import FileError


class Source:
    """Random access to `size` bytes of an open binary file, from `start` on; `name` is what errors call it.

    Threads may read at once, but a file that the caller has opened only those of the caller: `is_own` says whose it is.
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        start: int,
        size: int,
        *,
        is_own: bool = False,
        lock: threading.Lock | None = None,
    ) -> None:
        self.file, self.name, self.start, self.size = file, name, start, size
        self.is_own = is_own
        # One file has one place where it is read.
        self.lock = lock or threading.Lock()
        self._pending: list[Callable[[], None]] = []

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on. Raises: FileError if there are fewer."""
        self._check(offset, count)
        with self.lock:
            self.file.seek(self.start + offset)
            found = self.file.read(count)
        if len(found) != count:
            raise self._ended(offset, count)
        return found

    def readinto(self, offset: int, target: memoryview) -> None:
        """Fill `target` with the bytes from `offset` on, without a copy. Raises: FileError if there are fewer."""
        self._check(offset, target.nbytes)
        with self.lock:
            self._readinto(offset, target.cast("B"))

    def _readinto(self, offset: int, target: memoryview) -> None:
        self.file.seek(self.start + offset)
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
        return Source(self.file, name, self.start + offset, size, is_own=self.is_own, lock=self.lock)

    def verify_later(self, verify: Callable[[], None]) -> None:
        """Have `verify` called when the file has been read."""
        self._pending.append(verify)

    def verify(self) -> None:
        """Call what `verify_later` was given. Raises: FileError for what is damaged."""
        while self._pending:
            self._pending.pop()()

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

    What can only be verified once all is read is verified at the end; also if reading has failed, since that then says why.
    Raises: FileNotFoundError, IsADirectoryError and the like; FileError for what is no regular file (a FIFO would hang), and
    for what is damaged; TypeError for what is neither a path nor a binary file that can seek.
    """
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise FileError(str(path), "is not a regular file")
        with open(path, "rb") as stream, _verified(_whole(stream, str(path), is_own=True)) as source:
            yield source
        return
    if isinstance(file, io.TextIOBase) or not hasattr(file, "read") or not hasattr(file, "seek"):
        raise TypeError(f"{file!r} is neither a path nor an open binary file that can seek")
    with _verified(_whole(file, str(getattr(file, "name", type(file).__name__)), is_own=False)) as source:
        yield source


@contextmanager
def _verified(source: Source) -> Iterator[Source]:
    try:
        yield source
    except FileError:
        source.verify()
        raise
    source.verify()


def _whole(file: BinaryIO, name: str, *, is_own: bool) -> Source:
    return Source(file, name, 0, file.seek(0, os.SEEK_END), is_own=is_own)
