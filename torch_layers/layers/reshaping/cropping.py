"""Cropping1D, Cropping2D, Cropping3D."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format
from torch_layers.layers.reshaping.edges import edges
from torch_layers.layers.slicing import part_of


class _Cropping(Layer):
    """Base of the layers that take off the edges of `rank` axes."""

    rank: ClassVar[int]
    data_format = "channels_last"

    def _set_edges(self, cropping: Any) -> None:
        pairs = edges(self, "cropping", cropping, self.rank)
        self.cropping: Any = pairs[0] if self.rank == 1 else pairs
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        self._first = 1 if self.data_format == "channels_last" else 2
        self._pairs = pairs
        kept = (slice(before, -after if after else None) for before, after in pairs)
        self._kept = (..., *kept, *[slice(None)] * (2 - self._first))

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        sizes = shape[self._first : self._first + self.rank]
        if any(size is not None and size <= sum(pair) for size, pair in zip(sizes, self._pairs, strict=True)):
            raise ValueError(
                f"{type(self).__name__}: cropping={self.cropping} leaves nothing of an input of shape {tuple(shape)}"
            )

    def forward(self, x: Tensor) -> Tensor:
        y = part_of(x, self._kept)
        if not y.numel():
            self.check_input(x.shape)
        return y


class Cropping1D(_Cropping):
    """Take off `cropping` steps (an int, or before and after) at the ends of a sequence.

    Shape: (batch, steps, features) -> (batch, steps - before - after, features).
    Raises: ValueError if `cropping` is negative or of another form, or leaves nothing of the input.
    Source: keras.layers.Cropping1D, Keras 3.15.
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_edges(cropping)


class Cropping2D(_Cropping):
    """Take off `cropping` (an int, or for height and width an int or a pair) at the edges of an image.

    Shape: (batch, height, width, channels) -> the same with smaller sizes; "channels_first": the channels on axis 1.
    Raises: ValueError if `cropping` is negative or of another form, or leaves nothing of the input, and for an unknown
    `data_format`.
    Source: keras.layers.Cropping2D, Keras 3.15.
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self, data_format)
        self._set_edges(cropping)


class Cropping3D(_Cropping):
    """Take off `cropping` (an int, or for each axis an int or a pair) at the edges of a volume.

    Shape: (batch, depth, height, width, channels) -> the same with smaller sizes; "channels_first": the channels on axis 1.
    Raises: ValueError if `cropping` is negative or of another form, or leaves nothing of the input, and for an unknown
    `data_format`.
    Source: keras.layers.Cropping3D, Keras 3.15.
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self, data_format)
        self._set_edges(cropping)
