"""Dropout and SpatialDropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import dtypes
from torch_layers.layers.base import InputSpec
from torch_layers.layers.data_format import checked_data_format
from torch_layers.layers.regularization.noise import _Noise, checked_noise_shape, noise_sizes

# On the CPU, F.dropout draws value by value: fewer kernels, but three times slower from some hundred values on.
_FEW = 512


class _Dropping(_Noise):
    """Base of the layers that set values to 0 at a rate of `rate`. As in torch, NaN and infinity become NaN there."""

    rate: float

    def _dropped(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        if self.rate == 1:
            return x * 0
        # In place: 1 where the number is above the rate, else 0. (vmap has no batching rule for `gt_`.)
        factors = self._uniform(sizes, x).sub_(self.rate).ceil_().mul_(1 / (1 - self.rate))
        return x * factors.to(x.dtype)


class Dropout(_Dropping):
    """In training, set values to 0 at a rate of `rate`, and divide the others by 1 - rate; in eval, the identity.

    `noise_shape` says where values are dropped together: along the axes in which it is 1; None is the input's own size.
    Shape: (batch, *) -> the same.
    Raises: ValueError if `rate` is not from 0 to 1, or `noise_shape` not of positive ints and None; at a training call
    if `noise_shape` does not broadcast to the input's shape, or for an input that is not a float.
    Source: keras.layers.Dropout, Keras 3.15.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(rate, seed)
        self.noise_shape = checked_noise_shape(self, noise_shape)

    def noisy(self, x: Tensor) -> Tensor:
        if self.noise_shape is None and self._may_fuse(x):
            return F.dropout(x, self.rate)
        return self._dropped(x, noise_sizes(self, self.noise_shape, x))

    def _may_fuse(self, x: Tensor) -> bool:
        if torch.compiler.is_compiling():
            return x.is_floating_point()
        return self.seed is None and x.is_floating_point() and (x.device.type != "cpu" or x.numel() < _FEW)


class _SpatialDropout(_Dropping):
    """Base of the layers that drop whole channels."""

    config_omits = frozenset({"dtype"})
    rank: ClassVar[int]
    data_format = "channels_last"

    def noisy(self, x: Tensor) -> Tensor:
        ones = (1,) * self.rank
        last = self.data_format == "channels_last"
        return self._dropped(x, (x.shape[0], *ones, x.shape[-1]) if last else (*x.shape[:2], *ones))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "dtype": dtypes.name_of(self.variable_dtype)}
        del config["trainable"]  # as in Keras, whose constructor does not take it
        return config


class SpatialDropout1D(_SpatialDropout):
    """`Dropout` of whole channels of a sequence.

    Shape: (batch, steps, channels) -> the same.
    Raises: ValueError if `rate` is not from 0 to 1; at a training call for an input that is not a float.
    Source: keras.layers.SpatialDropout1D, Keras 3.15.
    """

    rank = 1
    input_spec = InputSpec(min_ndim=3, max_ndim=3)

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._set_noise(rate, seed)


class _SpatialDropoutND(_SpatialDropout):
    """Base of the layers that drop whole channels of images and volumes."""

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._set_noise(rate, seed)
        self.data_format = checked_data_format(self, data_format)


class SpatialDropout2D(_SpatialDropoutND):
    """`Dropout` of whole channels of an image.

    Shape: (batch, height, width, channels) -> the same; with "channels_first", (batch, channels, height, width).
    Raises: ValueError if `rate` is not from 0 to 1, and for an unknown `data_format`; at a training call for an input
    that is not a float.
    Source: keras.layers.SpatialDropout2D, Keras 3.15.
    """

    rank = 2
    input_spec = InputSpec(min_ndim=4, max_ndim=4)


class SpatialDropout3D(_SpatialDropoutND):
    """`Dropout` of whole channels of a volume.

    Shape: (batch, depth, height, width, channels) -> the same; with "channels_first", the channels on axis 1.
    Raises: ValueError if `rate` is not from 0 to 1, and for an unknown `data_format`; at a training call for an input
    that is not a float.
    Source: keras.layers.SpatialDropout3D, Keras 3.15.
    """

    rank = 3
    input_spec = InputSpec(min_ndim=5, max_ndim=5)
