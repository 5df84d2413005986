"""What the normalization layers with `gamma` and `beta` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers import constraints, initializers, regularizers
from torch_layers.layers.base import Layer


class _Scaled(Layer):
    """Base of the layers that normalize, then scale by `weight` (Keras's gamma) and shift by `bias` (beta)."""

    supports_masking = True
    takes_integers = False
    weight: Tensor | None
    bias: Tensor | None

    def _declare_scale_and_shift(self, center: bool, scale: bool, given: dict[str, Any]) -> None:
        self.center, self.scale = center, scale
        for name, keras_name, wanted in (("weight", "gamma", scale), ("bias", "beta", center)):
            parts: dict[str, Any] = {
                "initializer": initializers.get(given[f"{keras_name}_initializer"]),
                "regularizer": regularizers.get(given[f"{keras_name}_regularizer"]),
                "constraint": constraints.get(given[f"{keras_name}_constraint"]),
            }
            for kind, part in parts.items():
                setattr(self, f"{keras_name}_{kind}", part)
            if wanted:
                self.add_weight(name, keras_name=keras_name, **parts)
            else:
                setattr(self, name, None)

    def _sizes(self, shape: Sequence[int]) -> dict[str, Sequence[int]]:
        """Return `shape` for those of `weight` and `bias` that there are."""
        return {name: shape for name in ("weight", "bias") if name in self._specs}

    def _checked_axis(self, axis: int, shape: Sequence[int | None]) -> int:
        """Return an axis of an input counted from 0. Raises: ValueError if there is none or its size is unknown."""
        if not -len(shape) <= axis < len(shape):
            raise ValueError(f"{type(self).__name__}: axis={axis} is outside of an input of shape {tuple(shape)}")
        if shape[axis] is None:
            raise ValueError(f"{type(self).__name__}: input of shape {tuple(shape)} has no known size in axis {axis}")
        return axis % len(shape)


def wide(x: Tensor) -> Tensor:
    """Return a tensor in float32 at least: statistics of half precision overflow."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def wide_or_none(weight: Tensor | None, like: Tensor) -> Tensor | None:
    """Return a weight in the dtype of the computation, None if there is none."""
    return weight if weight is None or weight.dtype is like.dtype else weight.to(like.dtype)
