"""Cross-entropies of independent yes-or-no targets."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss
from torch_layers.losses.tensors import EPSILON, Array, check_axis, identical, tensors
from torch_layers.registry import losses


def _smooth(y_true: Tensor, label_smoothing: float) -> Tensor:
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def _terms(y_true: Tensor, y_pred: Tensor, from_logits: bool) -> Tensor:
    """Return -y_true log(p) - (1 - y_true) log(1 - p), p clipped or given by its logits."""
    if from_logits:
        return F.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none")
    y_pred = y_pred.clamp(EPSILON, 1.0 - EPSILON)
    # Not F.binary_cross_entropy: it dies of NaN, which a diverging model should be able to report, and takes twice as
    # long on large inputs.
    return -_either(y_true, y_pred.log(), torch.log1p(-y_pred))


def _either(y_true: Tensor, if_one: Tensor, if_zero: Tensor) -> Tensor:
    """Return `if_one` where the target is 1, `if_zero` where it is 0, in proportion between."""
    if y_true.requires_grad:  # lerp's gradient for targets is infinite where Keras's is NaN
        return torch.addcmul(y_true * if_one, 1.0 - y_true, if_zero)
    return if_zero.lerp(if_one, y_true)


@losses.alias("bce", "BCE")
def binary_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Return the mean of -y_true log(y_pred) - (1 - y_true) log(1 - y_pred) over `axis`.

    Probabilities are clipped to [1e-7, 1 - 1e-7], beyond which their gradient is 0; logits are taken as they are.
    `label_smoothing` draws targets towards 1/2.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes differ.
    Source: keras.losses.binary_crossentropy, Keras 3.15.
    """
    y_true, y_pred = identical("binary_crossentropy", *tensors(y_true, y_pred))
    check_axis("binary_crossentropy", axis, y_pred)
    return _terms(_smooth(y_true, label_smoothing), y_pred, from_logits).mean(axis)


@losses.add
def binary_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Return the binary cross-entropy with each term times (1 - p_t)^gamma, averaged over `axis`.

    p_t is the probability given to the target; `apply_class_balancing` weighs targets of 1 by `alpha` and of 0 by
    1 - `alpha`. Probabilities are clipped as in `binary_crossentropy`, logits are taken as they are.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes differ.
    Source: keras.losses.binary_focal_crossentropy, Keras 3.15.
    """
    y_true, y_pred = identical("binary_focal_crossentropy", *tensors(y_true, y_pred))
    check_axis("binary_focal_crossentropy", axis, y_pred)
    balance = alpha if apply_class_balancing else None
    return _focal_terms(_smooth(y_true, label_smoothing), y_pred, balance, gamma, from_logits).mean(axis)


def _focal_terms(y_true: Tensor, y_pred: Tensor, alpha: float | None, gamma: float, from_logits: bool) -> Tensor:
    # The probability isn't clipped.
    probability = y_pred.sigmoid() if from_logits else y_pred
    return _focused(_terms(y_true, y_pred, from_logits), y_true, probability, alpha, gamma)


def _focused(terms: Tensor, y_true: Tensor, probability: Tensor, alpha: float | None, gamma: float) -> Tensor:
    # Not p + y - 2 p y, though it is faster: Keras's gradient takes two ways, which can make it NaN.
    missed = _either(y_true, 1.0 - probability, probability)
    focal = missed.pow(gamma) * terms
    return focal if alpha is None else focal * (y_true * (2 * alpha - 1) + (1 - alpha))


class BinaryCrossentropy(_MatchedLoss):
    """The mean of -y_true log(y_pred) - (1 - y_true) log(1 - y_pred); see `binary_crossentropy`.

    Keras takes the logits behind a prediction that came straight from its own sigmoid; here predictions are what they
    are: a model that trains into saturation is better judged by its logits, with `from_logits=True`.

    Shape: (batch, *) twice. Raises: ValueError if the shapes differ.
    Source: keras.losses.BinaryCrossentropy, Keras 3.15.
    """

    shapes = staticmethod(identical)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        check_axis("BinaryCrossentropy", self.axis, y_pred)
        y_true = _smooth(y_true, self.label_smoothing)
        if self.from_logits:
            return F.binary_cross_entropy_with_logits(y_pred, y_true)
        return _terms(y_true, y_pred, False).mean()


class BinaryFocalCrossentropy(_MatchedLoss):
    """The binary cross-entropy that counts what is already well predicted less; see `binary_focal_crossentropy`.

    Shape: (batch, *) twice. Raises: ValueError if the shapes differ.
    Source: keras.losses.BinaryFocalCrossentropy, Keras 3.15.
    """

    shapes = staticmethod(identical)

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_focal_crossentropy(
            y_true,
            y_pred,
            self.apply_class_balancing,
            self.alpha,
            self.gamma,
            self.from_logits,
            self.label_smoothing,
            self.axis,
        )

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        check_axis("BinaryFocalCrossentropy", self.axis, y_pred)
        y_true, alpha = _smooth(y_true, self.label_smoothing), self.alpha if self.apply_class_balancing else None
        return _focal_terms(y_true, y_pred, alpha, self.gamma, self.from_logits).mean()
