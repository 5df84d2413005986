"""UnitNormalization."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.normalization.axes import _OverAxes

# The shortest vector that becomes 1 long; shorter ones, and zeros, are divided by this instead.
_SHORTEST = 1e-12
# In float16 that would be 0, and Keras's result NaN; the inverse of this one is finite.
_SHORTEST_FLOAT16 = 2.0**-15


class UnitNormalization(_OverAxes):
    """y = x / |x|, with the Euclidean length over `axis`, an int or a list of them. Zeros stay zeros.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `axis` is neither, is outside of the input or names an axis twice.
    Source: keras.layers.UnitNormalization, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_axis(axis)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, 2.0, self.axis, _SHORTEST_FLOAT16 if x.dtype is torch.float16 else _SHORTEST)
