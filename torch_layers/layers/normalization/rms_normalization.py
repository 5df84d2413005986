"""RMSNormalization."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.base import Layer
from torch_layers.layers.normalization.axes import checked_axes, trailing
from torch_layers.layers.normalization.scaled import wide


class RMSNormalization(Layer):
    """y = weight * x / sqrt(mean(x²) + epsilon), with the mean of each sample over `axis`.

    Shape: (batch, *) -> the same; `weight` has the sizes of `axis`, in the order of the axes.
    Raises: ValueError if `axis` is outside of the input, names one twice or is the batch axis.
    Source: keras.layers.RMSNormalization, Keras 3.15.
    """

    takes_integers = False
    weight: Tensor

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon
        self.add_weight("weight", initializer="ones", keras_name="scale")

    def build(self, input_shape: Any) -> None:
        axes = checked_axes(self, self.axis, input_shape)
        self._trailing = trailing(axes, len(input_shape))
        self._axes = axes
        # In Keras, the config of a built layer has a sorted list.
        self.axis = sorted(self.axis) if isinstance(self.axis, (list, tuple)) else [self.axis]
        self.create_weights(weight=[input_shape[axis] for axis in axes])

    def forward(self, x: Tensor) -> Tensor:
        dtype, weight = x.dtype, self.cast(self.weight)
        x = wide(x)
        weight = weight if weight.dtype is x.dtype else weight.to(x.dtype)
        if self._trailing:
            y = F.rms_norm(x, x.shape[-len(self._axes) :], weight, self.epsilon)
        else:
            root = (x.square().mean(self._axes, keepdim=True) + self.epsilon).rsqrt()
            y = x * root * weight.view([size if axis in self._axes else 1 for axis, size in enumerate(x.shape)])
        return y if y.dtype is dtype else y.to(dtype)
