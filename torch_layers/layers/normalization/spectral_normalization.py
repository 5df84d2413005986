"""SpectralNormalization."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec
from torch_layers.layers.core.wrapper import Wrapper

_EPSILON = 1e-7


class SpectralNormalization(Wrapper):
    """Divides the kernel of `layer` by its largest singular value at each call in training, then calls `layer`.

    The kernel, with all axes but Keras's last one joined, is a matrix; `power_iterations` steps, which begin at what the
    last call left in `vector_u`, estimate the value. The kernel itself changes; gradients do not see the division.
    Shape: as of `layer`; `vector_u` (1, size of the kernel's last axis).
    Raises: ValueError if `power_iterations` is not a positive int, or if `layer` has no single kernel.
    Source: keras.layers.SpectralNormalization, Keras 3.15.
    """

    vector_u: Tensor

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(self, "power_iterations", power_iterations)
        self.add_weight(
            "vector_u",
            initializer={"class_name": "TruncatedNormal", "config": {"stddev": 0.02}},
            trainable=False,
            dtype=layer.variable_dtype,
        )

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        kernel = self.layer._keras_shapes.get("weight")
        if kernel is None:
            raise ValueError(f"SpectralNormalization: layer={self.layer!r} has no kernel")
        self.create_weights(vector_u=(1, kernel[-1]))
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self._normalize()
        output: Tensor = self.layer(inputs)
        return output.to(inputs.dtype)

    @torch.no_grad()
    def _normalize(self) -> None:
        weight = self.layer.weight
        kernel = self.layer._keras_value("weight")
        matrix, u = kernel.reshape(-1, kernel.shape[-1]), self.vector_u
        for _ in range(self.power_iterations):
            v = _unit(u @ matrix.t())
            u = _unit(v @ matrix)
        sigma = (v @ matrix @ u.t())[0, 0]
        # A kernel of zeros stays as it is.
        empty = (matrix == 0).all()
        self.vector_u.copy_(torch.where(empty, self.vector_u, u))
        weight.copy_(torch.where(empty, weight, weight / sigma))


def _unit(x: Tensor) -> Tensor:
    return x * x.square().sum().rsqrt().clamp(max=1 / _EPSILON)
