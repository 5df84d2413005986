"""The members of a zip archive, read in place: nothing is ever extracted."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from typing import Any

from torch_layers.saving.errors import FileError
from torch_layers.saving.source import Source, in_memory
from torch_layers.saving.summed import Summed

# Signature, flags, method, length of the name and of what follows it.
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")
# Text of configs shrinks 50 times at most; what shrinks more is no model but a bomb.
_MOST_INFLATION, _ALWAYS_ALLOWED = 200, 1 << 20
# Bytes of an archive's table of contents: some 5,000 members, of which a model has three, and an asset for some layers.
_LARGEST_TABLE = 1 << 19


class Archive:
    """A zip archive whose members all have plain names, are no links, and do not overlap.

    Raises: FileError for what is no such archive.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            with zipfile.ZipFile(_Stream(source)) as archive:
                members = archive.infolist()
        except FileError:
            raise
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OverflowError, struct.error, ValueError) as error:
            raise FileError(source.name, f"is no readable zip archive: {error}") from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            self._check(member)
            self._members[member.filename] = member
        self._check_overlaps(members)

    @property
    def names(self) -> list[str]:
        """The names of the members, directories left out."""
        return [name for name, member in self._members.items() if not member.is_dir()]

    def member(self, name: str, largest: int | None = None) -> Source:
        """Return the bytes of a member, whose checksum is right: in place if it is stored, else inflated in memory.

        Raises: FileError if there is no such member, it has more than `largest` bytes, or its bytes are not what the
        archive says of them.
        """
        found = self._summed(name, largest)
        found.verify_sum()
        return found

    def member_to_verify(self, name: str) -> Source:
        """Return the bytes of a member, whose checksum is computed as they are read: the archive's source verifies it.

        Raises: FileError as `member`, but for a wrong checksum.
        """
        found = self._summed(name, None)
        self.source.verify_later(found.verify_sum)
        return found

    def _summed(self, name: str, largest: int | None) -> Summed:
        member = self._members.get(name)
        if member is None:
            raise FileError(self.source.name, f"has no member {name!r}, only {sorted(self.names)}")
        place = f"{self.source.name}/{name}"
        if largest is not None and member.file_size > largest:
            raise FileError(place, f"has {member.file_size} bytes, allowed are {largest}")
        data = self._data(member, place)
        if member.compress_type == zipfile.ZIP_STORED:
            if member.file_size != member.compress_size:
                raise FileError(
                    place, f"is stored in {member.compress_size} bytes, but said to have {member.file_size}"
                )
            return Summed(data, member.CRC)
        return Summed(in_memory(_inflated(data, member, place), place), member.CRC)

    def _check(self, member: zipfile.ZipInfo) -> None:
        # `filename` ends at the first NUL, which another reader may not stop at.
        name, place = member.orig_filename, self.source.name
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]:
            raise FileError(place, f"the name of the member {name!r} leads out of the archive")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise FileError(place, f"the member {name!r} is a symbolic link")
        if member.filename in self._members:
            raise FileError(place, f"has two members {name!r}")
        if member.flag_bits & 0x1:
            raise FileError(place, f"the member {name!r} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileError(
                place, f"the member {name!r} is compressed by method {member.compress_type}, not by deflate"
            )
        if member.file_size > max(_MOST_INFLATION * member.compress_size, _ALWAYS_ALLOWED):
            raise FileError(
                place, f"the member {name!r} would grow from {member.compress_size} to {member.file_size} bytes: a bomb"
            )

    def _check_overlaps(self, members: list[zipfile.ZipInfo]) -> None:
        end = 0
        for member in sorted(members, key=lambda m: m.header_offset):
            if member.header_offset < end:
                raise FileError(self.source.name, f"the member {member.filename!r} overlaps another")
            end = member.header_offset + _LOCAL_HEADER.size + member.compress_size

    def _data(self, member: zipfile.ZipInfo, place: str) -> Source:
        """Return the bytes of a member as they lie in the archive, behind their local header."""
        signature, flags, method, name_size, extra_size = _LOCAL_HEADER.unpack(
            self.source.read(member.header_offset, _LOCAL_HEADER.size)
        )
        name = self.source.read(member.header_offset + _LOCAL_HEADER.size, name_size)
        if signature != b"PK\x03\x04" or name not in (_encoded(member, "utf-8"), _encoded(member, "cp437")):
            raise FileError(place, f"has no header of its own at byte {member.header_offset}")
        if flags & 0x1 or method != member.compress_type:
            raise FileError(place, "is another to its own header than to the archive's table of contents")
        start = member.header_offset + _LOCAL_HEADER.size + name_size + extra_size
        return self.source.part(start, member.compress_size, place)


def _encoded(member: zipfile.ZipInfo, encoding: str) -> bytes | None:
    try:
        return member.orig_filename.encode(encoding)
    except UnicodeEncodeError:
        return None


def _inflated(data: Source, member: zipfile.ZipInfo, place: str) -> bytes:
    """Return the bytes of a deflated member, no more than the archive says."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data.read(0, data.size), member.file_size + 1)
    except zlib.error as error:
        raise FileError(place, f"is damaged: {error}") from None
    if len(content) != member.file_size or not inflater.eof:
        raise FileError(place, f"does not inflate to the {member.file_size} bytes that the archive says")
    return content


class _Stream(io.RawIOBase):
    """A source as the file object that zipfile wants."""

    def __init__(self, source: Source) -> None:
        self.source, self.place = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.source.size}[whence], 0)
        return self.place

    def tell(self) -> int:
        return self.place

    def read(self, size: int = -1) -> bytes:
        """Read as any file. Raises: FileError for more than a table of contents can have: zipfile reads nothing else."""
        size = self.source.size - self.place if size < 0 else size
        if size > _LARGEST_TABLE:
            raise FileError(
                self.source.name,
                f"is a zip archive with a table of contents of {size} bytes, allowed are {_LARGEST_TABLE}",
            )
        return super().read(size) or b""

    def readinto(self, target: Any) -> int:
        view = memoryview(target)
        count = min(len(view), max(self.source.size - self.place, 0))
        self.source.readinto(self.place, view[:count])
        self.place += count
        return count
