"""RMSNormalization."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.normalization.axes import _OverAxes, are_last
from torch_layers.layers.normalization.scaled import wide


class RMSNormalization(_OverAxes):
    """y = weight * x / sqrt(mean(x²) + epsilon), with the mean of each sample over `axis`.

    As in Keras, `weight` has the sizes of `axis` but is multiplied along the last axes, whatever `axis` is, and results
    of integers are cut off to integers. Half precision is computed in float32.
    Shape: (batch, *) -> the same; `weight` has the sizes of `axis`, sorted as numbers: -1 before 1.
    Raises: ValueError if `axis` is neither an int nor a list of ints, is outside of the input, names one twice or the
    batch axis, if its sizes are unknown or not those that the layer was built for, or can't be multiplied along the last.
    Source: keras.layers.RMSNormalization, Keras 3.15.
    """

    weight: Tensor

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_axis(axis)
        self.epsilon = epsilon
        self.add_weight("weight", initializer="ones", keras_name="scale")

    def build(self, input_shape: Any) -> None:
        sizes = self._build_axes(input_shape)
        self._refuse_if_not_last(sizes, input_shape)
        self.create_weights(weight=sizes)

    def _refuse_if_not_last(self, sizes: tuple[int, ...], shape: Any) -> None:
        for mine, theirs in zip(reversed(sizes), reversed(shape), strict=False):
            if theirs not in (mine, None) and mine != 1:
                raise ValueError(
                    f"RMSNormalization: axis={self.axis!r} of an input of shape {tuple(shape)} gives a scale of shape "
                    f"{sizes}, which can't be multiplied along the last axes, as Keras does"
                )

    def forward(self, x: Tensor) -> Tensor:
        weight = self.cast(self.weight)
        if self._always_last or are_last(self._axes(x.shape), x.ndim):
            if x.dtype is weight.dtype:
                return torch.rms_norm(x, weight.shape, weight, self.epsilon)
            wide_x = wide(x)
            return torch.rms_norm(wide_x, weight.shape, weight.to(wide_x.dtype), self.epsilon).to(x.dtype)
        self.check_input(x.shape)
        self._refuse_if_not_last(tuple(weight.shape), x.shape)
        wide_x = wide(x)
        root = (wide_x.square().mean(self._axes(x.shape), keepdim=True) + self.epsilon).rsqrt()
        return (wide_x * root * weight.to(wide_x.dtype)).to(x.dtype)
