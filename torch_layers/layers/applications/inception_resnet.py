"""The layer of InceptionResNetV2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import Layer
from torch_layers.registry import Registry


class CustomScaleLayer(Layer):
    """first + second * scale, of a list of two.

    Shape: [(batch, *), (batch, *)] -> the same.
    Source: keras/src/applications/inception_resnet_v2.py, 3.15.
    """

    registry = Registry("layer of InceptionResNetV2", "keras.src.applications.inception_resnet_v2")

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return torch.add(inputs[0], inputs[1], alpha=self.scale)
