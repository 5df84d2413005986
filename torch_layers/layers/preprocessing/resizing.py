"""Resizing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.arguments import one_of
from torch_layers.layers.interpolation import INTERPOLATIONS, crop_to_aspect_ratio, pad_to_aspect_ratio, resize
from torch_layers.layers.preprocessing.image import _ToSize


class Resizing(_ToSize):
    """Resize images to `height` x `width`, with half-pixel centres, as TensorFlow does.

    `crop_to_aspect_ratio` first takes the largest window in the middle with the aspect ratio of the output;
    `pad_to_aspect_ratio` first gives the image a border of `fill_value` up to it. `antialias` widens the kernel as much
    as the image shrinks. Integers stay integers: the result is rounded, half to even, and held in their range.
    Of a dict with "images" and what belongs to them, "segmentation_masks" are resized by "nearest", and
    "bounding_boxes", written as `bounding_box_format` says, move with the images; those of 0 or -1 become 0.
    Shape: (batch, height, width, channels) or (height, width, channels) -> the same with the new sizes;
    "channels_first": (batch, channels, height, width) or (channels, height, width); boxes (batch, boxes, 4) or
    (boxes, 4), their labels (batch, boxes) or (boxes,).
    Raises: ValueError for sizes that are not positive, an unknown `interpolation`, `fill_mode` or `data_format`, a
    `fill_value` that is not a number, both ways to keep the aspect ratio at once, any `factor`, an input of another rank or
    of no pixels, masks of another rank, and boxes without labels or a `bounding_box_format`.
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

    def forward(self, x: Any) -> Any:
        return self._of_each(x) if isinstance(x, dict) else self._images(x)

    def _images(self, images: Tensor) -> Tensor:
        return self._resized(images, self.interpolation)

    def _masks(self, masks: Tensor) -> Tensor:
        return self._resized(masks, "nearest")

    def _resized(self, x: Tensor, interpolation: str) -> Tensor:
        last = self.data_format == "channels_last"
        y = x.movedim(-1, -3) if last else x
        if self.crop_to_aspect_ratio:
            y = crop_to_aspect_ratio(y, self._size)
        elif self.pad_to_aspect_ratio:
            y = pad_to_aspect_ratio(y, self._size, self.fill_value)
        y = resize(y, self._size, interpolation, self.antialias)
        return y.movedim(-3, -1) if last else y

    def _moved(self, corners: Tensor, height: int, width: int) -> Tensor:
        # Keras's arithmetic is float32's, up to the floor of a difference that is 0 but for rounding. All are tensors,
        # because torch divides a number by a tensor as a product with its reciprocal, which rounds twice.
        rows, columns, new_rows, new_columns = (
            torch.full((), n, dtype=torch.float32, device=corners.device) for n in (height, width, *self._size)
        )
        left = top = torch.zeros_like(rows)
        across, down = new_columns / columns, new_rows / rows
        if self.pad_to_aspect_ratio:
            across = down = torch.minimum(down, across)
            left, top = -((new_columns - columns * across) // 2), -((new_rows - rows * down) // 2)
        elif self.crop_to_aspect_ratio:
            ratio = columns / rows
            wide = ratio > self.width / self.height
            scaled_columns = torch.where(wide, new_rows * ratio, new_columns)
            scaled_rows = torch.where(wide, new_rows, new_columns / ratio)
            across, down = scaled_columns / columns, scaled_rows / rows
            left, top = (scaled_columns - new_columns) // 2, (scaled_rows - new_rows) // 2
        x, y = corners[..., 0::2] * across - left, corners[..., 1::2] * down - top
        return torch.stack([x, y], -1).flatten(-2)

    def _without_padding(self, corners: Tensor, boxes: Tensor) -> Tensor:
        # Boxes of 0 or -1 only fill up the batch.
        empty = (boxes == -1).all(-1, keepdim=True) | (boxes == 0).all(-1, keepdim=True)
        return torch.where(empty, 0.0, corners)
