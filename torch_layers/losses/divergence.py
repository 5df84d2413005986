"""Losses between distributions: Kullback-Leibler and Poisson."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss, _MeanLoss
from torch_layers.losses.tensors import EPSILON, Array, broadcast, tensors
from torch_layers.registry import losses


@losses.alias("kld", "KLD")
def kl_divergence(y_true: Array, y_pred: Array) -> Tensor:
    """Return the sum of y_true log(y_true / y_pred) over the last axis, both clipped to [1e-7, 1].

    Shape: (batch, *, classes) twice -> (batch, *). Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.kl_divergence, Keras 3.15.
    """
    y_true, y_pred = broadcast("kl_divergence", *tensors(y_true, y_pred))
    y_true, y_pred = y_true.clamp(EPSILON, 1), y_pred.clamp(EPSILON, 1)
    # A quotient is one logarithm less, but its gradient costs more than that of a difference.
    log_ratio = y_true.log() - y_pred.log() if torch.is_grad_enabled() else (y_true / y_pred).log()
    return (y_true * log_ratio).sum(-1)


@losses.add
def poisson(y_true: Array, y_pred: Array) -> Tensor:
    """Return the mean of y_pred - y_true log(y_pred + 1e-7) over the last axis.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.poisson, Keras 3.15.
    """
    return _poisson(*broadcast("poisson", *tensors(y_true, y_pred))).mean(-1)


def _poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return F.poisson_nll_loss(y_pred, y_true, log_input=False, eps=EPSILON, reduction="none")


class KLDivergence(_MatchedLoss):
    """The sum of y_true log(y_true / y_pred) over the classes, both clipped to [1e-7, 1].

    Shape: (batch, *, classes) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.KLDivergence, Keras 3.15.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return kl_divergence(y_true, y_pred)


class Poisson(_MeanLoss):
    """The mean of y_pred - y_true log(y_pred + 1e-7).

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.Poisson, Keras 3.15.
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _poisson(y_true, y_pred)
