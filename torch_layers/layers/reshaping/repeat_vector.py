"""RepeatVector."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec, Layer


class RepeatVector(Layer):
    """Repeat each sample `n` times along a new axis 1; a view, all of whose repetitions share their memory.

    Shape: (batch, features) -> (batch, n, features).
    Raises: ValueError if `n` is not a positive int, or for an input of another rank than 2.
    Source: keras.layers.RepeatVector, Keras 3.15.
    """

    input_spec = InputSpec(min_ndim=2, max_ndim=2)

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive_int(self, "n", n)

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1).expand(-1, self.n, -1)
