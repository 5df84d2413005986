"""Boxes around things in an image: how they are written, and what becomes of them where the image ends.

Corners are (..., 4): left, top, right, bottom, in pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

# "rel_": as shares of the image's width and height.
FORMATS = (
    *("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"),
    *("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"),
)


def to_corners(boxes: Tensor, form: str, height: int, width: int) -> Tensor:
    """Return the corners of boxes that are written as `form` says, in an image of `height` x `width`."""
    relative, plain = form.startswith("rel_"), form.removeprefix("rel_")
    a, b, c, d = boxes.unbind(-1)
    left, top, right, bottom = (b, a, d, c) if plain in ("yxyx", "center_yxhw") else (a, b, c, d)
    if plain.startswith("center"):
        across, down = right / 2, bottom / 2
        left, top, right, bottom = left - across, top - down, left + across, top + down
    elif plain == "xywh":
        right, bottom = left + right, top + bottom
    if relative:
        left, top, right, bottom = left * width, top * height, right * width, bottom * height
    return torch.stack([left, top, right, bottom], -1)


def from_corners(corners: Tensor, form: str, height: int, width: int) -> Tensor:
    """Write corners in an image of `height` x `width` as `form` says."""
    relative, plain = form.startswith("rel_"), form.removeprefix("rel_")
    left, top, right, bottom = corners.unbind(-1)
    if plain.startswith("center"):
        across, down = right - left, bottom - top
        left, top, right, bottom = left + across / 2, top + down / 2, across, down
    elif plain == "xywh":
        right, bottom = right - left, bottom - top
    if relative:
        left, top, right, bottom = left / width, top / height, right / width, bottom / height
    return torch.stack(
        [top, left, bottom, right] if plain in ("yxyx", "center_yxhw") else [left, top, right, bottom], -1
    )


def within(corners: Tensor, left: int, top: int, width: int, height: int) -> Tensor:
    """Return corners counted from those of a window, without what lies outside of it."""
    xs = corners[..., 0::2].clamp(left, left + width) - left
    ys = corners[..., 1::2].clamp(top, top + height) - top
    return torch.stack([xs, ys], -1).flatten(-2)


def labels_of(corners: Tensor, labels: Tensor) -> Tensor:
    """Return the labels of boxes, -1 for those that have no area."""
    left, top, right, bottom = corners.unbind(-1)
    return torch.where((right - left) * (bottom - top) > 0, labels, -1)
