"""Arrays of bfloat16 in HDF5: two bytes without meaning for each value, and an attribute that gives them one.

numpy has no such dtype. Source: H5IOStore in keras/src/saving/saving_lib.py, 3.15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch_layers.saving.hdf5 import Dataset

_OPAQUE = np.dtype("V2")


class Widened:
    """An array of bfloat16 as one of float32, which holds the same values."""

    dtype = np.dtype(np.float32)

    def __init__(self, array: Dataset) -> None:
        self._array = array
        self.path, self.shape = array.path, tuple(array.shape)

    def read(self) -> np.ndarray[Any, Any]:
        """Return its values."""
        halves = self._array.read().view("<u2").astype(np.uint32)
        return (halves << 16).view(np.float32)


def as_numbers(array: Dataset) -> Dataset | Widened:
    """Return an array as numbers, if it was written as bfloat16; any other as it is."""
    return Widened(array) if array.dtype == _OPAQUE and array.attrs.get("dtype") == "bfloat16" else array
