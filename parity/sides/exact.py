"""Make TensorFlow's float64 an oracle: some of its constants are rounded to float32 whatever the dtype of the graph.

`tf.cast(0.1, "float64")` goes through float32, and so do the constants of gelu and of Keras's regularizers; the slope
of `tf.nn.leaky_relu` is a float32 attribute of its kernel; Keras's `log(2.0)` is float32, and so is its CTC loss.
Errors of 1e-8 in a float64 run would hide differences in meaning of that size and be blamed on exact ports. Only
float64 runs are corrected; Keras in its own dtypes runs untouched.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np


@contextmanager
def exact_constants(tf: Any) -> Iterator[None]:
    """Run TensorFlow, and Keras on it, with Python floats, slopes and CTC kept in float64, inside the context."""
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
        _exact_keras(tf),
    ):
        yield


@contextmanager
def _exact_keras(tf: Any) -> Iterator[None]:
    backend = "keras.src.backend.tensorflow."
    numpy, nn = sys.modules.get(f"{backend}numpy"), sys.modules.get(f"{backend}nn")
    if numpy is None or nn is None:  # tf-keras keeps float64 by itself
        yield
        return
    from tensorflow.python.ops import ctc_ops

    log, ctc_loss = numpy.log, nn.ctc_loss

    def exact_log(x: Any) -> Any:
        return log(tf.constant(x, tf.float64) if isinstance(x, float) else x)

    def exact_ctc_loss(target: Any, output: Any, label_length: Any, logit_length: Any, mask_index: int = 0) -> Any:
        if output.dtype != tf.float64:
            return ctc_loss(target, output, label_length, logit_length, mask_index)
        arguments = {"label_length": label_length, "logit_length": logit_length, "blank_index": mask_index}
        with ExitStack() as stack:
            for name, wide in wide_names.items():
                stand_in = SimpleNamespace(**{**vars(getattr(ctc_ops, name)), **wide})
                stack.enter_context(mock.patch.object(ctc_ops, name, stand_in))
            return tf.nn.ctc_loss(tf.cast(target, tf.int32), output, **arguments, logits_time_major=False)

    # TensorFlow's CTC is Python, and says float32 in as many places.
    wide_names = {
        "dtypes": {"float32": tf.float64},
        "array_ops": {name: partial(getattr(tf, name), dtype=tf.float64) for name in ("zeros", "ones", "one_hot")},
        "linalg_ops": {"eye": partial(tf.eye, dtype=tf.float64)},
        "math_ops": {"log": exact_log},
    }
    ops = sys.modules["keras.src.ops"]
    convert = ops.convert_to_tensor

    def exact_convert(x: Any, dtype: Any = None, **kwargs: Any) -> Any:
        # Lists of Python's floats, such as the mean that Normalization is given, become float32.
        plain = isinstance(x, (list, tuple)) and dtype is None and np.asarray(x).dtype == np.float64
        return convert(x, "float64" if plain else dtype, **kwargs)

    with (
        mock.patch.object(numpy, "log", exact_log),
        mock.patch.object(nn, "ctc_loss", exact_ctc_loss),
        mock.patch.object(ops, "convert_to_tensor", exact_convert),
    ):
        yield
