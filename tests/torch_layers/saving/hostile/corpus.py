"""Hostile files, made when a test runs: a list of all, and where the ones by subject come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class Hostile(NamedTuple):
    """A file: its name, with the ending that says what it claims to be, its bytes, and what it attacks.

    `content` is a function for a file that only a file system can hold, which makes it at a path.
    """

    name: str
    content: bytes | Callable[[Path], None]
    attacks: str

    def write(self, folder: Path) -> Path:
        """Put the file into a folder."""
        path = folder / self.name
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path


Maker = Callable[[Path], Iterator[Hostile]]


def makers() -> dict[str, Maker]:
    """Return the makers by subject. Each takes the folder of the traps: what no file may lead to."""
    from tests.torch_layers.saving.hostile import archives, code, damage, documents, graphs, groups, sizes, values

    return {
        module.__name__.rpartition(".")[2]: module.files
        for module in (code, documents, graphs, sizes, archives, groups, damage, values)
    }
