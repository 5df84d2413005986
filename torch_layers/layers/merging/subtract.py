"""Subtract."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.merging.merge import Shape, _Merge
from torch_layers.registry import layer_functions


class Subtract(_Merge):
    """y = x[0] - x[1]

    Shape: a list of two tensors that broadcast, batch sizes alike -> one tensor.
    Raises: ValueError if the input is not a list of two tensors or their shapes don't fit.
    Source: keras.layers.Subtract, Keras 3.15.
    """

    op = operator.sub

    def _check_list(self, inputs: Any) -> None:
        super()._check_list(inputs)
        if len(inputs) != 2:
            raise ValueError(f"Subtract: inputs has {len(inputs)} tensors, allowed is 2")

    def check_shapes(self, shapes: Sequence[Shape]) -> None:
        super().check_shapes(shapes)
        if len(shapes) != 2:
            raise ValueError(f"Subtract: input_shape={shapes!r} has {len(shapes)} shapes, allowed is 2")

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        a, b = inputs
        if a.dtype is not b.dtype:  # torch subtracts no booleans
            dtype = torch.promote_types(a.dtype, b.dtype)
            a, b = a.to(dtype), b.to(dtype)
        return a - b if a.ndim == b.ndim else super().forward([a, b])


@layer_functions.add
def subtract(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """Return `Subtract(**kwargs)(inputs)`. Source: keras.layers.subtract, Keras 3.15."""
    return Subtract(**kwargs)(inputs)
