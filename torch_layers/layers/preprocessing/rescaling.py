"""Rescaling."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import Layer


class Rescaling(Layer):
    """y = x * scale + offset; each a number, or an array of them that broadcasts to the last axes.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `scale` or `offset` is neither a number nor an array of numbers.
    Source: keras.layers.Rescaling, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    _scale: Tensor
    _offset: Tensor

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self._factor, self._shift = self._number("scale"), self._number("offset")

    def _number(self, argument: str) -> float | None:
        """Return a number as it is; keep an array as a buffer, which moves with the layer, and return None."""
        value = getattr(self, argument)
        if isinstance(value, (int, float)):
            return value
        try:
            array = torch.as_tensor(value, dtype=self.compute_dtype)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"Rescaling: {argument}={value!r} is neither a number nor an array of numbers") from None
        self.register_buffer(f"_{argument}", array, persistent=False)
        return None

    def forward(self, x: Tensor) -> Tensor:
        if not self.autocast:
            x = x.to(self.compute_dtype)  # as Keras does in any case
        y: Tensor = x * (self._scale if self._factor is None else self._factor)
        if self._shift == 0:
            return y
        return y + (self._offset if self._shift is None else self._shift)
