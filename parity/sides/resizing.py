"""Let TensorFlow resize images in float64: all its kernels but that of "nearest" compute in float32, whatever comes in.

They are linear and separable, so a matrix of weights for each axis says all of them, and gives the gradients that some of
them lack. The weights follow TensorFlow's C++ (scale_and_translate_op.cc, resize_bicubic_op.cc, resize_area_op.cc), tap
by tap; each result is held against TensorFlow's own kernel, so that an error here can't pass for the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from parity.draw import Numbers

_RADIUS = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}
# How far float32's positions put TensorFlow's results from the exact ones, on images of the size that cases have.
_ROUNDING = 2e-5


@contextmanager
def exact_resizing(tf: Any) -> Iterator[None]:
    """Run `tf.image.resize` of float64 images in float64, inside the context."""
    resize = tf.image.resize

    def exact(images: Any, size: Any, method: str = "bilinear", antialias: bool = False, **kwargs: Any) -> Any:
        own = resize(images, size, method=method, antialias=antialias, **kwargs)
        if images.dtype != tf.float64 or method == "nearest":
            return own
        rows, columns = (
            tf.constant(_weights(int(images.shape[axis]), int(count), method, antialias))
            for axis, count in zip((-3, -2), size, strict=True)
        )
        found = tf.einsum("oh,...hwc,pw->...opc", rows, images, columns)
        np.testing.assert_allclose(own, found, rtol=0, atol=_ROUNDING * float(np.max(np.abs(images), initial=0)))
        return found

    with mock.patch.object(tf.image, "resize", exact):
        yield


def _weights(size: int, count: int, method: str, antialias: bool) -> Numbers:
    weights = np.zeros((count, size))
    for out in range(count):
        taps = {"area": _area, "bicubic": _cubic}.get(method) if not (antialias and method == "bicubic") else None
        for pixel, weight in (taps or _span(method, antialias))(out, size, count):
            weights[out, pixel] += weight
    shares: Numbers = weights / weights.sum(1, keepdims=True)
    return shares


Taps = Iterator[tuple[int, float]]


def _span(method: str, antialias: bool) -> Callable[[int, int, int], Taps]:
    def taps(out: int, size: int, count: int) -> Taps:
        wider = max(size / count, 1.0) if antialias else 1.0
        place, reach = (out + 0.5) * size / count, _RADIUS[method] * wider
        first, last = math.ceil(place - reach - 0.5), math.floor(place + reach - 0.5)
        for pixel in range(min(max(first, 0), size - 1), min(max(last, 0), size - 1) + 1):
            yield pixel, _kernel(method, abs(pixel + 0.5 - place) / wider)

    return taps


def _kernel(method: str, x: float) -> float:
    radius = _RADIUS[method]
    if x >= radius:
        return 0.0
    if method == "bilinear":
        return 1 - x
    if method == "bicubic":
        return ((1.5 * x - 2.5) * x) * x + 1 if x < 1 else ((-0.5 * x + 2.5) * x - 4) * x + 2
    return 1.0 if x <= 1e-3 else float(np.sinc(x) * np.sinc(x / radius))


def _cubic(out: int, size: int, count: int) -> Taps:
    # The place is a float32, and its weights come from a table with 1024 steps: both belong to what is computed.
    place = (np.float32(out) + np.float32(0.5)) * (np.float32(size) / np.float32(count)) - np.float32(0.5)
    left = math.floor(place)
    step = float(np.rint((place - np.float32(left)) * np.float32(1024))) / 1024
    for tap in (-1, 0, 1, 2):
        if 0 <= left + tap < size:
            yield left + tap, _kernel("bicubic", abs(tap - step))


def _area(out: int, size: int, count: int) -> Taps:
    start, end = out * size / count, (out + 1) * size / count
    for pixel in range(math.floor(start), min(math.ceil(end), size)):
        yield pixel, min(pixel + 1, end) - max(pixel, start)
