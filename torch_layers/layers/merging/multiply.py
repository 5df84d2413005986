"""Multiply."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.merging.merge import Masks, _MaskedMerge
from torch_layers.registry import layer_functions


class Multiply(_MaskedMerge):
    """y = x[0] * x[1] * ...; masked elements count as 1, and are 0 where all of the inputs are masked.

    Shape: a list of tensors that broadcast, batch sizes alike -> one tensor; `mask` is a list of a mask (the shape of
    its input without the last axis) or None for each input.
    Raises: ValueError if the input is not a list of tensors or their shapes or masks don't fit.
    Source: keras.layers.Multiply, Keras 3.15.
    """

    op = operator.mul

    def merge_masked(self, inputs: Sequence[Tensor], masks: Masks) -> Tensor:
        kept = [x if m is None else x.masked_fill(~m, 1) for x, m in zip(inputs, masks, strict=True)]
        product = reduce(operator.mul, kept)
        if any(m is None for m in masks):
            return product
        seen: Tensor = reduce(torch.logical_or, masks)  # type: ignore[assignment, arg-type]
        return product.masked_fill(~seen, 0)


@layer_functions.add
def multiply(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """Return `Multiply(**kwargs)(inputs)`. Source: keras.layers.multiply, Keras 3.15."""
    return Multiply(**kwargs)(inputs)
