"""Arrays of a file that are rearranged when they are wanted: their shapes are known before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from torch_layers.saving.stored import Computed, Stored

Array = np.ndarray[Any, Any]


def changed(stored: Stored, shape: Sequence[int], change: Callable[[Array], Array]) -> Computed:
    """Return what `change` makes of an array, which has `shape`."""
    return Computed(stored.path, tuple(shape), lambda: change(stored.read()))


def transposed(stored: Stored, *axes: int) -> Stored:
    """Return an array with its axes in another order; the array itself if it has not as many."""
    if len(stored.shape) != len(axes):
        return stored
    return changed(stored, [stored.shape[axis] for axis in axes], lambda array: array.transpose(axes))


def joined(parts: Sequence[Stored]) -> Stored:
    """Return arrays of one shape side by side in the last axis."""
    first = parts[0].shape
    path = ", ".join(part.path for part in parts)
    shape = (*first[:-1], sum(part.shape[-1] for part in parts))
    return Computed(path, shape, lambda: np.concatenate([part.read() for part in parts], axis=-1))
