"""ActivityRegularization."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers import regularizers
from torch_layers.layers.base import Layer


class ActivityRegularization(Layer):
    """The identity, with a penalty of l1 * sum(|x|) + l2 * sum(x²), divided by the batch size, in `losses`.

    Shape: (batch, *) -> the same.
    Source: keras.layers.ActivityRegularization, Keras 3.15.
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def forward(self, x: Tensor) -> Tensor:
        return x

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]  # which l1 and l2 describe
        return config
