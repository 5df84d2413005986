"""CenterCrop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.interpolation import crop_to_aspect_ratio, resize
from torch_layers.layers.preprocessing.image import _ToSize


class CenterCrop(_ToSize):
    """Take the middle `height` x `width` of images; where a difference is odd, one pixel more is left at the end.

    Of images that are smaller in height or width, it takes the largest window in the middle with the aspect ratio of the
    output, and resizes that ("bilinear"). As in Keras, what was resized is float32, under narrower policies too.
    Shape: (batch, height, width, channels) or (height, width, channels) -> the same with the new sizes;
    "channels_first": (batch, channels, height, width) or (channels, height, width).
    Raises: ValueError for sizes that are not positive, an unknown `data_format`, any `factor`, an input of another rank or
    of no pixels.
    Source: keras.layers.CenterCrop, Keras 3.15.
    """

    takes_integers = False

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

    def forward(self, x: Tensor) -> Tensor:
        last = self.data_format == "channels_last"
        y = x.movedim(-1, -3) if last else x
        rows, columns = y.shape[-2] - self.height, y.shape[-1] - self.width
        if rows >= 0 and columns >= 0:
            y = y.narrow(-2, rows // 2, self.height).narrow(-1, columns // 2, self.width)
        else:
            self.check_input(x.shape)
            y = crop_to_aspect_ratio(y, self._size)
            y = resize(y if y.dtype is torch.float64 else y.float(), self._size)
        return y.movedim(-3, -1) if last else y
