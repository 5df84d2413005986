"""Wrapper."""

from __future__ import annotations

from typing import Any

from torch_layers.layers.base import Layer
from torch_layers.layers.weighted import Weighted


class Wrapper(Layer):
    """Base of layers around one other layer, `layer`, which they build with their own input shape.

    A subclass defines `forward`. Parameters are `layer.weight` and so on.
    Shape: as the subclass says.
    Raises: ValueError if `layer` is not a layer or model of torch_layers; NotImplementedError if it is called itself.
    Source: keras.layers.Wrapper, Keras 3.15.
    """

    layer: Any

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Weighted):
            raise ValueError(f"{type(self).__name__}: layer={layer!r} is not a layer or model of torch_layers")
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not getattr(self.layer, "built", True):
            self.layer.build(input_shape)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Raise NotImplementedError: a subclass says what it does with `layer`."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward: Wrapper is a base for other layers")
