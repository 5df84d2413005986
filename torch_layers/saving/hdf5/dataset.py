"""Data sets: arrays in a file, read straight into their place."""

from __future__ import annotations

import math

import numpy as np

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5.attributes import Attributes
from torch_layers.saving.hdf5.chunks.assembly import Assembly
from torch_layers.saving.hdf5.cursor import Cursor
from torch_layers.saving.hdf5.messages.dataspace import read_dataspace
from torch_layers.saving.hdf5.messages.datatype import read_datatype
from torch_layers.saving.hdf5.messages.filters import read_filters
from torch_layers.saving.hdf5.messages.layout import Chunked, Compact, Contiguous, read_layout
from torch_layers.saving.hdf5.messages.shared import content
from torch_layers.saving.hdf5.object_header import DATASPACE, DATATYPE, EXTERNAL_FILES, FILTERS, LAYOUT, Header
from torch_layers.saving.hdf5.refusals import refusing
from torch_layers.saving.hdf5.storage import Storage
from torch_layers.saving.hdf5.values import Array, check_truth, to_array


class Dataset:
    """An array of numbers, truth values, or texts (dtype object, of str), or of bytes without meaning (dtype void).

    Opening it checks that the file can hold what it claims: `shape` and `nbytes` may be trusted with memory.
    Raises: FileError from opening or reading if its data is elsewhere, missing, damaged, or shorter than claimed.
    """

    def __init__(self, storage: Storage, header: Header, path: str) -> None:
        self.path = path
        self.place = header.place
        self.attrs = Attributes(storage, header)
        self._storage = storage
        self._texts: Array | None = None
        if header.has(EXTERNAL_FILES):
            raise FileError(self.place, "has its data in other files, which are not read")
        dataspace = read_dataspace(self._content(header, DATASPACE, "shape"))
        self._datatype = read_datatype(self._content(header, DATATYPE, "type"))
        layout = read_layout(self._content(header, LAYOUT, "layout"))
        self.shape = dataspace.shape
        self.dtype = self._datatype.dtype
        self.nbytes = math.prod(self.shape) * self._datatype.size
        self._layout: Compact | Contiguous | Assembly
        if isinstance(layout, Chunked):
            filters = read_filters(self._content(header, FILTERS, "filters")) if header.has(FILTERS) else ()
            self._layout = Assembly(storage, layout, filters, dataspace, self._datatype.size, self.place)
        else:
            self._layout = layout
            self._check(layout)

    def __repr__(self) -> str:
        return f"<data set {self.place} {self.shape} {self.dtype}>"

    @refusing
    def read(self) -> Array:
        """Return the whole array, a new one."""
        if self._datatype.text:
            if self._texts is None:
                raw = np.empty(self.nbytes, np.uint8)
                self._read_bytes(raw.reshape(*self.shape, self._datatype.size))
                self._texts = to_array(self._storage, raw.tobytes(), self._datatype, self.shape, self.place)
            return self._texts.copy()
        found = np.empty(self.shape, self.dtype)
        self._read_bytes(_bytes_of(found))
        check_truth(found, self.place)
        return found

    @refusing
    def read_into(self, out: Array) -> None:
        """Fill `out`, of the same shape and of the dtype in native byte order, without a copy on the way.

        Raises: ValueError if `out` is of another shape or dtype, not C-contiguous, or read-only.
        """
        native = self.dtype.newbyteorder("=")
        if out.shape != self.shape or out.dtype != native or self._datatype.text:
            raise FileError(
                self.place, f"holds {self.dtype} of shape {self.shape}, not {out.dtype} of shape {out.shape}"
            )
        if not out.flags.c_contiguous or not out.flags.writeable:
            raise FileError(self.place, "can be read only into an array that is C-contiguous and writeable")
        self._read_bytes(_bytes_of(out))
        if self.dtype != native:
            out.byteswap(inplace=True)
        check_truth(out, self.place)

    @property
    def is_in_one_piece(self) -> bool:
        """Whether its numbers lie side by side in the file, so that `read_span` can read some of them."""
        return isinstance(self._layout, Contiguous) and bool(self.shape) and not self._datatype.text

    @refusing
    def read_span(self, start: int, out: Array) -> None:
        """Fill `out`, of one axis and of the dtype, with `self.read().reshape(-1)[start:]` of an array in one piece.

        Raises: IndexError if it has not so many numbers.
        """
        assert isinstance(self._layout, Contiguous)
        assert out.dtype == self.dtype
        if not 0 <= start <= start + out.size <= math.prod(self.shape):
            raise IndexError(f"numbers {start} to {start + out.size} of an array of shape {self.shape}")
        if out.size and self._layout.address is not None:
            place = self._storage.base + self._layout.address + start * out.itemsize
            self._storage.source.readinto(place, _bytes_of(out).reshape(-1).data)
        check_truth(out, self.place)

    def _read_bytes(self, out: Array) -> None:
        """Fill an array of bytes, which has one more axis: the bytes of an element."""
        if not out.size:
            return
        if isinstance(self._layout, Assembly):
            self._layout.read_into(out)
        elif isinstance(self._layout, Compact):
            out.reshape(-1)[:] = np.frombuffer(self._layout.data, np.uint8, self.nbytes)
        elif self._layout.address is not None:
            self._storage.source.readinto(self._storage.base + self._layout.address, out.reshape(-1).data)

    def _check(self, layout: Compact | Contiguous) -> None:
        """Raises: FileError if the bytes that the shape asks for are not all there."""
        if not self.nbytes:
            return
        claimed = len(layout.data) if isinstance(layout, Compact) else layout.size
        if claimed not in (self.nbytes, None):
            raise FileError(self.place, f"its shape {self.shape} takes {self.nbytes} bytes, its layout {claimed}")
        if isinstance(layout, Contiguous):
            if layout.address is None:
                raise FileError(self.place, f"has the shape {self.shape}, but its data was never written")
            if layout.address + self.nbytes > self._storage.size:
                raise FileError(self.place, f"its {self.nbytes} bytes at {layout.address} reach past the file's end")
            self._storage.claim(self.nbytes, self.place)

    def _content(self, header: Header, kind: int, what: str) -> Cursor:
        return content(self._storage, header.one(kind, what), what, self.place)


def _bytes_of(array: Array) -> Array:
    """Return the same memory as bytes, on one more axis."""
    return array.reshape(*array.shape, 1).view(np.uint8)
