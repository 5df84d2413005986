"""Activation."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers import activations
from torch_layers.layers.base import Layer


class Activation(Layer):
    """y = activation(x), for the name of a function of `torch_layers.activations`, or any function of a tensor.

    Shape: any -> the same, as far as the function keeps it.
    Raises: ValueError for an unknown name.
    Source: keras.layers.Activation, Keras 3.15.
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(x)
        return y
