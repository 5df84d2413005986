"""Object headers: the list of messages that a group or a data set consists of."""

from __future__ import annotations

from typing import NamedTuple

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.refusals import unsupported
from torch_layers.saving.hdf5.storage import Storage

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x0B, 0x0C, 0x10, 0x11, 0x15
_LAST_KNOWN = 0x18
_SHARED, _MUST_BE_KNOWN = 0x02, 0x80
_CHUNKS = 10_000
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
    size = start.number(4)
    messages: list[Message] = []
    blocks = _Blocks(address + 16, size, place)
    for at, length in blocks:
        block = storage.block(at, length, place)
        while block.left >= 8:
            kind, size, flags = block.number(2), block.number(2), block.byte()
            block.skip(3)
            _keep(storage, messages, blocks, kind, flags, block.part(size))
    return Header(messages, place)


def _read_version_2(storage: Storage, address: int, start: Cursor, place: str) -> Header:
    start.signature(b"OHDR")
    start.version("object headers", 2)
    flags = start.byte()
    start.skip((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
    size = start.number(1 << (flags & 3))
    messages: list[Message] = []
    extra = 2 if flags & 0x04 else 0  # creation orders of messages
    blocks = _Blocks(address, start.at + size + 4, place)
    skipped = start.at
    for at, length in blocks:
        whole = storage.block(at, length, place)
        if skipped == 4:
            whole.signature(b"OCHK")
        body = whole.data[:-4]
        storage.verify(body, int.from_bytes(whole.data[-4:], "little"), place)
        block = storage.cursor(body[skipped:], place)
        while block.left >= 4 + extra:
            kind, size, message_flags = block.byte(), block.number(2), block.byte()
            block.skip(extra)
            _keep(storage, messages, blocks, kind, message_flags, block.part(size))
        skipped = 4
    return Header(messages, place)


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


def _keep(storage: Storage, messages: list[Message], blocks: _Blocks, kind: int, flags: int, body: Cursor) -> None:
    storage.count(1, body.place)
    if kind == CONTINUATION:
        blocks.add(body.address(), body.length())
    elif kind > _LAST_KNOWN and flags & _MUST_BE_KNOWN:
        raise unsupported(body.place, f"it has a message of the unknown kind {kind}")
    elif kind:
        messages.append(Message(kind, bool(flags & _SHARED), body.data))
