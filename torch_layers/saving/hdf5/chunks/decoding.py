"""From a chunk as it lies in the file back to its elements."""

from __future__ import annotations

import zlib

import numpy as np

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.checksums import fletcher32
from torch_layers.saving.hdf5.messages.filters import DEFLATE, FLETCHER32, SHUFFLE, Filter
from torch_layers.saving.hdf5.refusals import unsupported

# What a byte of deflate's can stand for at most.
MOST_INFLATED = 1032
_OTHERS = {
    4: "szip",
    5: "n-bit",
    6: "scale-offset",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32026: "blosc2",
}


def check_known(filters: tuple[Filter, ...], place: str) -> None:
    """Raises: NotImplementedError that names a filter of which the inverse isn't known, or for one that comes twice."""
    for used in filters:
        if used.kind not in (DEFLATE, SHUFFLE, FLETCHER32):
            name = _OTHERS.get(used.kind) or used.name or "unknown"
            raise unsupported(place, f"its chunks went through the filter {name} ({used.kind})")
    if len({used.kind for used in filters}) < len(filters):
        raise unsupported(place, "its chunks went through the same filter twice")


def decoded(raw: bytes, filters: tuple[Filter, ...], left_out: int, size: int, place: str) -> bytes:
    """Return a chunk of `size` bytes; the bits of `left_out` are filters that the writer did not apply to it.

    Raises: FileError if the chunk is damaged, or longer or shorter than it has to be. No more than that is inflated.
    """
    applied = [used for position, used in enumerate(filters) if not left_out >> position & 1]
    if left_out >> len(filters):
        raise FileError(place, f"a chunk leaves out filters ({left_out:#x}) that its data set does not have")
    while applied:
        used = applied.pop()
        if used.kind == DEFLATE:
            has_checksum = any(other.kind == FLETCHER32 for other in applied)
            raw = _inflated(raw, size + 4 * has_checksum, place)
        elif used.kind == SHUFFLE:
            raw = _unshuffled(raw, used.options[0] if used.options else 1, place)
        else:
            raw = _without_checksum(raw, place)
    if len(raw) != size:
        raise FileError(place, f"a chunk holds {len(raw)} bytes instead of {size}")
    return raw


def _inflated(raw: bytes, size: int, place: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(raw, size + 1)
    except zlib.error as error:
        raise FileError(place, f"a chunk can't be decompressed ({error})") from None
    if len(found) != size or not stream.eof:
        how = "more" if len(found) > size else len(found)
        raise FileError(place, f"a chunk decompresses to {how} bytes instead of {size}")
    return found


def _unshuffled(raw: bytes, element: int, place: str) -> bytes:
    """The first bytes of all elements come first, then all second ones; what fills no element is left at the end."""
    if element < 1:
        raise FileError(place, "a chunk is shuffled by elements of 0 bytes")
    count = len(raw) // element
    if element == 1 or count < 2:
        return raw
    planes = np.frombuffer(raw, np.uint8, count * element).reshape(element, count)
    return planes.T.tobytes() + raw[count * element :]


def _without_checksum(raw: bytes, place: str) -> bytes:
    content, stored = raw[:-4], raw[-4:]
    expected = fletcher32(content).to_bytes(4, "little")
    # HDF5 before 1.6.3 swapped the bytes of each half.
    if stored not in (expected, bytes(expected[i] for i in (1, 0, 3, 2))):
        raise FileError(place, "the checksum of a chunk is wrong: the file is damaged")
    return content
