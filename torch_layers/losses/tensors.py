"""What a loss takes: anything array-like becomes a tensor, and two shapes meet by Keras's rule.

The one place for both. Source: keras/src/losses/loss.py (squeeze_or_expand_to_same_rank), 3.15.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

Array: TypeAlias = "Tensor | np.ndarray[Any, Any] | Sequence[Any] | float"

# Keras's backend.epsilon().
EPSILON = 1e-7


def as_tensor(value: Any, dtype: torch.dtype | None = None, device: torch.device | None = None) -> Tensor:
    """Return `value` as a tensor of `dtype` (None: its own); an array, a list or a number is put on `device`."""
    if isinstance(value, Tensor):
        return value if dtype is None or value.dtype is dtype else value.to(dtype)
    if isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) for item in value):
        return as_tensor(torch.stack([as_tensor(item) for item in value]), dtype)
    if isinstance(value, (np.ndarray, np.generic)):
        # A copy: torch refuses or warns at negative strides and read-only memory.
        return torch.from_numpy(np.array(value)).to(device, dtype)
    return torch.tensor(value, dtype=dtype, device=device)


def same_rank(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Where the ranks differ by one and the larger ends in an axis of 1, give or take that axis.

    The smaller one gets it if its rank is 1, so that (N,) and (N, 1) meet as (N, 1); else the larger one loses it.
    """
    if first.ndim == second.ndim + 1 and first.shape[-1] == 1:
        return (first, second.unsqueeze(-1)) if second.ndim == 1 else (first.squeeze(-1), second)
    if second.ndim == first.ndim + 1 and second.shape[-1] == 1:
        return (first.unsqueeze(-1), second) if first.ndim == 1 else (first, second.squeeze(-1))
    return first, second


def meet(owner: str, **pair: Tensor) -> tuple[Tensor, Tensor]:
    """Give two named tensors the same rank.

    Raises: ValueError naming `owner`, both names and both shapes if the two don't broadcast even then.
    """
    (left, first), (right, second) = pair.items()
    matched, other = same_rank(first, second)
    sizes = zip(reversed(matched.shape), reversed(other.shape), strict=False)
    if not all(m == n or m == 1 or n == 1 for m, n in sizes):
        raise ValueError(
            f"{owner}: {left} of shape {tuple(first.shape)} and {right} of shape {tuple(second.shape)} do not broadcast"
        )
    return matched, other


def tensors(y_true: Array, y_pred: Array, class_ids: bool = False) -> tuple[Tensor, Tensor]:
    """Return both as tensors in the dtype of `y_pred`, or torch's default if that isn't a floating one.

    With `class_ids`, the targets keep their own dtype: an id that passed through a float need not come back.
    """
    y_pred = as_tensor(y_pred)
    if not y_pred.is_floating_point():
        y_pred = y_pred.to(torch.get_default_dtype())
    return as_tensor(y_true, None if class_ids else y_pred.dtype, y_pred.device), y_pred


def broadcast(owner: str, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Give both one shape: the same rank by `same_rank`, then broadcast. Raises: ValueError if they don't."""
    if y_true.shape == y_pred.shape:
        return y_true, y_pred
    first, second = torch.broadcast_tensors(*meet(owner, y_true=y_true, y_pred=y_pred))
    return first, second


def identical(owner: str, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as they are. Raises: ValueError if their shapes differ at all."""
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{owner}: y_true of shape {tuple(y_true.shape)} must have the shape of y_pred, {tuple(y_pred.shape)}"
        )
    return y_true, y_pred
