"""SpectralNormalization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec
from torch_layers.layers.core.wrapper import Wrapper
from torch_layers.layers.normalization.scaled import wide
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight

_EPSILON = 1e-7


class SpectralNormalization(Wrapper):
    """Divides the kernel of `layer` by its largest singular value at each call in training, then calls `layer`.

    The kernel, with all axes but Keras's last one joined, is a matrix; `power_iterations` steps, which begin at what the
    last call left in `vector_u`, estimate the value. The kernel itself changes; gradients do not see the division, and
    those of earlier calls keep the kernel that they were computed with. A kernel of zeros stays as it is. As in Keras,
    the output takes the input's dtype: for the rows of an Embedding, give it its indices as floats.
    Shape: as of `layer`; `vector_u` (1, size of the kernel's last axis), `layer.weight` and so on.
    Raises: ValueError if `power_iterations` is not a positive int, or if `layer` has neither `kernel` nor `embeddings`.
    Source: keras.layers.SpectralNormalization, Keras 3.15.
    """

    input_spec = InputSpec(min_ndim=1)
    vector_u: Tensor

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(self, "power_iterations", power_iterations)
        kernels = [spec for spec in layer._specs.values() if spec.keras_name in ("kernel", "embeddings")]
        if not kernels:
            raise ValueError(
                f"SpectralNormalization: layer={type(layer).__name__}(...) has no weight 'kernel' or 'embeddings'"
            )
        self._kernel = kernels[0].name
        self.add_weight(
            "vector_u",
            initializer={"class_name": "TruncatedNormal", "config": {"stddev": 0.02}},
            trainable=False,
            dtype=layer.variable_dtype,
        )

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if self.layer._built_shape is None:  # an Embedding has its weights from the start
            self.layer._set_built(input_shape)
        self.create_weights(vector_u=(1, self.layer._keras_shapes[self._kernel][-1]))

    def own_weights(self) -> list[tuple[Weighted, Weight]]:
        """List the kernel first: in Keras it is a weight of the wrapper too."""
        return [(self.layer, self.layer._specs[self._kernel]), *super().own_weights()]

    def weight_entries(self) -> Iterator[tuple[Weighted, Weight]]:
        """Yield the wrapper's own weights, then those of the layer, the kernel once."""
        own = self.own_weights()
        yield from own
        yield from (entry for entry in self.layer.weight_entries() if entry[1] is not own[0][1])

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self._normalize()
            # A copy, as the next call changes the kernel, perhaps before the gradients of this one are asked for.
            kernel = {self._kernel: getattr(self.layer, self._kernel).clone()}
            output: Tensor = torch.func.functional_call(self.layer, kernel, (inputs,))
        else:
            output = self.layer(inputs)
        return output if output.dtype is inputs.dtype else output.to(inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of `layer`'s output; None for integers, whose output is cast."""
        return self.layer.compute_mask(inputs, mask) if inputs.dtype.is_floating_point else None

    @torch.no_grad()
    def _normalize(self) -> None:
        weight = getattr(self.layer, self._kernel)
        kernel = wide(self.layer._keras_value(self._kernel))
        matrix, u = kernel.reshape(-1, kernel.shape[-1]), self.vector_u.to(kernel.dtype)
        for _ in range(self.power_iterations):
            v = _unit(u @ matrix.t())
            product = v @ matrix
            u = _unit(product)
        sigma = (product @ u.t()).reshape(())
        empty = (matrix.amax() == 0) & (matrix.amin() == 0)
        self.vector_u.copy_(torch.where(empty, self.vector_u, u))
        weight.div_(sigma.masked_fill(empty, 1))


def _unit(x: Tensor) -> Tensor:
    return x * x.square().sum().rsqrt().clamp(max=1 / _EPSILON)
