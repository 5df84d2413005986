"""Let TensorFlow's CPU compute in float64 the convolutions that it has no kernel for, but that its compiler can do.

Its own float64 kernels refuse channels_first images, and transposed convolutions with a dilation; oneDNN's, which do
float32 and narrower, have no float64. Keras itself compiles grouped convolutions for that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def compiled_convolutions(tf: Any) -> Iterator[None]:
    """Run TensorFlow's convolutions through XLA inside the context, where it computes them in no other way."""
    ready: dict[str, Any] = {}

    def compiled(convolution: Callable[..., Any], dilations_too: bool) -> Callable[..., Any]:
        def run(x: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
            first = str(kwargs.get("data_format")).startswith("NC")
            dilated = dilations_too and max(kwargs.get("dilations") or (1,)) > 1
            if not (tf.executing_eagerly() and x.dtype == tf.float64 and (first or dilated)):
                return convolution(x, kernel, *args, **kwargs)
            call = repr((convolution.__name__, x.shape, kernel.shape, args, sorted(kwargs.items())))
            if call not in ready:
                whole = tf.function(lambda x, kernel: convolution(x, kernel, *args, **kwargs), jit_compile=True)
                # Called by its concrete function, since tf.function warns of being made for one shape.
                ready[call] = whole.get_concrete_function(*(tf.TensorSpec(t.shape, t.dtype) for t in (x, kernel)))
            return ready[call](x, tf.convert_to_tensor(kernel))

        return run

    with (
        mock.patch.object(tf.nn, "convolution", compiled(tf.nn.convolution, False)),
        mock.patch.object(tf.nn, "conv_transpose", compiled(tf.nn.conv_transpose, True)),
    ):
        yield
