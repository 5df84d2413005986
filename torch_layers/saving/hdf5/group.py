"""Groups: what a file's data sets are named by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.attributes import Attributes
from torch_layers.saving.hdf5.dataset import Dataset
from torch_layers.saving.hdf5.links import read_links
from torch_layers.saving.hdf5.messages.link import Link
from torch_layers.saving.hdf5.object_header import DATATYPE, LAYOUT, LINK, LINK_INFO, SYMBOL_TABLE, Header, read_header
from torch_layers.saving.hdf5.refusals import NonsenseRefused, NoSuchNameError, refusing, unsupported
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.superblock import read_superblock
from torch_layers.saving.source import Source


class Group(Mapping[str, "Group | Dataset"]):
    """Groups and data sets by name, in the order of the names; `group["a/b"]` is `group["a"]["b"]`.

    Each is read when it is first asked for, and stays the same object. A file is a tree here: no object has two names,
    so that every walk ends.
    Raises: FileError (a KeyError too) for a name that isn't there; FileError for soft, external and other links that
    lead elsewhere, for an object that is linked twice or lies too deep, and for data sets that are not to be trusted;
    NotImplementedError for data sets that Keras never writes.
    """

    def __init__(self, storage: Storage, header: Header, path: str) -> None:
        self.path = path
        self.place = header.place
        self.attrs = Attributes(storage, header)
        self._storage, self._header = storage, header
        self._found: dict[str, Link] | None = None
        self._members: dict[str, Group | Dataset] = {}

    @refusing
    def __getitem__(self, name: str) -> Group | Dataset:
        item: Group | Dataset = self
        for part in name.split("/"):
            if not isinstance(item, Group):
                raise NoSuchNameError(item.place, f"is a data set and has no member {part!r}")
            item = item._member(part)
        return item

    @refusing
    def __iter__(self) -> Iterator[str]:
        return iter(self._links())

    @refusing
    def __len__(self) -> int:
        return len(self._links())

    @refusing
    def __contains__(self, name: object) -> bool:
        """Whether there is a link of this name, or at the end of this path; not whether it can be read."""
        if not isinstance(name, str):
            return False
        above, _, last = name.rpartition("/")
        try:
            group = self[above] if above else self
        except NoSuchNameError:
            return False
        return isinstance(group, Group) and last in group._links()

    def __repr__(self) -> str:
        return f"<group {self.place}>"

    def _links(self) -> dict[str, Link]:
        if self._found is None:
            self._found = read_links(self._storage, self._header)
        return self._found

    def _member(self, name: str) -> Group | Dataset:
        if name not in self._members:
            link = self._links().get(name)
            if link is None:
                raise NoSuchNameError(self.place, f"has no member {name!r}")
            path = f"{self.path.rstrip('/')}/{name}"
            if link.address is None:
                raise FileError(self._storage.place(path), f"is {link.target}, which is not followed")
            self._members[name] = open_object(self._storage, link.address, path)
        return self._members[name]


def open_object(storage: Storage, address: int, path: str) -> Group | Dataset:
    """Return the object whose header is at `address`."""
    place = storage.enter(address, path)
    header = read_header(storage, address, place)
    if header.has(LAYOUT):
        return Dataset(storage, header, path)
    if header.has(SYMBOL_TABLE) or header.has(LINK_INFO) or header.has(LINK):
        return Group(storage, header, path)
    if header.has(DATATYPE):
        raise unsupported(place, "it is a type with a name of its own")
    raise FileError(place, "is neither a group nor a data set")


def open_hdf5(source: Source) -> Group:
    """Return the root group of an HDF5 file; nothing else is read yet.

    Raises: FileError if it is no HDF5 file, or a damaged one; NotImplementedError for what Keras never writes.
    """
    with NonsenseRefused(source.name):
        storage, address = read_superblock(source)
        root = open_object(storage, address, "/")
    if not isinstance(root, Group):
        raise FileError(source.name, "its root is not a group")
    return root
