"""ELU."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.activation.numbers import number
from torch_layers.layers.base import Layer


class ELU(Layer):
    """y = x where x > 0, else alpha * (exp(x) - 1).

    Shape: any -> the same.
    Raises: ValueError if `alpha` is no number.
    Source: keras.layers.ELU, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = number(self, "alpha", alpha)

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha)
