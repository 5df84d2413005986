"""Let TensorFlow's CPU pool volumes in float64, for which it has kernels of images alone.

The maximum of a box, and the mean of what of it is no padding, is that along one axis of that along the other two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def pooled_volumes(tf: Any) -> Iterator[None]:
    """Run TensorFlow's pooling of float64 volumes as two poolings of images, inside the context."""
    max_pool, avg_pool, pool = tf.nn.max_pool, tf.nn.avg_pool, tf.nn.pool

    def is_volume(x: Any) -> bool:
        return x.dtype == tf.float64 and len(x.shape) == 5

    def as_images(image_pool: Callable[..., Any], x: Any, size: Any, strides: Any, padding: str) -> Any:
        size, strides = _three(size), _three(strides)
        n, d, h, w, c = x.shape
        flat = image_pool(tf.reshape(x, (n * d, h, w, c)), size[1:], strides[1:], padding)
        _, h, w, _ = flat.shape
        deep = image_pool(tf.reshape(flat, (n, d, h * w, c)), (size[0], 1), (strides[0], 1), padding)
        return tf.reshape(deep, (n, deep.shape[1], h, w, c))

    def of_windows(whole: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Any, size: Any, strides: Any, padding: str, *args: Any, **kwargs: Any) -> Any:
            return (
                as_images(whole, x, size, strides, padding)
                if is_volume(x)
                else whole(x, size, strides, padding, *args, **kwargs)
            )

        return run

    def any_pool(
        x: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: str = "VALID", **kwargs: Any
    ) -> Any:
        if not is_volume(x):
            return pool(x, window_shape, pooling_type, strides=strides, padding=padding, **kwargs)
        return as_images(max_pool if pooling_type == "MAX" else avg_pool, x, window_shape, strides or 1, padding)

    with (
        mock.patch.object(tf.nn, "max_pool", of_windows(max_pool)),
        mock.patch.object(tf.nn, "avg_pool", of_windows(avg_pool)),
        mock.patch.object(tf.nn, "pool", any_pool),
    ):
        yield


def _three(size: int | Sequence[int]) -> Sequence[int]:
    return (size,) * 3 if isinstance(size, int) else tuple(size)
