"""Resizing of images as TensorFlow does it: half-pixel centres, and weights that are renormalized at the borders.

Every method is separable. But for the two that torch's kernels compute, each axis has a matrix of weights
(size out, size in), and an image becomes rows @ image @ columns^T.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area")


def resize(x: Tensor, size: tuple[int, int], interpolation: str = "bilinear", antialias: bool = False) -> Tensor:
    """Return images (channels, height, width), or a batch of them, with height and width of `size`; the dtype stays.

    Integers are computed in float32, rounded (half to even) and held in the range of their dtype. With `antialias`, the
    kernel is as much wider as the image shrinks; "nearest" and "area" ignore it.
    Raises: RuntimeError if there are no pixels; a layer makes it the ValueError of `check_pixels`.
    """
    if 0 in x.shape[-3:]:
        raise RuntimeError(f"images of shape {tuple(x.shape)} have no pixels to resize")
    if interpolation == "nearest":
        return _nearest(x, size)
    if interpolation == "bilinear" and not antialias and x.is_floating_point():
        return _interpolate(x, size, "bilinear")
    wide = x if x.dtype in (torch.float32, torch.float64) else x.float()
    if interpolation == "bilinear" and not antialias:
        y = _interpolate(wide, size, "bilinear")
    else:
        y = _product(wide, size, interpolation, antialias)
    return y if y.dtype is x.dtype else _saturated(y, x.dtype)


def check_pixels(layer: object, shape: Sequence[int | None]) -> None:
    """Raise ValueError if images of this shape have no pixels or no channels; a batch may be empty."""
    if 0 in shape[-3:]:
        raise ValueError(f"{type(layer).__name__}: input of shape {tuple(shape)} has no pixels")


def window_of_aspect(height: int, width: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of the largest window in an image that has the aspect ratio of `size`."""
    rows, columns = size
    return max(min(height, width * rows // columns), 1), max(min(width, height * columns // rows), 1)


def crop_to_aspect_ratio(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a view of the largest window in the middle of (..., height, width) with the aspect ratio of `size`."""
    height, width = x.shape[-2:]
    new_height, new_width = window_of_aspect(height, width, size)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    return x[..., top : top + new_height, left : left + new_width]


def pad_to_aspect_ratio(x: Tensor, size: tuple[int, int], fill_value: float) -> Tensor:
    """Return (..., height, width) with equal borders of `fill_value` on two sides, to the aspect ratio of `size`.

    An odd difference is a pixel short.
    """
    (height, width), (rows, columns) = x.shape[-2:], size
    top = (max(height, width * rows // columns) - height) // 2
    left = (max(width, height * columns // rows) - width) // 2
    return F.pad(x, (left, left, top, top), value=fill_value)


def _nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.is_floating_point():
        return _interpolate(x, size, "nearest-exact")
    for axis, count in zip((-2, -1), size, strict=True):
        # In float32, as TensorFlow and F.interpolate: where a centre falls on an edge, its rounding decides.
        centres = (torch.arange(count, dtype=torch.float32, device=x.device) + 0.5) * (x.shape[axis] / count)
        x = x.index_select(axis, centres.long().clamp(max=x.shape[axis] - 1))
    return x


def _interpolate(x: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    if x.ndim == 3:
        return F.interpolate(x.unsqueeze(0), size, mode=mode).squeeze(0)
    return F.interpolate(x, size, mode=mode)


def _product(x: Tensor, size: tuple[int, int], interpolation: str, antialias: bool) -> Tensor:
    # Fake and meta tensors must not get into the cache, nor may a compiled graph get out of it.
    lasting = type(x) is Tensor and not x.is_meta and not torch.compiler.is_compiling()
    weights = _kept_weights if lasting else _weights
    rows, columns = (
        weights(x.shape[axis], count, interpolation, antialias, x.dtype, x.device)
        for axis, count in zip((-2, -1), size, strict=True)
    )
    if not x.is_meta and torch.is_autocast_enabled(x.device.type):
        # Weights in half precision would no longer sum to 1.
        with torch.autocast(x.device.type, enabled=False):
            return rows @ (x @ columns.t())
    return rows @ (x @ columns.t())


def _saturated(y: Tensor, dtype: torch.dtype) -> Tensor:
    if dtype.is_floating_point:
        largest = torch.finfo(dtype).max
        return y.clamp(-largest, largest).to(dtype)
    if dtype is torch.bool:
        return y.round() > 0
    limits = torch.iinfo(dtype)
    # The largest integer of the dtype that float32, with its 24 bits, can hold.
    return y.round().clamp(limits.min, limits.max - (limits.max >> 24)).to(dtype)


def _keys(distance: Tensor) -> Tensor:
    """Keys's cubic with a = -0.5. F.interpolate's "bicubic" has a = -0.75."""
    near = (1.5 * distance - 2.5) * distance.square() + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, torch.where(distance < 2, far, 0))


def _triangle(distance: Tensor) -> Tensor:
    return (1 - distance).clamp(min=0)


def _lanczos(radius: int) -> Callable[[Tensor], Tensor]:
    def kernel(distance: Tensor) -> Tensor:
        angle = math.pi * distance
        window = radius * angle.sin() * (angle / radius).sin() / angle.square()
        return torch.where(distance <= 1e-3, 1, torch.where(distance < radius, window, 0))

    return kernel


_KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    "bilinear": _triangle,
    "bicubic": _keys,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


def _weights(
    count_in: int, count_out: int, interpolation: str, antialias: bool, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return the weights (out, in) of one axis."""
    # MPS has no float64.
    exact = torch.float32 if device.type == "mps" else torch.float64
    scale = count_in / count_out
    pixels = torch.arange(count_in, dtype=exact, device=device) + 0.5
    if interpolation == "bicubic" and not antialias:
        # TensorFlow takes its weights from a table with 1024 steps from pixel to pixel, at positions in float32.
        positions = (torch.arange(count_out, dtype=torch.float32, device=device) + 0.5) * scale - 0.5
        centres = (positions * 1024).round().to(exact) / 1024 + 0.5
    else:
        centres = (torch.arange(count_out, dtype=exact, device=device) + 0.5) * scale
    distance = (pixels - centres.unsqueeze(1)).abs()
    if interpolation == "area":  # the part of each pixel that lies in the window
        weights = ((scale + 1) / 2 - distance).clamp(min=0, max=min(scale, 1))
    else:
        weights = _KERNELS[interpolation](distance / max(scale, 1) if antialias else distance)
    return (weights / weights.sum(1, keepdim=True)).to(dtype)


@lru_cache(maxsize=128)
def _kept_weights(
    count_in: int, count_out: int, interpolation: str, antialias: bool, dtype: torch.dtype, device: torch.device
) -> Tensor:
    # Tensors born in inference mode could take part in no gradient later.
    with torch.inference_mode(False), torch.no_grad():
        return _weights(count_in, count_out, interpolation, antialias, dtype, device)
