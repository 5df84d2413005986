"""Merging layers of Keras 1 and 2 where inputs have masks: there they mean something else than in Keras 3.

Source: keras/layers/merge.py, Keras 2.0 to 2.3; tf_keras/src/layers/merging, 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.core.wrapper import Wrapper
from torch_layers.layers.merging.concatenate import Concatenate, _over_last_axis
from torch_layers.saving.legacy.layers import around, legacy_layers

CLASSES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


class MergedAsInKeras2(Wrapper):
    """A merging layer, `layer`, that merges all numbers, masked ones too. Something of the output is unmasked where every
    input that has a mask says so; behind each other, where every part that meets in the last axis does.

    Shape: as of `layer`.
    Raises: what `layer` raises.
    Source: keras/layers/merge.py (compute_mask), Keras 2.3.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False

    def forward(self, inputs: Any) -> Any:
        return self.layer(inputs)

    def compute_mask(self, inputs: Sequence[Tensor], mask: Any = None) -> Tensor | None:
        """Return the mask of the output; None if no input has one."""
        if mask is None:
            return None
        masks = self.layer.check_masks(inputs, mask)
        given = [m for m in masks if m is not None]
        if not given:
            return None
        if isinstance(self.layer, Concatenate):
            parts = [_over_last_axis(x, m) for x, m in zip(inputs, masks, strict=True)]
            return torch.cat(parts, self.layer.axis).all(-1)
        both: Tensor = reduce(torch.logical_and, given)
        return both


def as_keras_2_merges(described: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a merging layer of Keras 3 as one with the masks of Keras 2."""
    return around(described, "MergedAsInKeras2")
