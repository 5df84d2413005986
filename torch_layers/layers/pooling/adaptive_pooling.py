"""AdaptiveMaxPooling and AdaptiveAveragePooling, along one, two or three axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.arguments import positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import as_given, channels_first, checked_data_format


class _AdaptivePooling(Layer):
    """Base of the layers whose output has a given size."""

    rank: ClassVar[int]
    pools: ClassVar[Sequence[Callable[..., Tensor]]]

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = positive_ints(self, "output_size", output_size, self.rank)
        self.data_format = checked_data_format(self, data_format)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.pools[self.rank - 1](channels_first(x, self.data_format), self.output_size)
        return as_given(y, self.data_format)


class _AdaptiveMaxPooling(_AdaptivePooling):
    """Base of AdaptiveMaxPooling1D, AdaptiveMaxPooling2D and AdaptiveMaxPooling3D."""

    pools = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)


class _AdaptiveAveragePooling(_AdaptivePooling):
    """Base of AdaptiveAveragePooling1D, AdaptiveAveragePooling2D and AdaptiveAveragePooling3D."""

    pools = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The largest value of each of `output_size` windows along the steps: window i of n goes from
    floor(i * size / n) up to ceil((i + 1) * size / n).

    Shape: (batch, steps, channels) -> (batch, *output_size, channels).
    Raises: ValueError for an `output_size` that is not of positive ints and an unknown `data_format`.
    Source: keras.layers.AdaptiveMaxPooling1D, Keras 3.15.
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """The largest value of each of `output_size` windows along height and width: window i of n goes from
    floor(i * size / n) up to ceil((i + 1) * size / n).

    Shape: (batch, height, width, channels) -> (batch, *output_size, channels).
    Raises: ValueError for an `output_size` that is not of positive ints and an unknown `data_format`.
    Source: keras.layers.AdaptiveMaxPooling2D, Keras 3.15.
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """The largest value of each of `output_size` windows along depth, height and width: window i of n goes from
    floor(i * size / n) up to ceil((i + 1) * size / n).

    Shape: (batch, depth, height, width, channels) -> (batch, *output_size, channels).
    Raises: ValueError for an `output_size` that is not of positive ints and an unknown `data_format`.
    Source: keras.layers.AdaptiveMaxPooling3D, Keras 3.15.
    """

    rank = 3


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows along the steps: window i of n goes from
    floor(i * size / n) up to ceil((i + 1) * size / n).

    Shape: (batch, steps, channels) -> (batch, *output_size, channels).
    Raises: ValueError for an `output_size` that is not of positive ints and an unknown `data_format`.
    Source: keras.layers.AdaptiveAveragePooling1D, Keras 3.15.
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows along height and width: window i of n goes from
    floor(i * size / n) up to ceil((i + 1) * size / n).

    Shape: (batch, height, width, channels) -> (batch, *output_size, channels).
    Raises: ValueError for an `output_size` that is not of positive ints and an unknown `data_format`.
    Source: keras.layers.AdaptiveAveragePooling2D, Keras 3.15.
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows along depth, height and width: window i of n goes from
    floor(i * size / n) up to ceil((i + 1) * size / n).

    Shape: (batch, depth, height, width, channels) -> (batch, *output_size, channels).
    Raises: ValueError for an `output_size` that is not of positive ints and an unknown `data_format`.
    Source: keras.layers.AdaptiveAveragePooling3D, Keras 3.15.
    """

    rank = 3
