"""Identity."""

from __future__ import annotations

from typing import Any

from torch_layers.layers.base import Layer


class Identity(Layer):
    """y = x, for a tensor or any nest of tensors.

    Shape: any -> the same. Raises: nothing.
    Source: keras.layers.Identity, Keras 3.15.
    """

    supports_masking = True

    def forward(self, x: Any) -> Any:
        return x
