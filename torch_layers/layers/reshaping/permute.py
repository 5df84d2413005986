"""Permute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer


class Permute(Layer):
    """Put the axes after the batch, which count from 1, into the order `dims`.

    Shape: (batch, *sizes) -> (batch, *sizes in the order dims); a view.
    Raises: ValueError if `dims` is not the numbers from 1 to its length, or for an input of another rank.
    Source: keras.layers.Permute, Keras 3.15.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(dims, (list, tuple)):
            raise ValueError(f"Permute: dims={dims!r} is not a tuple of ints")
        self.dims = tuple(dims)
        rank = len(self.dims) + 1
        if not all(isinstance(dim, int) for dim in self.dims) or sorted(self.dims) != list(range(1, rank)):
            raise ValueError(f"Permute: dims={dims!r} is not the numbers from 1 to {rank - 1} in any order")
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank)
        self._order = (0, *self.dims)

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(*self._order)
