"""Flatten."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format


class Flatten(Layer):
    """Join all axes but the batch into one, in channels_last order; "channels_first" inputs are transposed to it first.

    Shape: (batch, *sizes) -> (batch, product of sizes); (batch,) -> (batch, 1).
    Raises: ValueError for another `data_format` and for a scalar input.
    Source: keras.layers.Flatten, Keras 3.15.
    """

    input_spec = InputSpec(min_ndim=1)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self, data_format)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 1:
            return x.unsqueeze(1)
        return (x if self.data_format == "channels_last" else x.movedim(1, -1)).flatten(1)
