"""Margin losses: targets are -1 or 1, or classes one-hot."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss, _MeanLoss
from torch_layers.losses.tensors import Array, broadcast, tensors
from torch_layers.registry import losses


def _opposites(y_true: Tensor) -> Tensor:
    """Return minus the targets, of which those that are 0 and 1 throughout are taken as -1 and 1."""
    if y_true.numel() == 0:
        return -y_true
    # t - t^2 is zero for 0 and 1 alone. The extrema take a fraction of the time of a comparison and `all`.
    low, high = torch.aminmax(torch.addcmul(y_true, y_true, y_true, value=-1))
    binary = low.logical_or(high).logical_not().to(y_true.dtype)
    return torch.addcmul(binary, y_true, binary + 1, value=-1)


def _margin(y_true: Tensor, y_pred: Tensor) -> Tensor:
    # Not relu: exactly at the margin Keras's gradient is 1.
    return torch.addcmul(y_pred.new_ones(()), _opposites(y_true), y_pred).clamp_min(0.0)


@losses.add
def hinge(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of max(1 - y_true y_pred, 0) over the last axis.

    Targets are -1 or 1; if all of the batch are 0 or 1, 0 stands for -1.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.hinge, Keras 3.15.
    """
    return _margin(*broadcast("hinge", *tensors(y_true, y_pred))).mean(-1)


@losses.add
def squared_hinge(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of max(1 - y_true y_pred, 0)^2 over the last axis; targets as in `hinge`.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.squared_hinge, Keras 3.15.
    """
    return _margin(*broadcast("squared_hinge", *tensors(y_true, y_pred))).square().mean(-1)


@losses.add
def categorical_hinge(y_true: Array, y_pred: Array) -> Tensor:
    """Return max(neg - pos + 1, 0), pos = sum(y_true y_pred) and neg = max((1 - y_true) y_pred) over the last axis.

    Shape: (batch, *, classes) twice, targets one-hot -> (batch, *). Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.categorical_hinge, Keras 3.15.
    """
    y_true, y_pred = broadcast("categorical_hinge", *tensors(y_true, y_pred))
    pos = (y_true * y_pred).sum(-1)
    neg = ((1.0 - y_true) * y_pred).amax(-1)
    return (neg - pos + 1.0).clamp(min=0.0)


class Hinge(_MeanLoss):
    """The mean of max(1 - y_true y_pred, 0); targets are -1 or 1, or 0 or 1 throughout the batch.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.Hinge, Keras 3.15.
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _margin(y_true, y_pred)


class SquaredHinge(_MeanLoss):
    """The mean of max(1 - y_true y_pred, 0)^2; targets are -1 or 1, or 0 or 1 throughout the batch.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.SquaredHinge, Keras 3.15.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _margin(y_true, y_pred).square()


class CategoricalHinge(_MatchedLoss):
    """By how much the best wrong class is not a margin of 1 below the right one; see `categorical_hinge`.

    Shape: (batch, *, classes) twice, targets one-hot. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.CategoricalHinge, Keras 3.15.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_hinge(y_true, y_pred)
