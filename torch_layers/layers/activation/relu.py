"""ReLU."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers import activations
from torch_layers.layers.activation.numbers import number
from torch_layers.layers.base import Layer


class ReLU(Layer):
    """y = x where x > threshold, else negative_slope * (x - threshold); `max_value` is the most it returns.

    Shape: any -> the same.
    Raises: ValueError if an argument is negative or no number; only `max_value` may be None.
    Source: keras.layers.ReLU, Keras 3.15.
    """

    supports_masking = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = max_value if max_value is None else number(self, "max_value", max_value, low=0)
        self.negative_slope = number(self, "negative_slope", negative_slope, low=0)
        self.threshold = number(self, "threshold", threshold, low=0)

    def forward(self, x: Tensor) -> Tensor:
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)
