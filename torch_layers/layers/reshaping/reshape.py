"""Reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer


class Reshape(Layer):
    """Give the axes after the batch the sizes `target_shape`, of which one may be -1: whatever is left over.

    Shape: (batch, *sizes) -> (batch, *target_shape).
    Raises: ValueError if `target_shape` has a size that is no int of at least -1, two of -1, or -1 beside 0; for a
    scalar input and one whose sizes have another product.
    Source: keras.layers.Reshape, Keras 3.15.
    """

    input_spec = InputSpec(min_ndim=1)

    def __init__(self, target_shape: Sequence[int | None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(target_shape, (list, tuple)):
            raise ValueError(f"Reshape: target_shape={target_shape!r} is not a tuple of sizes")
        self.target_shape = tuple(target_shape)
        # Keras takes None for -1.
        sizes = [-1 if size is None else size for size in self.target_shape]
        if not all(isinstance(size, int) and size >= -1 for size in sizes) or sizes.count(-1) > 1:
            raise ValueError(f"Reshape: target_shape={target_shape!r} is not of sizes of at least 0 and one -1 at most")
        self._free = sizes.index(-1) if -1 in sizes else None
        self._sizes, self._product = sizes, math.prod(size for size in sizes if size != -1)
        if self._free is not None and self._product == 0:
            raise ValueError(f"Reshape: target_shape={target_shape!r} has a size of 0, beside which -1 can be any size")

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        if None in shape[1:]:
            return
        size = math.prod(shape[1:])
        if size != self._product if self._free is None else size % self._product:
            raise ValueError(
                f"Reshape: target_shape={self.target_shape!r} does not fit an input of shape {tuple(shape)}, "
                f"which has {size} elements per sample"
            )

    def forward(self, x: Tensor) -> Tensor:
        batch = x.shape[0]
        if batch:
            return x.reshape(batch, *self._sizes)
        # torch would let any sizes pass in an empty batch, but for -1.
        self.check_input(x.shape)
        sizes = [math.prod(x.shape[1:]) // self._product if size == -1 else size for size in self._sizes]
        return x.reshape(0, *sizes)
