"""CenterCrop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format
from torch_layers.layers.interpolation import crop_to_aspect_ratio, resize


class CenterCrop(Layer):
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
    input_spec = InputSpec(min_ndim=3, max_ndim=4)
    # All of Keras's image layers take one, this one None alone.
    config_omits = frozenset({"factor", "bounding_box_format"})

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
        if factor is not None:
            raise ValueError(f"CenterCrop: factor={factor!r} is given, allowed is None")
        self.height, self.width = positive_int(self, "height", height), positive_int(self, "width", width)
        self.data_format = checked_data_format(self, data_format)
        self.factor, self.bounding_box_format = factor, bounding_box_format

    def check_input(self, shape: Any) -> None:
        if isinstance(shape, (list, dict)):  # Keras takes a dict with labels, boxes and masks of the images too
            raise ValueError(f"CenterCrop: input is a {type(shape).__name__}, allowed is one tensor of images")
        super().check_input(shape)
        if 0 in (shape[-3:-1] if self.data_format == "channels_last" else shape[-2:]):
            raise ValueError(f"CenterCrop: input of shape {tuple(shape)} has no pixels")

    def forward(self, x: Tensor) -> Tensor:
        last = self.data_format == "channels_last"
        y = x.movedim(-1, -3) if last else x
        rows, columns = y.shape[-2] - self.height, y.shape[-1] - self.width
        if rows >= 0 and columns >= 0:
            y = y.narrow(-2, rows // 2, self.height).narrow(-1, columns // 2, self.width)
        else:
            self.check_input(x.shape)
            size = (self.height, self.width)
            y = crop_to_aspect_ratio(y, size)
            y = resize(y if y.dtype is torch.float64 else y.float(), size)
        return y.movedim(-3, -1) if last else y

    def get_config(self) -> dict[str, Any]:
        given = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), **given}
