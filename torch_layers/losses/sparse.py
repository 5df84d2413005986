"""The cross-entropy of targets that are class ids."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss
from torch_layers.losses.tensors import EPSILON, Array, check_axis, tensors
from torch_layers.registry import losses

# F.cross_entropy would pass over -100 in silence; no id is this one.
_NO_CLASS = torch.iinfo(torch.int64).min


def _matched(y_true: Tensor, y_pred: Tensor, axis: int) -> tuple[Tensor, int]:
    """Return the class ids, without the axis of classes, and that axis counted from 0."""
    if axis == -1 and y_true.shape == y_pred.shape[:-1]:
        return y_true, y_pred.ndim - 1
    check_axis("sparse_categorical_crossentropy", axis, y_pred)
    axis %= y_pred.ndim
    shape = y_true.shape
    if y_true.ndim == y_pred.ndim and shape[axis] == 1:
        y_true = y_true.squeeze(axis)
    if y_true.shape != y_pred.shape[:axis] + y_pred.shape[axis + 1 :]:
        raise ValueError(
            f"sparse_categorical_crossentropy: y_true of shape {tuple(shape)} must have the shape of y_pred, "
            f"{tuple(y_pred.shape)}, without axis {axis} or with 1 there"
        )
    return y_true, axis


def _values(
    y_true: Tensor, y_pred: Tensor, from_logits: bool, ignore_class: int | None, axis: int, reduction: str = "none"
) -> Tensor:
    """Return the losses; those of logits may be reduced as by F.cross_entropy."""
    y_true, axis = _matched(y_true, y_pred, axis)
    ids = y_true if y_true.dtype is torch.int64 else y_true.long()
    ignored = None
    if ignore_class is not None:
        ignored = y_true == ignore_class
        ids = ids.masked_fill(ignored, _NO_CLASS if from_logits else 0)
        # Whatever is predicted there, NaN included, must not reach the gradient.
        y_pred = y_pred.masked_fill(ignored.unsqueeze(axis), 0.0)
    try:
        if from_logits:
            return _cross_entropy(ids, y_pred, axis, reduction)
        clipped = y_pred.clamp(EPSILON, 1.0 - EPSILON)
        picked = clipped.gather(axis, ids.unsqueeze(axis)).squeeze(axis)
    except (IndexError, RuntimeError) as error:
        if "out of bounds" not in str(error):
            raise
        raise ValueError(
            f"sparse_categorical_crossentropy: y_true holds a class that y_pred of shape {tuple(y_pred.shape)}, "
            f"classes on axis {axis}, doesn't have ({error})"
        ) from error
    values = clipped.sum(axis).log() - picked.log()
    return values if ignored is None else values.masked_fill(ignored, 0.0)


def _cross_entropy(ids: Tensor, logits: Tensor, axis: int, reduction: str) -> Tensor:
    """Return F.cross_entropy, which has its classes on axis 1, of classes on any axis."""
    if axis == 1 or logits.ndim == 1:
        return F.cross_entropy(logits, ids, ignore_index=_NO_CLASS, reduction=reduction)
    flat = logits.movedim(axis, -1).flatten(0, -2)
    values = F.cross_entropy(flat, ids.flatten(), ignore_index=_NO_CLASS, reduction=reduction)
    return values.view(ids.shape) if reduction == "none" else values


@losses.add
def sparse_categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """Return -log of the probability of the class that `y_true` names; 0 where that is `ignore_class`, any integer.

    Probabilities are clipped to [1e-7, 1 - 1e-7], beyond which their gradient is 0, and *then* divided by their sum.
    Class ids stay integers whatever the dtype of the loss. Classes may lie on any axis, as in Keras on JAX and torch;
    Keras on TensorFlow takes the last alone.

    Shape: (batch, *) or (batch, *, 1) and (batch, *, classes) -> (batch, *). Raises: ValueError for any other shapes
    and, on the CPU, for a class that isn't there.
    Source: keras.losses.sparse_categorical_crossentropy, Keras 3.15.
    """
    return _values(*tensors(y_true, y_pred, class_ids=True), from_logits, ignore_class, axis)


class SparseCategoricalCrossentropy(_MatchedLoss):
    """-log of the probability of the class that `y_true` names; see `sparse_categorical_crossentropy`.

    Targets of `ignore_class` are left out of the mean. As in Keras, the config doesn't hold `axis`: a loss made from it
    has the default. Keras takes the logits behind a prediction that came straight from its own softmax; here
    predictions are what they are.

    Shape: (batch, *) or (batch, *, 1) and (batch, *, classes). Raises: ValueError for any other shapes and,
    on the CPU, for a class that isn't there. Source: keras.losses.SparseCategoricalCrossentropy, Keras 3.15.
    """

    config_omits: ClassVar[frozenset[str]] = frozenset({"dtype", "axis"})
    class_ids: ClassVar[bool] = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _values(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor | None:
        if not self.from_logits:
            return None
        if self.ignore_class is None:
            if self.axis == -1 and y_pred.ndim == 2 and y_true.dtype is torch.int64 and y_true.ndim == 1:
                try:
                    return F.cross_entropy(y_pred, y_true, ignore_index=_NO_CLASS)
                except (IndexError, RuntimeError, ValueError):
                    pass  # what doesn't fit comes again below, where the error is clear
            return _values(y_true, y_pred, True, None, self.axis, "mean")
        # Not "mean", which is NaN where every class is ignored.
        total = _values(y_true, y_pred, True, self.ignore_class, self.axis, "sum")
        return total / (y_true != self.ignore_class).sum().clamp(min=1)

    def valid(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        return None if self.ignore_class is None else (y_true != self.ignore_class).view(values.shape)
