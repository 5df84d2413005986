"""Masking."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.weights import as_tensor


class Masking(Layer):
    """Mask the steps whose features all equal `mask_value`, a number or one number per feature; their outputs are 0.

    The mask, from `compute_mask`, is True where a step stays. A `mask_value` of NaN equals nothing: every step stays.

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

    def forward(self, x: Tensor) -> Tensor:
        return torch.where((x != self.mask_value).any(-1, keepdim=True), x, 0)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return True for the steps that stay. As in Keras, a mask of the input is replaced, not joined."""
        stays: Tensor = (inputs != self.mask_value).any(-1)
        return stays
