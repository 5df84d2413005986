"""Arrays of a file to the weights of a model: every shape is compared before memory is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight, as_tensor
from torch_layers.saving.errors import FileError

# Bytes that are read at once where they are rearranged.
_BLOCK = 1 << 22

# Kinds of numpy's dtypes that no weight has.
_NO_REAL_NUMBERS = {"c": "complex numbers", "O": "texts", "S": "texts", "U": "texts"}


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


@dataclass(frozen=True)
class Assignment:
    """One weight of a layer and the array that it gets."""

    layer: Weighted
    weight: Weight
    stored: Stored

    @property
    def is_new(self) -> bool:
        """Whether the weight has no values yet, which could be lost."""
        tensor = getattr(self.layer, self.weight.name)
        return is_lazy(tensor) or tensor.is_meta

    def read(self) -> Tensor:
        """Return the array in PyTorch's layout."""
        tensor: Tensor = self.weight.layout.to_torch(as_tensor(self.stored.read()))
        return tensor

    def put(self, value: Tensor) -> None:
        """Copy what `read` returned into the weight."""
        with torch.no_grad():
            getattr(self.layer, self.weight.name).copy_(value)

    def fill(self) -> None:
        """Give a new weight memory, and read the array straight into it."""
        tensor, shape = getattr(self.layer, self.weight.name), tuple(self.stored.shape)
        self.layer._keras_shapes[self.weight.name] = shape
        if is_lazy(tensor):
            tensor.materialize(self.weight.layout.torch_shape(shape))
        else:
            # Not torch.empty_like, for which torch imports what its compiler needs.
            made = torch.empty(tensor.shape, dtype=tensor.dtype)
            tensor = (
                nn.Parameter(made, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
            )
            setattr(self.layer, self.weight.name, tensor)
        if not self._read_straight(tensor) and not self._read_in_blocks(tensor):
            self.put(self.read())

    def _read_straight(self, tensor: Tensor) -> bool:
        keras, torch_side = self.weight.layout.sides
        read_into: Callable[[Any], None] | None = getattr(self.stored, "read_into", None)
        dtype = getattr(self.stored, "dtype", None)
        if read_into is None or keras != torch_side or not self.weight.layout.is_view or tensor.device.type != "cpu":
            return False
        if tensor.dtype is torch.bfloat16 or not tensor.is_contiguous():
            return False
        target = tensor.detach().numpy()
        if dtype != target.dtype:
            return False
        read_into(target)
        return True

    def _read_in_blocks(self, tensor: Tensor) -> bool:
        """Read some rows at a time into their place in another layout: no array lies in memory twice."""
        stored: Any = self.stored
        if not getattr(stored, "is_in_one_piece", False) or not self.weight.layout.is_view:
            return False
        count = stored.shape[0]
        rows = max(count * _BLOCK // max(stored.nbytes, 1), 1)
        target = self.weight.layout.to_keras(tensor.detach(), stored.shape)
        for start in range(0, count, rows):
            stop = min(start + rows, count)
            target[start:stop].copy_(as_tensor(stored.read_rows(start, stop)))
        return True


def fill(assignments: Iterable[Assignment], name: str) -> None:
    """Give each weight its array. Raises: FileError that lists every array of a wrong shape; nothing is changed then.

    `name` is what the file is called.
    """
    assignments = list(assignments)
    wrong = []
    for given in assignments:
        try:
            given.layer._check_weight(given.weight, tuple(given.stored.shape), given.stored.path)
        except ValueError as error:
            wrong.append(f"{error} in layer {given.layer.name!r}")
            continue
        kind = getattr(getattr(given.stored, "dtype", None), "kind", "f")
        if kind in _NO_REAL_NUMBERS:
            what = f"is of {_NO_REAL_NUMBERS[kind]}, expected are real numbers"
            wrong.append(f"{given.stored.path} ({given.weight.keras_name!r}) {what} in layer {given.layer.name!r}")
    if wrong:
        raise FileError(name, "weights do not fit the model:" + "".join(f"\n  {line}" for line in wrong))
    # All is read before the first weight changes: a file that turns out to be damaged leaves a model as it was.
    known = [given for given in assignments if not given.is_new]
    values = [given.read() for given in known]
    for given in assignments:
        if given.is_new:
            given.fill()
    for given, value in zip(known, values, strict=True):
        given.put(value)
