"""Masking."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.weights import as_tensor

_WIDE = (torch.float32, torch.float64)


class Masking(Layer):
    """Mask the steps whose features all equal `mask_value`, a number or one number per feature; their outputs are 0.

    The mask, from `compute_mask`, is True where a step stays. A `mask_value` of NaN equals nothing: every step stays.
    As in Keras, a float is compared as a float32: 0.1 equals no input of float64, float16 or bfloat16.

    Shape: (batch, *, features) -> the same; mask (batch, *).
    Raises: ValueError for a scalar input.
    Source: keras.layers.Masking, Keras 3.15.
    """

    supports_masking = True
    input_spec = InputSpec(min_ndim=1)
    mask_value: Any

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if hasattr(mask_value, "shape"):
            mask_value = as_tensor(mask_value)
            if mask_value.ndim == 0:
                mask_value = mask_value.item()
            else:
                # Moves with the layer to its device; no state_dict holds it, for the config does.
                self.register_buffer("mask_value", mask_value.clone(), persistent=False)
        if not isinstance(mask_value, Tensor):
            self.mask_value = mask_value
        self._rounded = float(np.float32(mask_value)) if isinstance(mask_value, float) else None

    def forward(self, x: Tensor) -> Tensor:
        return x.where(self._stays(x), 0)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return True for the steps that stay. As in Keras, a mask of the input is replaced, not joined."""
        return self._stays(inputs).squeeze(-1)

    def _stays(self, x: Tensor) -> Tensor:
        value = self._rounded
        if value is None:
            value = self.mask_value
        elif x.dtype not in _WIDE:
            x = x.float()
        # A sum takes half the time of `any`.
        return (x != value).sum(-1, keepdim=True, dtype=torch.int32).bool()
