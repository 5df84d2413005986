"""Object headers: the list of messages that a group or a data set consists of."""

from __future__ import annotations

import struct
from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.refusals import unsupported
from torch_layers.saving.hdf5.storage import Storage

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x0B, 0x0C, 0x10, 0x11, 0x15
CACHE_IMAGE = 0x18
_NEEDED = {
    DATASPACE,
    LINK_INFO,
    DATATYPE,
    LINK,
    EXTERNAL_FILES,
    LAYOUT,
    FILTERS,
    ATTRIBUTE,
    SYMBOL_TABLE,
    ATTRIBUTE_INFO,
}
_NEEDED |= {CACHE_IMAGE}
_LAST_KNOWN = CACHE_IMAGE
_SHARED, _MUST_BE_KNOWN = 0x02, 0x80
_CHUNKS = 10_000
# Kind, size and flags; version 2 may keep the order in which messages were added.
_HEAD_1, _HEAD_2, _HEAD_2_ORDERED = struct.Struct("<HHB3x"), struct.Struct("<BHB"), struct.Struct("<BHB2x")
_PREFIX = 34  # the longest beginning of a header of version 2


class Message(NamedTuple):
    kind: int
    shared: bool  # the data says only where the message itself is
    data: bytes


class Header(NamedTuple):
    messages: list[Message]
    place: str

    def all(self, kind: int) -> list[Message]:
        return [message for message in self.messages if message.kind == kind]

    def has(self, kind: int) -> bool:
        return any(message.kind == kind for message in self.messages)

    def one(self, kind: int, what: str) -> Message:
        """Return the only message of a kind. Raises: FileError if there is none, or several."""
        found = self.all(kind)
        if len(found) != 1:
            raise FileError(self.place, f"its header has {len(found)} messages with its {what} instead of one")
        return found[0]


def read_header(storage: Storage, address: int | None, place: str) -> Header:
    """Return the messages of the object whose header is at `address`, continuations included."""
    start = storage.up_to(address, _PREFIX, place)
    if start.data[:4] == b"OHDR":
        return _read_version_2(storage, address or 0, start, place)
    return _read_version_1(storage, address or 0, start, place)


def _read_version_1(storage: Storage, address: int, start: Cursor, place: str) -> Header:
    start.version("object headers", 1)
    start.skip(7)
    messages: list[Message] = []
    blocks = _Blocks(address + 16, start.number(4), place)
    for at, length in blocks:
        _collect(storage, storage.block(at, length, place).data, _HEAD_1, blocks, messages, place)
    return Header(messages, place)


def _read_version_2(storage: Storage, address: int, start: Cursor, place: str) -> Header:
    start.signature(b"OHDR")
    start.version("object headers", 2)
    flags = start.byte()
    start.skip((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
    size = start.number(1 << (flags & 3))
    head = _HEAD_2_ORDERED if flags & 0x04 else _HEAD_2
    messages: list[Message] = []
    blocks = _Blocks(address, start.at + size + 4, place)
    skipped = start.at
    for at, length in blocks:
        block = storage.block(at, length, place)
        if skipped == 4:
            block.signature(b"OCHK")
        body = block.data[:-4]
        storage.verify(body, int.from_bytes(block.data[-4:], "little"), place)
        _collect(storage, body[skipped:], head, blocks, messages, place)
        skipped = 4
    return Header(messages, place)


def _collect(
    storage: Storage, data: bytes, head: struct.Struct, blocks: _Blocks, messages: list[Message], place: str
) -> None:
    """Append the messages of a block; what is too short for another one at its end is a gap."""
    at, end, counted = 0, len(data), 0
    while at + head.size <= end:
        kind, size, flags = head.unpack_from(data, at)
        at += head.size + size
        counted += 1
        if at > end:
            raise FileError(place, f"a message of its header has {size} bytes, more than there are")
        if kind in _NEEDED:
            messages.append(Message(kind, bool(flags & _SHARED), data[at - size : at]))
        elif kind == CONTINUATION:
            where = storage.cursor(data[at - size : at], place)
            blocks.add(where.address(), where.length())
        elif kind > _LAST_KNOWN and flags & _MUST_BE_KNOWN:
            raise unsupported(place, f"it has a message of the unknown kind {kind}")
    storage.count(counted, place)


class _Blocks:
    """The blocks of one header, each once; continuations are added while they are read."""

    def __init__(self, at: int, size: int, place: str) -> None:
        self._place = place
        self._found = {at}
        self._waiting = [(at, size)]

    def add(self, at: int | None, size: int) -> None:
        if at is None or at in self._found or len(self._found) > _CHUNKS:
            raise FileError(self._place, "its header continues in a circle or nowhere")
        self._found.add(at)
        self._waiting.append((at, size))

    def __iter__(self) -> _Blocks:
        return self

    def __next__(self) -> tuple[int, int]:
        if not self._waiting:
            raise StopIteration
        return self._waiting.pop(0)
