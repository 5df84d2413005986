"""The layers of ConvNeXt."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers import initializers
from torch_layers.layers.base import Layer
from torch_layers.registry import Registry

_registry = Registry("layer of ConvNeXt", "keras.src.applications.convnext")


class LayerScale(Layer):
    """y = x * weight, along the last axis.

    Shape: (batch, *, projection_dim) -> the same; `weight` (projection_dim,), at first `init_values`.
    Source: keras/src/applications/convnext.py, 3.15.
    """

    registry = _registry
    weight: Tensor

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim
        self.add_weight(
            "weight",
            initializer=initializers.get({"class_name": "Constant", "config": {"value": init_values}}),
            keras_name="gamma",
        )

    def build(self, input_shape: Any = None) -> None:
        self.create_weights(weight=(self.projection_dim,))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.cast(self.weight)


class StochasticDepth(Layer):
    """In training, drop whole samples at a rate of `drop_path_rate` and scale up the rest; in eval, the identity.

    Shape: (batch, *) -> the same.
    Source: keras/src/applications/convnext.py, 3.15.
    """

    registry = _registry

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.drop_path_rate:
            return x
        kept = torch.rand((x.shape[0],) + (1,) * (x.ndim - 1), device=x.device) >= self.drop_path_rate
        return x / (1 - self.drop_path_rate) * kept
