"""What a side needs of an array framework under Keras: tensors in, numpy out, vector-Jacobian products."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest import mock

import numpy as np

from parity import draw
from parity.case import Case
from parity.record import Value
from parity.sides.base import of_tensor
from parity.sides.convolutions import all_convolutions
from parity.sides.exact import exact_constants
from parity.sides.resizing import exact_resizing
from parity.sides.volumes import pooled_volumes

# Called with tensors in the place of the inputs and variables that take gradients; gives flat outputs, and as they are.
Call = Callable[[list[Any], list[Any]], tuple[list[Any], Any]]


def _nothing(context: Any) -> None:
    """Clear no cache."""


class TensorFlow:
    """Eager TensorFlow and its gradient tape."""

    def __init__(self) -> None:
        import tensorflow as tf

        self.tf = tf
        # TensorFloat-32 and the like are off: they belong to what is compared.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.get_logger().setLevel("ERROR")  # it warns of each grouped convolution, which Keras compiles anew

    def environment(self) -> dict[str, str]:
        """Name the framework's part of an environment."""
        return {
            "threads": str(self.tf.config.threading.get_intra_op_parallelism_threads() or "all"),
            "float64 constants": "exact",
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        }

    @contextmanager
    def oracle(self) -> Iterator[None]:
        """Return the context of a float64 run."""
        with (
            exact_constants(self.tf),
            all_convolutions(self.tf, "float64"),
            pooled_volumes(self.tf),
            exact_resizing(self.tf),
        ):
            yield

    def uncompiled(self) -> AbstractContextManager[None]:
        """Return a context in which no convolution of float32 is compiled: for what asks little of its rounding."""
        return all_convolutions(self.tf, "float32")

    def kept_kernels(self) -> AbstractContextManager[Any]:
        """Return a context in which TensorFlow, when its seed is set, keeps its kernels: it would drop all, for the state
        of random ones, and to make them anew takes longer than to compute most cases. With another seed those are others.
        """
        from tensorflow.python.eager import context

        return mock.patch.object(context.pywrap_tfe, "TFE_ContextClearCaches", _nothing)

    def tensor(self, array: Any) -> Any:
        """Return a numpy array as a tensor."""
        return self.tf.constant(array)

    def plain(self, variable: Any) -> Any:
        """Return a Keras variable's tensor."""
        return self.tf.convert_to_tensor(variable)

    def is_float(self, tensor: Any) -> bool:
        """Tell whether a tensor takes gradients."""
        return hasattr(tensor, "dtype") and tensor.dtype.is_floating

    def value(self, tensor: Any) -> Value:
        """Return a tensor as a value of a record."""
        if isinstance(tensor, self.tf.IndexedSlices):
            tensor = self.tf.convert_to_tensor(tensor)
        tensor = self.tf.convert_to_tensor(tensor)
        return Value.of(np.array(tensor.numpy()), tensor.dtype.name)

    def differentiate(
        self, call: Call, inputs: list[Any], variables: list[Any], case: Case
    ) -> tuple[list[Any], Any, list[Value]]:
        """Call, then pull the case's cotangents back to inputs and variables; no connection is a gradient of zeros."""
        tf = self.tf
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([*inputs, *variables])
            flat, outputs = call(inputs, variables)
        floating = [(i, y) for i, y in enumerate(flat) if self.is_float(y)]
        cotangents = [tf.constant(draw.cotangent(case, i, y.shape, y.dtype.name)) for i, y in floating]
        sources = [*inputs, *variables]
        if not sources:
            return flat, outputs, []
        grads = tape.gradient(
            [y for _, y in floating], sources, cotangents, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return flat, outputs, [self.value(grad) for grad in grads]


class Torch:
    """torch and autograd, under Keras."""

    def __init__(self) -> None:
        import torch

        self.torch = torch
        torch.backends.cuda.matmul.allow_tf32 = False

    def environment(self) -> dict[str, str]:
        """Name the framework's part of an environment."""
        return {"threads": str(self.torch.get_num_threads())}

    def oracle(self) -> AbstractContextManager[None]:
        """Return the context of a float64 run; torch needs nothing."""
        return nullcontext()

    def kept_kernels(self) -> AbstractContextManager[None]:
        """Return the context in which Keras sets its seeds; torch needs nothing."""
        return nullcontext()

    def tensor(self, array: Any) -> Any:
        """Return a numpy array as a tensor that takes gradients if it is of floats."""
        array = np.asarray(array)
        if array.dtype.name == "bfloat16":
            tensor = self.torch.tensor(array.astype(np.float32), dtype=self.torch.bfloat16)
        else:
            tensor = self.torch.tensor(array)
        return tensor.requires_grad_() if tensor.is_floating_point() else tensor

    def plain(self, variable: Any) -> Any:
        """Return a Keras variable's tensor."""
        return variable.value

    def is_float(self, tensor: Any) -> bool:
        """Tell whether a tensor takes gradients."""
        return isinstance(tensor, self.torch.Tensor) and tensor.is_floating_point()

    def value(self, tensor: Any) -> Value:
        """Return a tensor as a value of a record."""
        return of_tensor(tensor)

    def differentiate(
        self, call: Call, inputs: list[Any], variables: list[Any], case: Case
    ) -> tuple[list[Any], Any, list[Value]]:
        """Call, then pull the case's cotangents back to inputs and variables; no connection is a gradient of zeros."""
        flat, outputs = call(inputs, variables)
        sources = [*inputs, *variables]
        pairs = [
            (y, self.tensor(draw.cotangent(case, i, y.shape, str(y.dtype).removeprefix("torch."))).detach())
            for i, y in enumerate(flat)
            if self.is_float(y) and y.requires_grad
        ]
        if not pairs or not sources:
            return flat, outputs, [self.value(self.torch.zeros_like(source)) for source in sources]
        grads = self.torch.autograd.grad(
            [y for y, _ in pairs], sources, [c for _, c in pairs], allow_unused=True, materialize_grads=True
        )
        return flat, outputs, [self.value(grad) for grad in grads]


class Jax:
    """JAX, under Keras."""

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)  # or float64 is silently float32
        self.jax = jax

    def environment(self) -> dict[str, str]:
        """Name the framework's part of an environment."""
        return {"threads": os.environ.get("OMP_NUM_THREADS", "all"), "x64": "True"}

    def oracle(self) -> AbstractContextManager[None]:
        """Return the context of a float64 run; JAX needs nothing."""
        return nullcontext()

    def kept_kernels(self) -> AbstractContextManager[None]:
        """Return the context in which Keras sets its seeds; JAX needs nothing."""
        return nullcontext()

    def tensor(self, array: Any) -> Any:
        """Return a numpy array as a tensor."""
        return self.jax.numpy.asarray(array)

    def plain(self, variable: Any) -> Any:
        """Return a Keras variable's tensor."""
        return variable.value

    def is_float(self, tensor: Any) -> bool:
        """Tell whether a tensor takes gradients."""
        return isinstance(tensor, self.jax.Array) and self.jax.numpy.issubdtype(tensor.dtype, self.jax.numpy.floating)

    def value(self, tensor: Any) -> Value:
        """Return a tensor as a value of a record."""
        return Value.of(np.array(tensor), tensor.dtype.name)

    def differentiate(
        self, call: Call, inputs: list[Any], variables: list[Any], case: Case
    ) -> tuple[list[Any], Any, list[Value]]:
        """Call, then pull the case's cotangents back to inputs and variables."""
        flat, outputs = call(inputs, variables)
        floating = [i for i, y in enumerate(flat) if self.is_float(y)]
        cotangents = [self.tensor(draw.cotangent(case, i, flat[i].shape, flat[i].dtype.name)) for i in floating]

        def floats(inputs: list[Any], variables: list[Any]) -> list[Any]:
            again = call(inputs, variables)[0]
            return [again[i] for i in floating]

        _, pull_back = self.jax.vjp(floats, inputs, variables)
        of_inputs, of_variables = pull_back(cotangents)
        return flat, outputs, [self.value(grad) for grad in (*of_inputs, *of_variables)]


BACKENDS: dict[str, type] = {"tensorflow": TensorFlow, "torch": Torch, "jax": Jax}
