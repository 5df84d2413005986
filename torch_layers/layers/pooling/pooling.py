"""MaxPooling and AveragePooling, along one, two or three axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.arguments import one_of, positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import as_given, channels_first, checked_data_format
from torch_layers.layers.pooling.volumes import along_depth, along_planes
from torch_layers.layers.windows import same_padding


class _Pooling(Layer):
    """Base of the layers that pool windows."""

    rank: ClassVar[int]

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = positive_ints(self, "pool_size", pool_size, self.rank)
        self.strides = positive_ints(self, "strides", pool_size if strides is None else strides, self.rank)
        one_of(self, "padding", padding.lower() if isinstance(padding, str) else padding, ("valid", "same"))
        self.padding: Any = padding
        self.data_format = checked_data_format(self, data_format)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        self._same = padding.lower() == "same"
        self._margin: int | list[int] = 0

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        sizes = shape[1:-1] if self.data_format == "channels_last" else shape[2:]
        small = any(n is not None and n < size for n, size in zip(sizes, self.pool_size, strict=True))
        if small and not self._same and not self._margin:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(shape)} is smaller than pool_size={self.pool_size}: with "
                "padding='valid' nothing is left"
            )
        if 0 in shape[1:]:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(shape)} is empty, which only a batch may be"
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.rank > 1:
            x = channels_first(x, self.data_format)
            return as_given(self._pool(x, self.pool_size, self.strides), self.data_format)
        # The kernel for images is quicker than the one for sequences, and alone keeps the channels where they are.
        x = channels_first(x, self.data_format).unsqueeze(2)
        y = self._pool(x, (1, *self.pool_size), (1, *self.strides))
        return as_given(y.squeeze(2), self.data_format)

    def _pool(self, x: Tensor, size: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
        if not self._same:
            return self._windows(x, size, strides, self._margin, False)
        # torch pads both sides alike. Where Keras pads one more at the end, windows that reach over the end (ceil_mode)
        # do the same; with stride 1, where they would not, one more at the start does, and the first output is dropped.
        padding: list[int] = []
        drops: list[int] = []
        ceil_mode = False
        for axis, (n, k, stride) in enumerate(zip(x.shape[2:], size, strides, strict=True), 2):
            before, after = same_padding(n, k, stride, 1)
            if before < after and stride == 1:
                before = after
                drops.append(axis)
            ceil_mode = ceil_mode or before < after
            padding.append(before)
        y = self._windows(x, size, strides, padding, ceil_mode)
        for axis in drops:
            y = y.narrow(axis, 1, y.shape[axis] - 1)
        return y

    def _windows(self, x: Tensor, size: Any, strides: Any, padding: Any, ceil_mode: bool) -> Tensor:
        raise NotImplementedError


class _MaxPooling(_Pooling):
    """Base of MaxPooling1D, MaxPooling2D and MaxPooling3D."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def widen(self, margin: Sequence[int]) -> None:
        """Let windows reach so far over both ends of each axis, where nothing counts, instead of `padding`."""
        self.padding, self._margin = tuple(margin), list(margin)

    def _windows(self, x: Tensor, size: Any, strides: Any, padding: Any, ceil_mode: bool) -> Tensor:
        pool = torch.max_pool2d if x.ndim == 4 else torch.max_pool3d
        return pool(x, size, strides, padding, 1, ceil_mode)


class _AveragePooling(_Pooling):
    """Base of AveragePooling1D, AveragePooling2D and AveragePooling3D."""

    takes_integers = False

    def forward(self, x: Tensor) -> Tensor:
        if self.rank < 3:
            return super().forward(x)
        size, strides = self.pool_size, self.strides
        x = along_planes(x, lambda image: self._pool(image, size[1:], strides[1:]), self.data_format)
        return along_depth(x, lambda image: self._pool(image, (size[0], 1), (strides[0], 1)), self.data_format)

    def _windows(self, x: Tensor, size: Any, strides: Any, padding: Any, ceil_mode: bool) -> Tensor:
        return F.avg_pool2d(x, size, strides, padding, ceil_mode, count_include_pad=False)


class MaxPooling1D(_MaxPooling):
    """The largest value of each window along one axis.

    Shape: (batch, steps, channels) -> (batch, new_steps, channels), with `data_format="channels_first"` the channels on
    axis 1; new_steps is ceil(steps / strides) with padding "same", floor((steps - pool_size) / strides) + 1 with "valid".
    Raises: ValueError for an argument that is out of its range, an unknown `padding`, and an input smaller than
    `pool_size` with padding "valid".
    Source: keras.layers.MaxPooling1D, Keras 3.15.
    """

    rank = 1
    aliases = ("MaxPool1D",)


class MaxPooling2D(_MaxPooling):
    """The largest value of each window along two axes.

    Shape: (batch, height, width, channels) -> (batch, new_height, new_width, channels), sizes as of `MaxPooling1D`.
    Raises: ValueError as `MaxPooling1D`.
    Source: keras.layers.MaxPooling2D, Keras 3.15.
    """

    rank = 2
    aliases = ("MaxPool2D",)


class MaxPooling3D(_MaxPooling):
    """The largest value of each window along three axes.

    Shape: (batch, depth, height, width, channels) -> (batch, new sizes, channels), sizes as of `MaxPooling1D`.
    Raises: ValueError as `MaxPooling1D`.
    Source: keras.layers.MaxPooling3D, Keras 3.15.
    """

    rank = 3
    aliases = ("MaxPool3D",)


class AveragePooling1D(_AveragePooling):
    """The mean of each window along one axis; what is padded does not count.

    Shape: as `MaxPooling1D`. Raises: ValueError as `MaxPooling1D`.
    Source: keras.layers.AveragePooling1D, Keras 3.15.
    """

    rank = 1
    aliases = ("AvgPool1D",)


class AveragePooling2D(_AveragePooling):
    """The mean of each window along two axes; what is padded does not count.

    Shape: as `MaxPooling2D`. Raises: ValueError as `MaxPooling1D`.
    Source: keras.layers.AveragePooling2D, Keras 3.15.
    """

    rank = 2
    aliases = ("AvgPool2D",)


class AveragePooling3D(_AveragePooling):
    """The mean of each window along three axes; what is padded does not count.

    Shape: as `MaxPooling3D`. Raises: ValueError as `MaxPooling1D`.
    Source: keras.layers.AveragePooling3D, Keras 3.15.
    """

    rank = 3
    aliases = ("AvgPool3D",)
