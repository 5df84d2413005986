"""Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.base import Layer


class Softmax(Layer):
    """y = exp(x) / sum(exp(x)), summed over `axis`: one axis, several together, or None for all.

    Elements that `mask` leaves out (False, or not above 0.5) give 0. They count as -1e9, -3e4 in float16, not as
    -infinity: where all are left out, all are 0.

    Shape: any -> the same; `mask` is as large as the input in its last axes, or 1.
    Raises: ValueError if `axis` is neither ints nor None, or names an axis twice or one that the input lacks; for a
    mask of another shape.
    Source: keras.layers.Softmax, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False

    def __init__(self, axis: int | Sequence[int] | None = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = axis if isinstance(axis, (list, tuple)) else () if axis is None else (axis,)
        if not all(isinstance(a, int) for a in axes) or (not axes and axis is not None):
            raise ValueError(f"Softmax: axis={axis!r} is neither an int, a list of ints, nor None")
        self.axis, self._axes = axis, tuple(axes)
        # One axis, be it in a list, has a kernel of its own.
        self._over = axes[0] if len(axes) == 1 else axis

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        rank = len(shape)
        axes = [axis % rank for axis in self._axes if -rank <= axis < rank]
        if len(set(axes)) != len(self._axes):
            raise ValueError(
                f"Softmax: axis={self.axis!r} names an axis twice or one that an input of shape {tuple(shape)} lacks"
            )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return activations.softmax(x, self._over)
        if mask.ndim > x.ndim or any(m not in (1, n) for m, n in zip(mask.shape[::-1], x.shape[::-1], strict=False)):
            raise ValueError(
                f"Softmax: mask of shape {tuple(mask.shape)} does not fit an input of shape {tuple(x.shape)}: its "
                "axes, the last first, must be as large as the input's, or 1"
            )
        hidden = ~mask if mask.dtype is torch.bool else ~(mask > 0.5)
        x = x.masked_fill(hidden, -3e4 if x.dtype is torch.float16 else -1e9)
        return activations.softmax(x, self._over).masked_fill(hidden, 0.0)
