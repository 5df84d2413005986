"""Attention by products of queries and keys: fused, or step by step where its scores are wanted."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    scale: float,
    causal: bool = False,
    dropout: float = 0.0,
    averages: bool = False,
) -> Tensor:
    """Return softmax(scale * query @ key.T) @ value, over the last two axes, in one kernel.

    `mask` is True where a query may look. A query that may look nowhere gives the mean of all values if it `averages`,
    else 0; either way, it and the keys get no gradient from that.
    """
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=causal, scale=scale)
    sees_none = ~mask.any(-1, keepdim=True)
    if averages:
        # All scores of such a query are 0, as if it saw everything: the kernel's backward pass can't tell large numbers
        # from one another.
        query, mask = query.masked_fill(sees_none, 0), mask | sees_none
    bias = as_bias(mask, query.dtype)
    y = F.scaled_dot_product_attention(query, key, value, bias, dropout_p=dropout, scale=scale)
    return y if averages else y.masked_fill(sees_none, 0)


def attend_stepwise(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    scale: float,
    drop: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the same, 0 for a query that may look nowhere, and the scores, before `drop` changes them."""
    scores = (query * scale) @ key.transpose(-2, -1)
    if mask is None:
        scores = scores.softmax(-1)
    else:
        hidden = ~mask
        scores = scores.masked_fill(hidden, _large_negative(scores.dtype)).softmax(-1).masked_fill(hidden, 0)
    return (scores if drop is None else drop(scores)) @ value, scores


def as_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what hides the scores where `mask` is False once it is added: a large number, as -infinity would give NaN."""
    return torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, _large_negative(dtype))


def _large_negative(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).min / 2


def band(rows: int, columns: int, device: torch.device, *, causal: bool, window: int | None = None) -> Tensor:
    """Return a mask of (rows, columns): True where the column is at most `window` - 1 away, and not later if `causal`."""
    mask = torch.ones(rows, columns, dtype=torch.bool, device=device)
    if causal:
        mask = mask.tril()
    elif window is not None:
        mask = mask.tril(window - 1)
    return mask if window is None else mask.triu(1 - window)
