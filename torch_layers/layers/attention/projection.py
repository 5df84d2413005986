"""The projections of attention in heads."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.initializers.sampling import VarianceScaling
from torch_layers.layers.base import InputSpec, Layer


class _Projection(Layer):
    """y = x @ weight.T + bias, where the axes `summed` at the end of x give way to the axes `new`.

    Both are the letters of these axes, which Keras's kernel has one by one; `weight` is a matrix. `sizes` are those of the
    new axes, known before the layer is built. `sigmoid` is applied last.
    """

    takes_integers = False
    weight: Tensor
    bias: Tensor | None

    def __init__(self, summed: str, new: str, sizes: Sequence[int] = (), sigmoid: bool = False, **kwargs: Any) -> None:
        weights = {key: kwargs.pop(key) for key in list(kwargs) if key.startswith(("kernel_", "bias_"))}
        use_bias = kwargs.pop("use_bias")
        super().__init__(**kwargs)
        kernel = weights["kernel_initializer"]
        if isinstance(kernel, VarianceScaling) and None in (kernel.input_axes, kernel.output_axes):
            axes = list(range(len(summed + new)))
            split = {"input_axes": axes[: len(summed)], "output_axes": axes[len(summed) :]}
            weights["kernel_initializer"] = type(kernel).from_config({**kernel.get_config(), **split})
        joined = f"{_one_axis(new)} {_one_axis(summed)}"
        self.declare("weight", f"{' '.join(summed + new)} -> {joined}", "kernel", "kernel", weights)
        self.declare("bias", f"{' '.join(new)} -> {_one_axis(new)}", "bias", "bias", weights, use_bias)
        self.sigmoid, self.sizes = sigmoid, tuple(sizes)
        self._summed, self._new = len(summed), len(new)

    def build(self, input_shape: Any) -> None:
        biases = {} if self.bias is None else {"bias": self.sizes}
        self.create_weights(weight=(*input_shape[-self._summed :], *self.sizes), **biases)
        self.input_spec = InputSpec(1 + self._summed)

    def forward(self, x: Tensor) -> Tensor:
        if self._summed > 1:
            x = x.flatten(-self._summed)
        bias = self.bias
        y = F.linear(x, self.cast(self.weight), bias if bias is None else self.cast(bias))
        if self._new > 1:
            y = y.reshape(y.shape[:-1] + self.sizes)
        return torch.sigmoid(y) if self.sigmoid else y

    def extra_repr(self) -> str:
        return f"{prod(self.weight.shape[1:])} -> {prod(self.sizes)}" if self.built else "not built"


def _one_axis(letters: str) -> str:
    return letters if len(letters) == 1 else f"({' '.join(letters)})"
