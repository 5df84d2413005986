"""The links of a group, in whichever of the three ways it keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.heaps.fractal import FractalHeap
from torch_layers.saving.hdf5.heaps.local import LocalHeap
from torch_layers.saving.hdf5.messages.link import Link, link_name, read_link
from torch_layers.saving.hdf5.object_header import LINK, LINK_INFO, SYMBOL_TABLE, Header
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.trees import version_1, version_2

_BY_NAME = 5
_SOFT = 2  # how a symbol table says that an entry is a soft link


def read_links(storage: Storage, header: Header) -> dict[str, Link]:
    """Return the links of a group by name, in the order of the names. Raises: FileError for two of one name."""
    found: dict[str, Link] = {}
    for link in _read(storage, header):
        if link.name in found:
            raise FileError(header.place, f"has two members {link.name!r}")
        found[link.name] = link
    return dict(sorted(found.items(), key=lambda item: item[0].encode()))


def _read(storage: Storage, header: Header) -> Iterator[Link]:
    place = header.place
    for message in header.all(SYMBOL_TABLE):
        table = storage.cursor(message.data, place)
        yield from _symbols(storage, table.address(), table.address(), place)
    for message in header.all(LINK):
        yield read_link(storage.cursor(message.data, place))
    for message in header.all(LINK_INFO):
        info = storage.cursor(message.data, place)
        info.version("link infos", 0)
        info.skip(8 if info.byte() & 1 else 0)
        heap_address, tree_address = info.address(), info.address()
        if heap_address is None:
            continue
        heap = FractalHeap(storage, heap_address, place)
        for record in version_2.records(storage, tree_address, (_BY_NAME,), place):
            record.skip(4)  # the hash of the name
            yield read_link(heap.get(record.take(record.left)))


def _symbols(storage: Storage, tree: int | None, names: int | None, place: str) -> Iterator[Link]:
    """A tree of tables of symbols, whose names lie in a heap."""
    heap = LocalHeap(storage, names, place)
    tables: set[int] = set()
    for _, address in version_1.leaves(storage, tree, version_1.GROUPS, storage.length_size, place):
        if address in tables:
            raise FileError(place, "two parts of a group are one and the same")
        tables.add(address)
        head = storage.block(address, 8, place)
        head.signature(b"SNOD")
        head.version("symbol tables", 1)
        head.skip(1)
        count = head.number(2)
        storage.count(count, place)
        block = storage.block(address + 8, count * (storage.length_size + storage.offset_size + 24), place)
        for _ in range(count):
            name = link_name(block, heap.text(block.length()))
            target, kind = block.address(), block.number(4)
            block.skip(4)
            scratch = block.part(16)
            if kind == _SOFT:
                value = heap.text(scratch.number(4)).decode(errors="replace")
                yield Link(name, None, f"a soft link to {value!r}")
            elif target is None:
                raise FileError(place, f"the link {name!r} leads nowhere")
            else:
                yield Link(name, target)
