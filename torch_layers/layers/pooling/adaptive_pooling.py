"""AdaptiveMaxPooling and AdaptiveAveragePooling, along one, two or three axes."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.arguments import positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import as_given, channels_first, checked_data_format
from torch_layers.layers.pooling.volumes import along_depth, along_planes


class _AdaptivePooling(Layer):
    """Base of the layers whose output has a given size."""

    rank: ClassVar[int]

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = positive_ints(self, "output_size", output_size, self.rank)
        self.data_format = checked_data_format(self, data_format)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        if 0 in shape[1:]:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(shape)} is empty, which only a batch may be"
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.rank == 3:
            return self._pool_volume(x)
        x, size = channels_first(x, self.data_format), self.output_size
        if self.rank == 2:
            return as_given(self._pool_image(x, size), self.data_format)
        # The kernel for images keeps the channels where they are, the one for sequences does not.
        return as_given(self._pool(x.unsqueeze(2), (1, *size)).squeeze(2), self.data_format)

    def _pool(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        raise NotImplementedError

    def _pool_image(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        return self._pool(x, size)

    def _pool_volume(self, x: Tensor) -> Tensor:
        size = self.output_size
        x = along_planes(x, lambda image: self._pool(image, size[1:]), self.data_format)
        return along_depth(x, lambda image: self._pool(image, (size[0], image.shape[3])), self.data_format)


class _AdaptiveMaxPooling(_AdaptivePooling):
    """Base of AdaptiveMaxPooling1D, AdaptiveMaxPooling2D and AdaptiveMaxPooling3D.

    Keras pools axis by axis, the first one first, which decides where the gradient of equal values goes, and that alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        # torch's kernel takes no integers.
        return super().forward(x) if x.is_floating_point() else super().forward(x.double()).to(x.dtype)

    def _pool(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        return F.adaptive_max_pool2d(x, size)

    def _pool_image(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        if torch.is_grad_enabled():
            x = self._pool(x, (size[0], x.shape[3]))
        return self._pool(x, size)

    def _pool_volume(self, x: Tensor) -> Tensor:
        size = self.output_size
        x = along_depth(x, lambda image: self._pool(image, (size[0], image.shape[3])), self.data_format)
        return along_planes(x, lambda image: self._pool_image(image, size[1:]), self.data_format)


class _AdaptiveAveragePooling(_AdaptivePooling):
    """Base of AdaptiveAveragePooling1D, AdaptiveAveragePooling2D and AdaptiveAveragePooling3D."""

    takes_integers = False

    def _pool(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        return F.adaptive_avg_pool2d(x, (size[0], size[1]))


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
