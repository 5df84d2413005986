"""GlobalMaxPooling and GlobalAveragePooling, over one, two or three axes."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format


class _GlobalPooling(Layer):
    """Base of the layers that pool all of `rank` axes."""

    rank: ClassVar[int]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format, self.keepdims = checked_data_format(self, data_format), keepdims
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        first = 1 if self.data_format == "channels_last" else 2
        self._axes = tuple(range(first, first + self.rank))


class _GlobalMaxPooling(_GlobalPooling):
    """Base of GlobalMaxPooling1D, GlobalMaxPooling2D and GlobalMaxPooling3D."""

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        if 0 in (shape[axis] for axis in self._axes):
            raise ValueError(f"{type(self).__name__}: input of shape {tuple(shape)} has nothing to take the maximum of")

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self._axes, self.keepdims)


class _GlobalAveragePooling(_GlobalPooling):
    """Base of GlobalAveragePooling1D, GlobalAveragePooling2D and GlobalAveragePooling3D."""

    def forward(self, x: Tensor) -> Tensor:
        x = x if x.is_floating_point() else x.float()  # whatever the layer's dtype is, as Keras does
        return x.mean(self._axes, self.keepdims)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest value of each channel over the steps.

    Shape: (batch, steps, channels) -> (batch, channels); with `keepdims`, sizes of 1 stay.
    Raises: ValueError for an unknown `data_format` and an input of another rank.
    Source: keras.layers.GlobalMaxPooling1D, Keras 3.15.
    """

    rank = 1
    aliases = ("GlobalMaxPool1D",)


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest value of each channel over height and width.

    Shape: (batch, height, width, channels) -> (batch, channels); with `keepdims`, sizes of 1 stay.
    Raises: ValueError for an unknown `data_format` and an input of another rank.
    Source: keras.layers.GlobalMaxPooling2D, Keras 3.15.
    """

    rank = 2
    aliases = ("GlobalMaxPool2D",)


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest value of each channel over depth, height and width.

    Shape: (batch, depth, height, width, channels) -> (batch, channels); with `keepdims`, sizes of 1 stay.
    Raises: ValueError for an unknown `data_format` and an input of another rank.
    Source: keras.layers.GlobalMaxPooling3D, Keras 3.15.
    """

    rank = 3
    aliases = ("GlobalMaxPool3D",)


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel over the steps; of the steps that a `mask` (batch, steps) keeps, if there is one.

    Shape: (batch, steps, channels) -> (batch, channels); with `keepdims`, sizes of 1 stay.
    Raises: ValueError for an unknown `data_format` and an input of another rank.
    Source: keras.layers.GlobalAveragePooling1D, Keras 3.15.
    """

    rank = 1
    aliases = ("GlobalAvgPool1D",)
    supports_masking = True

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().forward(x)
        if not x.is_floating_point():
            x = x.double()  # as TensorFlow divides integers
        mask = mask.bool().unsqueeze(2 if self.data_format == "channels_last" else 1)
        total = x.where(mask, 0).sum(self._axes, self.keepdims)
        return total / mask.to(x.dtype).sum(self._axes, self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return None: no steps are left to be masked."""


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel over height and width.

    Shape: (batch, height, width, channels) -> (batch, channels); with `keepdims`, sizes of 1 stay.
    Raises: ValueError for an unknown `data_format` and an input of another rank.
    Source: keras.layers.GlobalAveragePooling2D, Keras 3.15.
    """

    rank = 2
    aliases = ("GlobalAvgPool2D",)


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel over depth, height and width.

    Shape: (batch, depth, height, width, channels) -> (batch, channels); with `keepdims`, sizes of 1 stay.
    Raises: ValueError for an unknown `data_format` and an input of another rank.
    Source: keras.layers.GlobalAveragePooling3D, Keras 3.15.
    """

    rank = 3
    aliases = ("GlobalAvgPool3D",)
