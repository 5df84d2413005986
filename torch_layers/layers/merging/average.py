"""Average."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.merging.merge import _Merge
from torch_layers.registry import layer_functions


class Average(_Merge):
    """y = (x[0] + x[1] + ...) / n, for n tensors. Integers give floats: float64 for 32 bits and more, else float32.

    Shape: a list of tensors that broadcast, batch sizes alike -> one tensor.
    Raises: ValueError if the input is not a list of tensors or their shapes don't fit.
    Source: keras.layers.Average, Keras 3.15.
    """

    op = operator.add

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        total = _Merge.forward(self, inputs)
        if not total.is_floating_point() and not total.is_complex():
            total = total.to(torch.float64 if total.dtype in (torch.int32, torch.int64) else torch.float32)
        return total / len(inputs)


@layer_functions.add
def average(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """Return `Average(**kwargs)(inputs)`. Source: keras.layers.average, Keras 3.15."""
    return Average(**kwargs)(inputs)
