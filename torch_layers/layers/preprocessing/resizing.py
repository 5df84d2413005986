"""Resizing."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.arguments import one_of
from torch_layers.layers.interpolation import INTERPOLATIONS, crop_to_aspect_ratio, pad_to_aspect_ratio, resize
from torch_layers.layers.preprocessing.image import _ToSize


class Resizing(_ToSize):
    """Resize images to `height` x `width`, with half-pixel centres, as TensorFlow does.

    `crop_to_aspect_ratio` first takes the largest window in the middle with the aspect ratio of the output;
    `pad_to_aspect_ratio` first gives the image a border of `fill_value` up to it. `antialias` widens the kernel as much
    as the image shrinks. Integers stay integers: the result is rounded, half to even, and held in their range.
    Shape: (batch, height, width, channels) or (height, width, channels) -> the same with the new sizes;
    "channels_first": (batch, channels, height, width) or (channels, height, width).
    Raises: ValueError for sizes that are not positive, an unknown `interpolation`, `fill_mode` or `data_format`, a
    `fill_value` that is not a number, both ways to keep the aspect ratio at once, any `factor`, an input of another rank or
    of no pixels.
    Source: keras.layers.Resizing, Keras 3.15.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        factor: None = None,
        bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_size(height, width, data_format, factor, bounding_box_format)
        self.interpolation = one_of(self, "interpolation", interpolation, INTERPOLATIONS)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio are both True, allowed is one")
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode = one_of(self, "fill_mode", fill_mode, ("constant",))
        if isinstance(fill_value, bool) or not isinstance(fill_value, (int, float)):
            raise ValueError(f"Resizing: fill_value={fill_value!r} is not a number")
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def forward(self, x: Tensor) -> Tensor:
        last = self.data_format == "channels_last"
        y = x.movedim(-1, -3) if last else x
        if self.crop_to_aspect_ratio:
            y = crop_to_aspect_ratio(y, self._size)
        elif self.pad_to_aspect_ratio:
            y = pad_to_aspect_ratio(y, self._size, self.fill_value)
        y = resize(y, self._size, self.interpolation, self.antialias)
        return y.movedim(-3, -1) if last else y
