"""Messages that stand in another object: a type that was given a name."""

from __future__ import annotations

from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.object_header import Message, read_header
from torch_layers.saving.hdf5.refusals import unsupported
from torch_layers.saving.hdf5.storage import Storage

_COMMITTED = 2


def content(storage: Storage, message: Message, what: str, place: str) -> Cursor:
    """Return a message's own content, from where it is shared if it is."""
    cursor = storage.cursor(message.data, place)
    return referred(storage, cursor, message.kind, what) if message.shared else cursor


def referred(storage: Storage, cursor: Cursor, kind: int, what: str) -> Cursor:
    """Return the content of a message of which the cursor only tells where it is."""
    version = cursor.version("shared messages", 1, 2, 3)
    way = cursor.byte()
    if version == 1:
        cursor.skip(6 + storage.length_size)
    elif version == 3 and way != _COMMITTED:
        raise unsupported(cursor.place, f"its {what} lies in a table of messages that objects share")
    found = read_header(storage, cursor.address(), cursor.place).one(kind, what)
    if found.shared:
        raise unsupported(cursor.place, f"its {what} is shared from one object to the next")
    return storage.cursor(found.data, cursor.place)
