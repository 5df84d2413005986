"""LeakyReLU."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers import activations
from torch_layers.layers.activation.numbers import number
from torch_layers.layers.base import Layer


class LeakyReLU(Layer):
    """y = x where x > 0, else negative_slope * x. Keras 2's name of the slope, `alpha`, is taken too.

    The slope is 0.3 by default, 0.2 in `activations.leaky_relu` and 0.01 in `torch.nn.LeakyReLU`.

    Shape: any -> the same.
    Raises: ValueError if `negative_slope` is negative or no number.
    Source: keras.layers.LeakyReLU, Keras 3.15.
    """

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = number(self, "negative_slope", negative_slope, low=0)

    def forward(self, x: Tensor) -> Tensor:
        return activations.leaky_relu(x, self.negative_slope)
