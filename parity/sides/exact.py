"""Make TensorFlow's float64 an oracle: some of its constants are rounded to float32 whatever the dtype of the graph.

`tf.cast(0.1, "float64")` goes through float32, and so do the constants of gelu and of Keras's regularizers; the slope of
`tf.nn.leaky_relu` is a float32 attribute of its kernel. Errors of 1e-8 in a float64 run would hide differences in meaning
of that size and be blamed on exact ports. Only float64 runs are corrected; Keras in its own dtypes runs untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def exact_constants(tf: Any) -> Iterator[None]:
    """Run TensorFlow with Python floats and slopes kept in float64, inside the context."""
    from tensorflow.python.ops import math_ops

    cast, leaky_relu = tf.cast, tf.nn.leaky_relu

    def exact_cast(x: Any, dtype: Any, name: str | None = None) -> Any:
        if isinstance(x, float) and tf.as_dtype(dtype) == tf.float64:
            return tf.constant(x, tf.float64)
        return cast(x, dtype, name)

    def exact_leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
        if features.dtype != tf.float64:
            return leaky_relu(features, alpha, name)
        return tf.where(features > 0, features, features * tf.constant(alpha, tf.float64))

    with (
        mock.patch.object(tf, "cast", exact_cast),
        mock.patch.object(math_ops, "cast", exact_cast),
        mock.patch.object(tf.nn, "leaky_relu", exact_leaky_relu),
    ):
        yield
