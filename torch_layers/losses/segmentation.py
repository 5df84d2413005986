"""Overlap losses: one minus a ratio of the shared to the whole."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss
from torch_layers.losses.tensors import EPSILON, Array, broadcast, check_axis, fits, tensors
from torch_layers.registry import losses

Axes: TypeAlias = "int | list[int] | tuple[int, ...] | None"


@losses.add
def dice(y_true: Array, y_pred: Array, axis: Axes = None) -> Tensor:
    """Return 1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7), sums over `axis`, None being all.

    Shape: any, broadcasting -> without `axis`. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.dice, Keras 3.15.
    """
    return _dice(*fits("dice", *tensors(y_true, y_pred)), axis)


def _dice(y_true: Tensor, y_pred: Tensor, axis: Axes) -> Tensor:
    check_axis("dice", axis, y_true, y_pred)
    shared = _total(y_true * y_pred, axis)
    whole = _total(y_true, axis) + _total(y_pred, axis) + EPSILON
    # 1 - 2 * ratio by one kernel: on a scalar each takes its time.
    return torch.sub(whole.new_ones(()), shared / whole, alpha=2)


@losses.add
def tversky(y_true: Array, y_pred: Array, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None) -> Tensor:
    """Return 1 - s / (s + alpha sum(y_true (1 - y_pred)) + beta sum(y_pred (1 - y_true)) + 1e-7).

    s = sum(y_true y_pred); sums over `axis`, None being all. So `alpha` weighs what was missed, which Keras's
    documentation calls false positives.

    Shape: any, broadcasting -> without `axis`. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.tversky, Keras 3.15.
    """
    return _tversky(*broadcast("tversky", *tensors(y_true, y_pred)), alpha, beta, axis)


def _tversky(y_true: Tensor, y_pred: Tensor, alpha: float, beta: float, axis: Axes) -> Tensor:
    check_axis("tversky", axis, y_true, y_pred)
    shared = _total(y_true * y_pred, axis)
    # The denominator by its sums: nothing cancels, and two products less than as written above.
    whole = shared * (1 - alpha - beta) + _total(y_true, axis) * alpha + _total(y_pred, axis) * beta
    return 1 - shared / (whole + EPSILON)


def _total(x: Tensor, axis: Axes) -> Tensor:
    # Over no axes, torch would sum over all.
    return x if axis in ((), []) else x.sum(axis)


class Dice(_MatchedLoss):
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7), sums over `axis`, None being all, the batch too.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.Dice, Keras 3.15.
    """

    shapes = staticmethod(fits)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _dice(y_true, y_pred, self.axis)


class Tversky(_MatchedLoss):
    """Dice's overlap with `alpha` for what was missed and `beta` for what was invented; see `tversky`.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.Tversky, Keras 3.15.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha, self.beta, self.axis = alpha, beta, axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _tversky(y_true, y_pred, self.alpha, self.beta, self.axis)
