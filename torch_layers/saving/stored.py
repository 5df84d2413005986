"""Arrays that wait to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Stored(Protocol):
    """An array that waits in a file: a data set of HDF5, or what is computed from some."""

    @property
    def path(self) -> str:
        """Its place in the file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in Keras's layout."""

    def read(self) -> np.ndarray[Any, Any]:
        """Return its values."""


@dataclass(frozen=True)
class Computed:
    """An array of `shape` that is computed, when it is wanted, from what lies at `path` in the file."""

    path: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray[Any, Any]]
