"""Dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.merging.merge import Shape, _listed, _Merge
from torch_layers.registry import layer_functions

# Keras divides by no smaller norm (keras.config.epsilon()).
_EPSILON = 1e-7


class Dot(_Merge):
    """Sum of products of two tensors along one axis of each, for each sample: `axes` is one int for both, or a pair.

    With `normalize`, both are divided by their norm along these axes first: y is the cosine of their angle.
    Shape: [(batch, *a, n, *b), (batch, *c, n, *d)] -> (batch, *a, *b, *c, *d), or (batch, 1) where nothing is left.
    Raises: ValueError if `axes` is neither an int nor two, or names the batch axis; if the input is not two tensors of
    rank 2 or more with one batch size and one size in `axes`.
    Source: keras.layers.Dot, Keras 3.15.
    """

    supports_masking = True

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(f"Dot: axes={axes!r} is neither an int nor two of them")
        if 0 in pair:
            raise ValueError(f"Dot: axes={axes!r} names axis 0, the batch axis; allowed are all others")
        self.axes, self.normalize = axes, normalize
        self._first: int = pair[0]
        self._second: int = pair[1]

    def check_shapes(self, shapes: Sequence[Shape]) -> None:
        self._check_listed(shapes)
        if len(shapes) != 2:
            raise ValueError(f"Dot: inputs has {len(shapes)} tensors, allowed is 2")
        for shape, axis in zip(shapes, (self._first, self._second), strict=True):
            rank = len(shape)
            if rank < 2 or not 0 < axis % rank == (axis if axis > 0 else axis + rank):
                raise ValueError(
                    f"Dot: inputs of shapes {_listed(shapes)} don't both have rank 2 or more and axes={self.axes!r}, "
                    "behind the batch axis"
                )
        first, second = shapes
        a, b = first[self._first], second[self._second]
        if None not in (a, b) and a != b:
            raise ValueError(f"Dot: inputs of shapes {_listed(shapes)} have sizes {a} and {b} in axes={self.axes!r}")
        if None not in (first[0], second[0]) and first[0] != second[0]:
            raise ValueError(f"Dot: inputs of shapes {_listed(shapes)} have different batch sizes")

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        a, b = inputs
        if self.normalize:
            a, b = F.normalize(a, dim=self._first, eps=_EPSILON), F.normalize(b, dim=self._second, eps=_EPSILON)
        if a.dtype is not b.dtype or not a.is_floating_point():
            return self._of_integers(a, b)
        return _batch_dot(a, b, self._first, self._second)

    def _of_integers(self, a: Tensor, b: Tensor) -> Tensor:
        result = torch.promote_types(a.dtype, b.dtype)
        # Keras multiplies integers as floats.
        inner = result if result.is_floating_point else torch.get_default_dtype()
        return _batch_dot(a.to(inner), b.to(inner), self._first, self._second).to(result)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return None: masks stop here."""


def _batch_dot(a: Tensor, b: Tensor, first: int, second: int) -> Tensor:
    if a.ndim == b.ndim == 2:
        return (a * b).sum(1, keepdim=True)
    if first not in (-1, a.ndim - 1):
        a = a.movedim(first, -1)
    if second not in (1, 1 - b.ndim):
        b = b.movedim(second, 1)
    if a.ndim == b.ndim == 3:
        return torch.bmm(a, b)
    left, right = a.shape[1:-1], b.shape[2:]
    # One axis for all that is left of each, even if it is nothing.
    a = a.flatten(1, -2) if left else a.unsqueeze(1)
    b = b.flatten(2) if right else b.unsqueeze(2)
    return torch.bmm(a, b).reshape(a.shape[0], *left, *right)


@layer_functions.add
def dot(inputs: Sequence[Tensor], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """Return `Dot(axes, **kwargs)(inputs)`. Source: keras.layers.dot, Keras 3.15."""
    return Dot(axes=axes, **kwargs)(inputs)
