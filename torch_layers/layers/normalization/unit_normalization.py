"""UnitNormalization."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.base import Layer

# The shortest vector that becomes 1 long; shorter ones, and zeros, are multiplied by its inverse.
_SHORTEST = 1e-12


class UnitNormalization(Layer):
    """y = x / |x|, with the Euclidean length over `axis`, an int or a list of them.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `axis` is neither, or outside of the input.
    Source: keras.layers.UnitNormalization, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise ValueError(f"UnitNormalization: axis={axis!r} is neither an int nor a list of ints")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis

    def check_input(self, shape: Any) -> None:
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        if not all(-len(shape) <= axis < len(shape) for axis in axes):
            raise ValueError(f"UnitNormalization: axis={self.axis!r} is outside of an input of shape {tuple(shape)}")

    def forward(self, x: Tensor) -> Tensor:
        inverse = x.square().sum(self.axis, keepdim=True).rsqrt()
        return x * inverse.clamp(max=1 / _SHORTEST)
