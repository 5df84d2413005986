"""Scale and shift, and the dtype, that normalization layers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import Layer

HALF = (torch.float16, torch.bfloat16)


class _Scaled(Layer):
    """Base of the layers that normalize, then scale by `weight` (Keras's gamma) and shift by `bias` (beta)."""

    supports_masking = True
    weight: Tensor | None
    bias: Tensor | None

    def _declare_scale_and_shift(self, center: bool, scale: bool, given: dict[str, Any]) -> None:
        self.center, self.scale = center, scale
        for name, keras_name, wanted in (("weight", "gamma", scale), ("bias", "beta", center)):
            self.declare(name, "... -> ...", keras_name, keras_name, given, wanted)

    def _sizes(self, shape: Sequence[int]) -> dict[str, Sequence[int]]:
        """Return `shape` for those of `weight` and `bias` that there are."""
        return {name: shape for name in ("weight", "bias") if name in self._specs}

    def _checked_axis(self, axis: int, shape: Sequence[int | None]) -> tuple[int, int]:
        """Return an axis of an input counted from 0, and its size. Raises: ValueError if there is none or it's unknown."""
        rank = len(shape)
        if not -rank <= axis < rank:
            raise ValueError(
                f"{type(self).__name__}: axis={axis} is outside of an input of shape {tuple(shape)}, "
                f"allowed are {-rank} to {rank - 1}"
            )
        size = shape[axis]
        if size is None:
            raise ValueError(
                f"{type(self).__name__}: axis={axis} has no known size in an input of shape {tuple(shape)}, weights need one"
            )
        return axis % rank, size

    def _number(self, argument: str, value: Any) -> float:
        """Return an argument as a float. Raises: ValueError if it can't be one."""
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not a number") from None


def wide(x: Tensor) -> Tensor:
    """Return a tensor in the dtype that Keras normalizes it in: float32, or float64 if that is its own."""
    return x if x.dtype is torch.float32 or x.dtype is torch.float64 else x.float()


def in_dtype(weight: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return a weight in the dtype of the computation, None if there is none."""
    return weight if weight is None or weight.dtype is dtype else weight.to(dtype)


def for_kernel(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return an input and its weights in dtypes that torch's kernels compute in float32 at least, as Keras does.

    A half-precision input goes with weights of its own dtype, on the CPU with float32 ones too: no copy is made then.
    """
    dtypes = {w.dtype for w in (weight, bias) if w is not None}
    if x.dtype in HALF and (dtypes <= {x.dtype} or (x.is_cpu and dtypes == {torch.float32})):
        return x, weight, bias
    x = wide(x)
    return x, in_dtype(weight, x.dtype), in_dtype(bias, x.dtype)
