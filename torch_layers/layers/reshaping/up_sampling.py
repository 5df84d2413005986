"""UpSampling1D, UpSampling2D and UpSampling3D."""

from __future__ import annotations

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.arguments import one_of, positive_int, positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import as_given, channels_first, checked_data_format
from torch_layers.layers.interpolation import INTERPOLATIONS, check_pixels, resize


def _repeated(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Repeat each element of the axes after the second; x is channels_first."""
    if x.is_floating_point() and 0 not in x.shape[1:]:
        # "nearest" multiplies by 1 / factor in float32: 41 is the first for which element 41 comes from place 0.99999994.
        mode = "nearest" if max(size) < 41 else "nearest-exact"
        return F.interpolate(x, [n * f for n, f in zip(x.shape[2:], size, strict=True)], mode=mode)
    for axis, factor in enumerate(size, 2):
        x = x.repeat_interleave(factor, axis)
    return x


class _UpSampling(Layer):
    rank: ClassVar[int]
    size: tuple[int, ...]

    def __init__(self, size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive_ints(self, "size", size, self.rank)
        self.data_format = checked_data_format(self, data_format)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)

    def forward(self, x: Tensor) -> Tensor:
        return as_given(_repeated(channels_first(x, self.data_format), self.size), self.data_format)


class UpSampling1D(Layer):
    """Repeat each step `size` times.

    Shape: (batch, steps, features) -> (batch, steps * size, features).
    Raises: ValueError if `size` is not a positive int, or for an input of another rank.
    Source: keras.layers.UpSampling1D, Keras 3.15.
    """

    input_spec = InputSpec(min_ndim=3, max_ndim=3)

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive_int(self, "size", size)

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat_interleave(self.size, 1)


class UpSampling2D(_UpSampling):
    """Enlarge the rows and columns of images `size` times: repeat them ("nearest"), or interpolate between them.

    Shape: (batch, rows, columns, channels) -> (batch, rows * size[0], columns * size[1], channels); with
    "channels_first", channels stand on axis 1.
    Raises: ValueError if `size` is not a positive int or two, for an unknown `data_format` or `interpolation`, for an input
    of another rank, or without pixels to interpolate between.
    Source: keras.layers.UpSampling2D, Keras 3.15.
    """

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        given = interpolation.lower() if isinstance(interpolation, str) else interpolation
        self.interpolation = one_of(self, "interpolation", given, INTERPOLATIONS)

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        if self.interpolation != "nearest":
            check_pixels(self, shape)

    def forward(self, x: Tensor) -> Tensor:
        if self.interpolation == "nearest":
            return super().forward(x)
        y = channels_first(x, self.data_format)
        height, width = y.shape[2] * self.size[0], y.shape[3] * self.size[1]
        return as_given(resize(y, (height, width), self.interpolation), self.data_format)


class UpSampling3D(_UpSampling):
    """Repeat the planes, rows and columns of volumes `size` times.

    Shape: (batch, planes, rows, columns, channels) -> the same with the three sizes multiplied by `size`; with
    "channels_first", channels stand on axis 1.
    Raises: ValueError if `size` is not a positive int or three, for an unknown `data_format`, for an input of another rank.
    Source: keras.layers.UpSampling3D, Keras 3.15.
    """

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)
