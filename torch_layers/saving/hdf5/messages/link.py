"""A name in a group, and what it leads to."""

from __future__ import annotations

from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor

_HARD, _SOFT, _EXTERNAL = 0, 1, 64


class Link(NamedTuple):
    """`address` is an object's in this file; where it is None, `target` says in words what the link leads to."""

    name: str
    address: int | None
    target: str = ""


def read_link(cursor: Cursor) -> Link:
    cursor.version("links", 1)
    flags = cursor.byte()
    kind = cursor.byte() if flags & 0x08 else _HARD
    cursor.skip((8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0))
    name = link_name(cursor, cursor.take(cursor.number(1 << (flags & 3))))
    if kind == _HARD:
        address = cursor.address()
        if address is None:
            raise FileError(cursor.place, f"the link {name!r} leads nowhere")
        return Link(name, address)
    value = cursor.take(cursor.number(2))
    if kind == _SOFT:
        return Link(name, None, f"a soft link to {value.decode(errors='replace')!r}")
    if kind == _EXTERNAL:
        file, _, path = value[1:].partition(b"\0")
        where = path.rstrip(b"\0").decode(errors="replace")
        return Link(name, None, f"an external link to {where!r} in the file {file.decode(errors='replace')!r}")
    return Link(name, None, f"a link of a kind of its own ({kind})")


def link_name(cursor: Cursor, raw: bytes) -> str:
    """Raises: FileError for names that no path can hold."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise FileError(cursor.place, f"the link name {raw[:80]!r} is not UTF-8") from None
    if not name or name == "." or "/" in name or "\0" in name:
        raise FileError(cursor.place, f"{name[:80]!r} is not a name that a link can have")
    return name
