"""Rescaling."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import Layer


class Rescaling(Layer):
    """y = x * scale + offset; each a number, or a list of them for the last axis.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `scale` or `offset` is neither a number nor a list of numbers.
    Source: keras.layers.Rescaling, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self._factor, self._shift = self._number("scale", scale), self._number("offset", offset)

    def _number(self, argument: str, value: Any) -> Any:
        """Return a number as it is, and a list of them as a tensor that moves with the layer."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        try:
            tensor = torch.as_tensor(value, dtype=self.compute_dtype)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"Rescaling: {argument}={value!r} is neither a number nor a list of numbers") from None
        self.register_buffer(f"_{argument}_values", tensor, persistent=False)
        return None

    def forward(self, x: Tensor) -> Tensor:
        factor: Any = self._scale_values if self._factor is None else self._factor
        shift: Any = self._offset_values if self._shift is None else self._shift
        y: Tensor = x * factor + shift
        return y
