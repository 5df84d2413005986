"""Let TensorFlow's CPU compute in float64 the convolutions that it has no kernel for.

Its own float64 kernels refuse channels_first images, and transposed convolutions with a dilation; oneDNN's, which do
float32 and narrower, have no float64. The first are computed with their channels last. The second go through TensorFlow's
compiler, as Keras's own grouped convolutions do, which takes long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def all_convolutions(tf: Any) -> Iterator[None]:
    """Run TensorFlow's eager float64 convolutions, inside the context, in another way where it has no kernel for them."""
    convolution, conv_transpose = tf.nn.convolution, tf.nn.conv_transpose
    ready: dict[str, Any] = {}

    def is_ours(x: Any) -> bool:
        return bool(tf.executing_eagerly() and x.dtype == tf.float64)

    def any_convolution(x: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
        if not (is_ours(x) and _is_channels_first(kwargs)):
            return convolution(x, kernel, *args, **kwargs)
        return channels_first(convolution(channels_last(x), kernel, *args, **_channels_last(kwargs)))

    def any_conv_transpose(x: Any, kernel: Any, shape: Any, *args: Any, **kwargs: Any) -> Any:
        if is_ours(x) and max(kwargs.get("dilations") or (1,)) > 1:
            return compiled(x, kernel, shape, *args, **kwargs)
        if not (is_ours(x) and _is_channels_first(kwargs)):
            return conv_transpose(x, kernel, shape, *args, **kwargs)
        batch, channels, *sizes = shape
        last = (batch, *sizes, channels)
        return channels_first(conv_transpose(channels_last(x), kernel, last, *args, **_channels_last(kwargs)))

    def channels_last(x: Any) -> Any:
        return tf.transpose(x, (0, *range(2, len(x.shape)), 1))

    def channels_first(x: Any) -> Any:
        return tf.transpose(x, (0, len(x.shape) - 1, *range(1, len(x.shape) - 1)))

    def compiled(x: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
        call = repr((x.shape, kernel.shape, args, sorted(kwargs.items())))
        if call not in ready:
            whole = tf.function(lambda x, kernel: conv_transpose(x, kernel, *args, **kwargs), jit_compile=True)
            # Called by its concrete function, since tf.function warns of being made for one shape.
            ready[call] = whole.get_concrete_function(*(tf.TensorSpec(t.shape, t.dtype) for t in (x, kernel)))
        return ready[call](x, tf.convert_to_tensor(kernel))

    with (
        mock.patch.object(tf.nn, "convolution", any_convolution),
        mock.patch.object(tf.nn, "conv_transpose", any_conv_transpose),
    ):
        yield


def _is_channels_first(kwargs: dict[str, Any]) -> bool:
    return str(kwargs.get("data_format")).startswith("NC")


def _channels_last(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "data_format": f"N{kwargs['data_format'][2:]}C"}
