"""The first structure of an HDF5 file: how it counts, and where its root group is."""

from __future__ import annotations

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.object_header import CACHE_IMAGE, read_header
from torch_layers.saving.hdf5.refusals import unsupported
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.source import Source

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGEST = 8 + 8 + 8 + 4 * 8 + 40


def read_superblock(source: Source) -> tuple[Storage, int]:
    """Return the file's storage and the address of its root group's header.

    Raises: FileError for what is no HDF5 file, or a truncated one; NotImplementedError for one of several parts.
    """
    base = _signature_at(source)
    place = source.name
    start = Cursor(source.read(base, min(_LARGEST, source.size - base)), place, 8, 8)
    start.signature(SIGNATURE)
    version = start.byte()
    if version > 3:
        raise unsupported(place, f"it has an HDF5 superblock of version {version}")
    start.skip(4 if version < 2 else 0)
    sizes = start.byte(), start.byte()
    if not set(sizes) <= {2, 4, 8}:
        raise FileError(place, f"its addresses and lengths have {sizes} bytes, which are not 2, 4 or 8")
    storage = Storage(source, base, *sizes)
    cursor = storage.cursor(start.data, place)
    extension = None
    if version < 2:
        cursor.skip(24 if version == 0 else 28)
        cursor.address()  # the base as written; like the HDF5 library we go by where the signature is
        cursor.address()  # free space
        end = cursor.address()
        if cursor.address() is not None:
            raise unsupported(place, "it is one part of an HDF5 file that lies in several")
        cursor.skip(storage.length_size)  # the root's name
        root = cursor.address()
    else:
        cursor.skip(12)
        cursor.address()
        extension, end, root = cursor.address(), cursor.address(), cursor.address()
        storage.verify(cursor.data[: cursor.at], cursor.number(4), place)
    if root is None or end is None:
        raise FileError(place, "has no root group")
    if end > source.size:
        raise FileError(place, f"is truncated: it should have {end} bytes and has {source.size}")
    if extension is not None:
        _look_at_extension(storage, extension)
    return storage, root


def _signature_at(source: Source) -> int:
    """A user's own block of 512 bytes or a power of two times as many may come first."""
    at = 0
    while at + len(SIGNATURE) <= source.size:
        if source.read(at, len(SIGNATURE)) == SIGNATURE:
            return at
        at = at * 2 or 512
    raise FileError(source.name, "is not an HDF5 file")


def _look_at_extension(storage: Storage, address: int) -> None:
    header = read_header(storage, address, storage.source.name)
    if header.has(CACHE_IMAGE):
        raise unsupported(storage.source.name, "its metadata lies in a cache image")
