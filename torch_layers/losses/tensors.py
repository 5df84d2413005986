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
    more = first.ndim - second.ndim
    if more == 1 and first.size(-1) == 1:
        return (first, second.unsqueeze(-1)) if second.ndim == 1 else (first.squeeze(-1), second)
    if more == -1 and second.size(-1) == 1:
        return (first.unsqueeze(-1), second) if first.ndim == 1 else (first, second.squeeze(-1))
    return first, second


def fits(
    owner: str, first: Tensor, second: Tensor, names: tuple[str, str] = ("y_true", "y_pred")
) -> tuple[Tensor, Tensor]:
    """Return both as they are. Raises: ValueError naming `owner` and both shapes if they don't broadcast."""
    sizes = zip(reversed(first.shape), reversed(second.shape), strict=False)
    if not all(m == n or m == 1 or n == 1 for m, n in sizes):
        raise ValueError(
            f"{owner}: {names[0]} of shape {tuple(first.shape)} and {names[1]} of shape {tuple(second.shape)} "
            f"do not broadcast"
        )
    return first, second


def tensors(y_true: Array, y_pred: Array, class_ids: bool = False) -> tuple[Tensor, Tensor]:
    """Return both as tensors in the dtype of `y_pred`, or torch's default if that isn't a floating one.

    With `class_ids`, the targets keep their own dtype: an id that passed through a float need not come back.
    """
    y_pred = as_tensor(y_pred)
    if not y_pred.is_floating_point():
        y_pred = y_pred.to(torch.get_default_dtype())
    return as_tensor(y_true, None if class_ids else y_pred.dtype, y_pred.device), y_pred


def broadcast(owner: str, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Give both one shape. Raises: ValueError if they don't broadcast."""
    if first.shape == second.shape:
        return first, second
    fits(owner, first, second)
    shape = torch.broadcast_shapes(first.shape, second.shape)  # type: ignore[no-untyped-call]
    return first.expand(shape), second.expand(shape)


def identical(owner: str, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as they are. Raises: ValueError if their shapes differ at all."""
    if first.shape != second.shape:
        raise ValueError(
            f"{owner}: y_true of shape {tuple(first.shape)} must have the shape of y_pred, {tuple(second.shape)}"
        )
    return first, second


def check_axis(owner: str, axis: Any, *operands: Tensor) -> None:
    """Raises: ValueError if `axis`, an int or several, is not one of every operand; None stands for all."""
    if axis is None:
        return
    for operand in operands:
        for one in axis if isinstance(axis, (list, tuple)) else (axis,):
            if not -operand.ndim <= one < operand.ndim:
                raise ValueError(f"{owner}: axis={axis!r} is not an axis of the shape {tuple(operand.shape)}")
