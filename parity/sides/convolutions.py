"""Let TensorFlow's CPU compute the convolutions that it has no kernel for, without its compiler.

Its own kernels, float64's, refuse channels_first images, groups, and transposed convolutions with a dilation; oneDNN's,
which do float32 and narrower, refuse channels_first volumes and gradients of groups. Channels are put last, groups are
computed one by one, and a dilated kernel is one with zeros in it. Keras sends some of these through TensorFlow's
compiler, anew at each call, which takes a hundred times as long as they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock


@contextmanager
def all_convolutions(tf: Any, dtype: str) -> Iterator[None]:
    """Run TensorFlow's eager convolutions of a dtype, inside the context, in another way where it may have no kernel."""
    convolution, conv_transpose = tf.nn.convolution, tf.nn.conv_transpose

    def is_ours(x: Any) -> bool:
        return bool(tf.executing_eagerly() and tf.as_dtype(x.dtype) == dtype)

    def any_convolution(x: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_ours(x):
            return convolution(x, kernel, *args, **kwargs)
        if _is_channels_first(kwargs):
            return channels_first(any_convolution(channels_last(x), kernel, *args, **_channels_last(kwargs)))
        kernel = tf.convert_to_tensor(kernel)
        groups = x.shape[-1] // max(1, kernel.shape[-2])
        if groups <= 1:
            return convolution(x, kernel, *args, **kwargs)
        parts = zip(tf.split(x, groups, axis=-1), tf.split(kernel, groups, axis=-1), strict=True)
        return tf.concat([convolution(own, its, *args, **kwargs) for own, its in parts], axis=-1)

    def any_conv_transpose(x: Any, kernel: Any, shape: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_ours(x):
            return conv_transpose(x, kernel, shape, *args, **kwargs)
        if _is_channels_first(kwargs):
            batch, channels, *sizes = shape
            last = (batch, *sizes, channels)
            return channels_first(any_conv_transpose(channels_last(x), kernel, last, *args, **_channels_last(kwargs)))
        kernel = dilated(tf.convert_to_tensor(kernel), kwargs.pop("dilations", None))
        return conv_transpose(x, kernel, shape, *args, **kwargs)

    def dilated(kernel: Any, dilations: Any) -> Any:
        rank = len(kernel.shape) - 2
        for axis, rate in enumerate((dilations,) * rank if isinstance(dilations, int) else dilations or ()):
            if rate > 1:
                shape = list(kernel.shape)
                spread = tf.stack([kernel, *[tf.zeros_like(kernel)] * (rate - 1)], axis=axis + 1)
                flat = tf.reshape(spread, [*shape[:axis], shape[axis] * rate, *shape[axis + 1 :]])
                kernel = tf.gather(flat, range((shape[axis] - 1) * rate + 1), axis=axis)
        return kernel

    def channels_last(x: Any) -> Any:
        return tf.transpose(x, (0, *range(2, len(x.shape)), 1))

    def channels_first(x: Any) -> Any:
        return tf.transpose(x, (0, len(x.shape) - 1, *range(1, len(x.shape) - 1)))

    eager = tf.config.functions_run_eagerly()
    with ExitStack() as patches:
        for namespace in (tf.nn, tf.compat.v2.nn):  # Keras 3's, and Keras 2's
            patches.enter_context(mock.patch.object(namespace, "convolution", any_convolution))
            patches.enter_context(mock.patch.object(namespace, "conv_transpose", any_conv_transpose))
        patches.callback(tf.config.run_functions_eagerly, eager)
        tf.config.run_functions_eagerly(True)
        yield


def _is_channels_first(kwargs: dict[str, Any]) -> bool:
    return str(kwargs.get("data_format")).startswith("NC")


def _channels_last(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "data_format": f"N{kwargs['data_format'][2:]}C"}
