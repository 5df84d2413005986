"""What the layers have in common that change the size of images."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format
from torch_layers.layers.interpolation import check_pixels
from torch_layers.layers.preprocessing.bounding_boxes import FORMATS, from_corners, labels_of, to_corners, within
from torch_layers.registry import nearest


class _ToSize(Layer):
    """Base of the layers that make images of `height` x `width` of one image, or of a batch of them.

    Instead of images they take a dict with "images" and what belongs to them: "segmentation_masks" of the same rank,
    "bounding_boxes" (a dict of "boxes", written as `bounding_box_format` says, and "labels", which become -1 where
    nothing of the box is left), and "labels" or anything else, which stay as they are.
    """

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

    def _of_each(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a dict with each thing changed as the images are."""
        images = data["images"]
        found = {**data, "images": self._images(images)}
        if "segmentation_masks" in data:
            found["segmentation_masks"] = self._masks(data["segmentation_masks"])
        if "bounding_boxes" in data:
            height, width = images.shape[slice(-3, -1) if self.data_format == "channels_last" else slice(-2, None)]
            found["bounding_boxes"] = self._boxes(data["bounding_boxes"], height, width)
        return found

    def _images(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def _masks(self, masks: Tensor) -> Tensor:
        raise NotImplementedError

    def _moved(self, corners: Tensor, height: int, width: int) -> Tensor:
        """Return where the corners of boxes in an image of `height` x `width` come to be, in float32."""
        raise NotImplementedError

    def _boxes(self, given: dict[str, Any], height: int, width: int) -> dict[str, Any]:
        assert self.bounding_box_format is not None  # `check_input` has seen to it
        form, boxes = self.bounding_box_format.lower(), given["boxes"].float()
        corners = self._moved(to_corners(boxes, form, height, width), height, width)
        corners = within(corners, 0, 0, self.width, self.height)
        labels = labels_of(corners, given["labels"])
        corners = self._without_padding(corners, boxes)
        return {**given, "boxes": from_corners(corners, form, self.height, self.width), "labels": labels}

    def _without_padding(self, corners: Tensor, boxes: Tensor) -> Tensor:
        return corners

    def check_input(self, shape: Any) -> None:
        if isinstance(shape, dict):
            return self._check_each(shape)
        if isinstance(shape, list):
            raise ValueError(
                f"{type(self).__name__}: input is a list, allowed is one tensor of images, or a dict that has them"
            )
        super().check_input(shape)
        return check_pixels(self, shape)

    def _check_each(self, shapes: dict[str, Any]) -> None:
        layer = type(self).__name__
        images = shapes.get("images")
        if not isinstance(images, tuple):
            raise ValueError(f'{layer}: input is a dict of {sorted(shapes)}, allowed is one with a tensor of "images"')
        self.check_input(images)
        if "segmentation_masks" in shapes:
            masks = shapes["segmentation_masks"]
            if not isinstance(masks, tuple) or len(masks) != len(images):
                raise ValueError(
                    f"{layer}: segmentation_masks of shape {masks}, allowed is a tensor of rank {len(images)}, as of images"
                )
            check_pixels(self, masks)
        if "bounding_boxes" in shapes:
            self._check_boxes(shapes["bounding_boxes"], len(images) - 1)

    def _check_boxes(self, shapes: Any, rank: int) -> None:
        layer, form = type(self).__name__, self.bounding_box_format
        if not isinstance(form, str) or form.lower() not in FORMATS:
            hint = nearest(form.lower(), list(FORMATS)) if isinstance(form, str) else ""
            raise ValueError(
                f"{layer}: bounding_box_format={form!r} with bounding_boxes, allowed is one of {FORMATS}{hint}"
            )
        if not isinstance(shapes, dict) or not {"boxes", "labels"} <= set(shapes):
            found = f"of {sorted(shapes)}" if isinstance(shapes, dict) else "no dict"
            raise ValueError(f'{layer}: bounding_boxes is {found}, allowed is a dict of "boxes" and "labels"')
        boxes, labels = shapes["boxes"], shapes["labels"]
        if not isinstance(boxes, tuple) or len(boxes) != rank or boxes[-1] != 4:
            raise ValueError(
                f"{layer}: boxes of shape {boxes}, allowed is a tensor of rank {rank} with 4 numbers for each"
            )
        if not isinstance(labels, tuple) or len(labels) != rank - 1:
            raise ValueError(f"{layer}: labels of shape {labels} for boxes of shape {boxes}, allowed is one for each")

    def get_config(self) -> dict[str, Any]:
        given = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), **given}
