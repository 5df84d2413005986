"""Maximum and Minimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from torch_layers.layers.merging.merge import Masks, _MaskedMerge
from torch_layers.registry import layer_functions


# At ties Keras sends the whole gradient to the first, which torch.maximum would halve; beside a NaN in the first, to the
# second. Nor is this slower in training.
def _maximum(a: Tensor, b: Tensor) -> Tensor:
    if _differentiable(a, b):
        return torch.where(a >= b, a, b + _nan(a.detach()))
    return torch.maximum(a, b)


def _minimum(a: Tensor, b: Tensor) -> Tensor:
    if _differentiable(a, b):
        return torch.where(a <= b, a, b + _nan(a.detach()))
    return torch.minimum(a, b)


def _differentiable(a: Tensor, b: Tensor) -> bool:
    # Not `requires_grad`, which torch.func.grad hides behind torch.vmap.
    return torch.is_grad_enabled() and (a.is_floating_point() or b.is_floating_point())


def _nan(x: Tensor) -> Tensor:
    """Return NaN where `x` is, else 0."""
    return x.clamp(0, 0)


class _Extremum(_MaskedMerge):
    """Merges from first to last; where one of two is masked, the other counts."""

    op: ClassVar[Callable[[Any, Any], Any]]

    def merge_masked(self, inputs: Sequence[Tensor], masks: Masks) -> Tensor:
        op = type(self).op
        (merged, *others), (seen, *other_masks) = inputs, masks
        for x, mask in zip(others, other_masks, strict=True):
            if mask is not None:
                x = torch.where(mask, x, merged)
            if seen is not None:
                merged = torch.where(seen, merged, x)
            seen = mask | seen if mask is not None and seen is not None else None
            merged = op(merged, x)
        return merged


class Maximum(_Extremum):
    """y = max(x[0], x[1], ...); where one of two is masked, the other counts.

    At ties the gradient goes to the first. NaN wins.
    Shape: a list of tensors that broadcast, batch sizes alike -> one tensor; `mask` is a list of a mask (the shape of
    its input without the last axis) or None for each input.
    Raises: ValueError if the input is not a list of tensors or their shapes or masks don't fit.
    Source: keras.layers.Maximum, Keras 3.15.
    """

    op = _maximum


class Minimum(_Extremum):
    """y = min(x[0], x[1], ...); where one of two is masked, the other counts.

    At ties the gradient goes to the first. NaN wins.
    Shape: a list of tensors that broadcast, batch sizes alike -> one tensor; `mask` is a list of a mask (the shape of
    its input without the last axis) or None for each input.
    Raises: ValueError if the input is not a list of tensors or their shapes or masks don't fit.
    Source: keras.layers.Minimum, Keras 3.15.
    """

    op = _minimum


@layer_functions.add
def maximum(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """Return `Maximum(**kwargs)(inputs)`. Source: keras.layers.maximum, Keras 3.15."""
    return Maximum(**kwargs)(inputs)


@layer_functions.add
def minimum(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """Return `Minimum(**kwargs)(inputs)`. Source: keras.layers.minimum, Keras 3.15."""
    return Minimum(**kwargs)(inputs)
