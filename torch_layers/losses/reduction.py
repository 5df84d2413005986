"""Losses to one number: sample weights, masks and the reduction. The one place for all three.

Source: keras/src/losses/loss.py (reduce_weighted_values, apply_mask), 3.15.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.losses.tensors import as_tensor, fits, same_rank
from torch_layers.registry import nearest

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
REDUCTIONS = (*MEANS, "sum", "none", None)


def check_reduction(owner: str, reduction: Any) -> str | None:
    """Return `reduction`. Raises: ValueError if it is not one of `REDUCTIONS`."""
    if reduction not in REDUCTIONS:
        hint = nearest(reduction, [name for name in REDUCTIONS if name])
        raise ValueError(f"{owner}: reduction={reduction!r} is not one of {REDUCTIONS}{hint}")
    return None if reduction is None else str(reduction)


def reduce(
    owner: str, values: Tensor, sample_weight: Any = None, mask: Tensor | None = None, reduction: str | None = MEANS[0]
) -> Tensor:
    """Weigh `values`, leave out what `mask` marks False, and reduce.

    "sum_over_batch_size" and "mean" divide by the number of values, or of unmasked ones; "mean_with_sample_weight"
    divides by the sum of the weights. Nothing to divide by gives 0. As in Keras, an empty vector stays as it is.

    Raises: ValueError if the weights or the mask don't broadcast against the values.
    """
    weight = None if sample_weight is None else as_tensor(sample_weight, values.dtype, values.device)
    if mask is not None and weight is None and mask.shape == values.shape and values.numel() and reduction in MEANS:
        return _masked_mean(values, mask)
    if mask is not None:
        kept = _mask_weight(mask, values.dtype, reduction)
        weight = kept if weight is None else _times(owner, kept, weight, ("mask", "sample_weight"))
    if weight is not None:
        names = ("losses", "mask" if sample_weight is None else "sample_weight")
        values, weight = fits(owner, *same_rank(values, weight), names)
        values = values * weight
    if reduction is None or reduction == "none" or values.ndim == 0 or values.shape == (0,):
        return values
    if reduction == "mean_with_sample_weight" and weight is not None:
        return _divide_no_nan(values.sum(), weight.sum())
    return values.sum() if reduction == "sum" or values.numel() == 0 else values.mean()


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of what counts, 0 if nothing does: what weights would give, by half of their kernels."""
    # Not the sum by their number: in half precision it may be infinite.
    return (values * mask).mean() * (values.numel() / mask.sum().clamp(min=1).to(values.dtype))


def _mask_weight(mask: Tensor, dtype: torch.dtype, reduction: str | None) -> Tensor:
    weight = mask.to(dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        # The mean over all values will divide by their number: this makes it the mean over the valid ones.
        return weight * _divide_no_nan(weight.new_full((), mask.numel()), weight.sum())
    return weight


def _times(owner: str, first: Tensor, second: Tensor, names: tuple[str, str]) -> Tensor:
    first, second = fits(owner, *same_rank(first, second), names)
    return first * second


def _divide_no_nan(total: Tensor, divisor: Tensor) -> Tensor:
    empty = divisor == 0
    return (total / divisor.masked_fill(empty, 1)).masked_fill(empty, 0)
