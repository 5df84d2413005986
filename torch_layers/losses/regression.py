"""Losses of real-valued targets: squared, absolute, relative and logarithmic errors, Huber and log-cosh.

Each function averages over the last axis: (batch, *, size) twice -> (batch, *).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss, _MeanLoss
from torch_layers.losses.tensors import EPSILON, Array, broadcast, same_rank, tensors
from torch_layers.registry import losses


def _squared(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return F.mse_loss(y_pred, y_true, reduction="none")


def _absolute(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return F.l1_loss(y_pred, y_true, reduction="none")


def _relative(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ((y_true - y_pred) / y_true.abs().clamp(min=EPSILON)).abs()


def _logarithms(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    # Keras's epsilon is float32 here, which takes half precision along.
    dtype = torch.promote_types(y_pred.dtype, torch.float32)
    return y_true.to(dtype).clamp(min=EPSILON).log1p(), y_pred.to(dtype).clamp(min=EPSILON).log1p()


def _huber(y_true: Tensor, y_pred: Tensor, delta: float) -> Tensor:
    if delta > 0:
        return F.huber_loss(y_pred, y_true, reduction="none", delta=delta)
    # torch refuses these; in Keras no error is within a delta of 0 or less.
    return delta * (y_pred - y_true).abs() - 0.5 * delta**2


def _log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    error = y_pred - y_true
    # log(cosh(e)) = e + log(1 + exp(-2e)) - log(2). Torch's softplus is linear from 20 on, which float64 would notice.
    # The last term is left to the mean.
    return error + F.softplus(-2 * error, threshold=40)


@losses.alias("mse", "MSE")
def mean_squared_error(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of (y_true - y_pred)^2 over the last axis.

    Raises: ValueError if the shapes don't broadcast. Source: keras.losses.mean_squared_error, Keras 3.15.
    """
    return _squared(*broadcast("mean_squared_error", *same_rank(*tensors(y_true, y_pred)))).mean(-1)


@losses.alias("mae", "MAE")
def mean_absolute_error(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of |y_true - y_pred| over the last axis.

    Raises: ValueError if the shapes don't broadcast. Source: keras.losses.mean_absolute_error, Keras 3.15.
    """
    return _absolute(*broadcast("mean_absolute_error", *same_rank(*tensors(y_true, y_pred)))).mean(-1)


@losses.alias("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Array, y_pred: Array) -> Tensor:
    """Return 100 times the mean of |y_true - y_pred| / max(|y_true|, 1e-7) over the last axis.

    Raises: ValueError if the shapes don't broadcast. Source: keras.losses.mean_absolute_percentage_error, Keras 3.15.
    """
    return 100.0 * _relative(*broadcast("mean_absolute_percentage_error", *same_rank(*tensors(y_true, y_pred)))).mean(
        -1
    )


@losses.alias("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of (log(1 + y_true) - log(1 + y_pred))^2 over the last axis, both at least 1e-7.

    Half precision is computed, and returned, in float32.

    Raises: ValueError if the shapes don't broadcast. Source: keras.losses.mean_squared_logarithmic_error, Keras 3.15.
    """
    y_true, y_pred = broadcast("mean_squared_logarithmic_error", *same_rank(*tensors(y_true, y_pred)))
    return _squared(*_logarithms(y_true, y_pred)).mean(-1)


@losses.add
def huber(y_true: Array, y_pred: Array, delta: float = 1.0) -> Tensor:
    """Return the mean over the last axis of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2.

    e = y_pred - y_true.

    Raises: ValueError if the shapes don't broadcast. Source: keras.losses.huber, Keras 3.15.
    """
    return _huber(*broadcast("huber", *same_rank(*tensors(y_true, y_pred))), delta).mean(-1)


@losses.add
def log_cosh(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of log(cosh(y_pred - y_true)) over the last axis.

    Raises: ValueError if the shapes don't broadcast. Source: keras.losses.log_cosh, Keras 3.15.
    """
    return _log_cosh(*broadcast("log_cosh", *same_rank(*tensors(y_true, y_pred)))).mean(-1) - math.log(2)


class MeanSquaredError(_MeanLoss):
    """The mean of (y_true - y_pred)^2.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.MeanSquaredError, Keras 3.15.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _squared(y_true, y_pred)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.mse_loss(y_pred, y_true)


class MeanAbsoluteError(_MeanLoss):
    """The mean of |y_true - y_pred|.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.MeanAbsoluteError, Keras 3.15.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _absolute(y_true, y_pred)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.l1_loss(y_pred, y_true)


class MeanAbsolutePercentageError(_MatchedLoss):
    """The mean of 100 |y_true - y_pred| / max(|y_true|, 1e-7).

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.MeanAbsolutePercentageError, Keras 3.15.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 100.0 * _relative(y_true, y_pred).mean(-1)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 100.0 * _relative(y_true, y_pred).mean()


class MeanSquaredLogarithmicError(_MeanLoss):
    """The mean of (log(1 + y_true) - log(1 + y_pred))^2, both at least 1e-7.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.MeanSquaredLogarithmicError, Keras 3.15.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _squared(*_logarithms(y_true, y_pred))

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y_true, y_pred = _logarithms(y_true, y_pred)
        return F.mse_loss(y_pred, y_true)


class Huber(_MeanLoss):
    """Squared where the error is at most `delta`, linear beyond; see `huber`.

    As in Keras, the config doesn't hold `delta`: a loss made from it has the default.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.Huber, Keras 3.15.
    """

    config_omits: ClassVar[frozenset[str]] = frozenset({"dtype", "delta"})

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _huber(y_true, y_pred, self.delta)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if self.delta > 0:
            return F.huber_loss(y_pred, y_true, delta=self.delta)
        return super().fused_mean(y_true, y_pred)


class LogCosh(_MatchedLoss):
    """The mean of log(cosh(y_pred - y_true)): squared for small errors, absolute for large ones.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.LogCosh, Keras 3.15.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _log_cosh(y_true, y_pred).mean(-1) - math.log(2)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _log_cosh(y_true, y_pred).mean() - math.log(2)
