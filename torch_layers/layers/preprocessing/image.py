"""What the layers have in common that change the size of images."""

from __future__ import annotations

from typing import Any

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format
from torch_layers.layers.interpolation import check_pixels


class _ToSize(Layer):
    """Base of the layers that make images of `height` x `width` of one image, or of a batch of them."""

    input_spec = InputSpec(min_ndim=3, max_ndim=4)
    # All of Keras's image layers take one, these None alone.
    config_omits = frozenset({"factor", "bounding_box_format"})

    def _set_size(self, height: int, width: int, data_format: str | None, factor: None, boxes: str | None) -> None:
        if factor is not None:
            raise ValueError(f"{type(self).__name__}: factor={factor!r} is given, allowed is None")
        self.height, self.width = positive_int(self, "height", height), positive_int(self, "width", width)
        self.data_format = checked_data_format(self, data_format)
        self.factor, self.bounding_box_format = factor, boxes
        self._size = (height, width)

    def check_input(self, shape: Any) -> None:
        if isinstance(shape, (list, dict)):  # Keras takes a dict with labels, boxes and masks of the images too
            raise ValueError(
                f"{type(self).__name__}: input is a {type(shape).__name__}, allowed is one tensor of images"
            )
        super().check_input(shape)
        check_pixels(self, shape)

    def get_config(self) -> dict[str, Any]:
        given = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), **given}
