"""CenterCrop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.interpolation import crop_to_aspect_ratio, resize, window_of_aspect
from torch_layers.layers.preprocessing.bounding_boxes import from_corners, to_corners, within
from torch_layers.layers.preprocessing.image import _ToSize
from torch_layers.layers.slicing import part_of


class CenterCrop(_ToSize):
    """Take the middle `height` x `width` of images; where a difference is odd, one pixel more is left at the end.

    Of images that are smaller in height or width, it takes the largest window in the middle with the aspect ratio of the
    output, and resizes that ("bilinear"). As in Keras, what was resized is float32, under narrower policies too.
    Of a dict with "images" and what belongs to them, "segmentation_masks" are cropped as images are, and
    "bounding_boxes", written as `bounding_box_format` says, are cut off at the window.
    Shape: (batch, height, width, channels) or (height, width, channels) -> the same with the new sizes;
    "channels_first": (batch, channels, height, width) or (channels, height, width); boxes (batch, boxes, 4) or
    (boxes, 4), their labels (batch, boxes) or (boxes,).
    Raises: ValueError for sizes that are not positive, an unknown `data_format`, any `factor`, an input of another rank or
    of no pixels, masks of another rank, and boxes without labels or a `bounding_box_format`.
    Source: keras.layers.CenterCrop, Keras 3.15.
    """

    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        factor: None = None,
        bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_size(height, width, data_format, factor, bounding_box_format)
        self._last = self.data_format == "channels_last"
        self._axes = slice(-3, -1) if self._last else slice(-2, None)

    def forward(self, x: Any) -> Any:
        if isinstance(x, dict):
            return self._of_each(x)
        if x.dtype is not self.compute_dtype:  # not by `takes_integers`: the labels in a dict stay integers
            x = self._convert_input(x, True)
        height, width = x.shape[self._axes]
        if height < self.height or width < self.width:
            return self._resized(x)
        top, left = (height - self.height) // 2, (width - self.width) // 2
        rows, columns = slice(top, top + self.height), slice(left, left + self.width)
        return part_of(x, (..., rows, columns, slice(None)) if self._last else (..., rows, columns))

    def _resized(self, x: Tensor) -> Tensor:
        self.check_input(x.shape)
        y = crop_to_aspect_ratio(x.movedim(-1, -3) if self._last else x, self._size)
        y = resize(y if y.dtype is torch.float64 else y.float(), self._size)
        return y.movedim(-3, -1) if self._last else y

    def _images(self, images: Tensor) -> Tensor:
        found: Tensor = self.forward(images)
        return found

    def _masks(self, masks: Tensor) -> Tensor:
        return self._images(masks)

    def _moved(self, corners: Tensor, height: int, width: int) -> Tensor:
        rows, columns = self._size
        if resized := height < rows or width < columns:
            rows, columns = window_of_aspect(height, width, self._size)
        corners = within(corners, (width - columns) // 2, (height - rows) // 2, columns, rows)
        if not resized:
            return corners
        return to_corners(from_corners(corners, "rel_xyxy", rows, columns), "rel_xyxy", *self._size)
