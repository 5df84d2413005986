"""Arrays of a file to the weights of a model: every shape is compared before memory is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight
from torch_layers.saving.errors import FileError
from torch_layers.saving.reading import read_values
from torch_layers.saving.source import Source
from torch_layers.saving.stored import Stored

# Kinds of numpy's dtypes that no weight has.
_NO_REAL_NUMBERS = {"c": "complex numbers", "O": "texts", "S": "texts", "U": "texts"}


@dataclass(frozen=True)
class Assignment:
    """One weight of a layer and the array that it gets."""

    layer: Weighted
    weight: Weight
    stored: Stored

    @property
    def dtype(self) -> torch.dtype:
        """That of the weight."""
        dtype: torch.dtype = getattr(self.layer, self.weight.name).dtype
        return dtype

    def put(self, value: Tensor) -> None:
        """Give the weight its value, in PyTorch's layout: a new one becomes this very tensor."""
        name, tensor = self.weight.name, getattr(self.layer, self.weight.name)
        self.layer._keras_shapes[name] = tuple(self.stored.shape)
        if is_lazy(tensor):
            tensor.materialize(value.shape)
            if tensor.device == value.device:
                tensor.data = value
                return
        elif tensor.is_meta:
            is_parameter = isinstance(tensor, nn.Parameter)
            setattr(self.layer, name, nn.Parameter(value, tensor.requires_grad) if is_parameter else value)
            return
        with torch.no_grad():
            tensor.copy_(value)


def fill(assignments: Iterable[Assignment], source: Source) -> None:
    """Give each weight its array in a file.

    Raises: FileError that lists every array of a wrong shape, or says what is damaged; nothing is changed then.
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
        raise FileError(source.name, "weights do not fit the model:" + "".join(f"\n  {line}" for line in wrong))
    # All is read before the first weight changes: a file that turns out to be damaged leaves a model as it was.
    values = read_values([(given.weight.layout, given.stored, given.dtype) for given in assignments], source)
    source.verify()
    for given, value in zip(assignments, values, strict=True):
        given.put(value)
