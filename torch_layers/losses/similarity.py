"""Losses of directions: cosine similarity, and Circle on labelled embeddings."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.losses.base import _MatchedLoss
from torch_layers.losses.tensors import EPSILON, Array, as_tensor, check_axis, fits, same_rank, tensors
from torch_layers.registry import losses


def _norm(x: Tensor, axis: int, keepdim: bool = False) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=axis, keepdim=keepdim)
    return norm.clamp(min=EPSILON)


@losses.add
def cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Tensor:
    """Return minus the cosine of the angle between `y_true` and `y_pred` along `axis`: -1 is the same direction.

    A norm counts as at least 1e-7, so that a vector of zeros gives 0.

    Shape: (batch, *) twice -> without `axis`. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.cosine_similarity, Keras 3.15.
    """
    return _minus_cosine(*fits("cosine_similarity", *same_rank(*tensors(y_true, y_pred))), axis)


def _minus_cosine(y_true: Tensor, y_pred: Tensor, axis: int) -> Tensor:
    check_axis("cosine_similarity", axis, y_true, y_pred)
    return -(y_true / _norm(y_true, axis, keepdim=True) * y_pred).sum(axis) / _norm(y_pred, axis)


def _logsumexp(x: Tensor) -> Tensor:
    """Return the log of the sum of exp(x) along the last axis.

    Torch's gradient is exp(x - result): around 100, the rounding of the result alone makes it 4e-6 off in float32.
    """
    if not torch.is_grad_enabled():
        return x.logsumexp(-1)
    top = x.detach().amax(-1, keepdim=True).nan_to_num(0.0, 0.0, 0.0)
    return (x - top).logsumexp(-1) + top.squeeze(-1)


@losses.add
def circle(
    y_true: Array,
    y_pred: Array,
    ref_labels: Array | None = None,
    ref_embeddings: Array | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Return softplus(logsumexp(positives) + logsumexp(negatives)) per sample, of unit-length embeddings.

    With the distance d = max(1 - y_pred . ref, 0), a reference of the same label gives
    -gamma max(margin + d, 0) (margin - d), another gives gamma max(1 + margin - d, 0) (1 - margin - d). References
    are the batch itself unless given; `remove_diagonal` leaves out the pair of the same index. A sample without
    positives or without negatives gives 0.

    Shape: (batch,) or (batch, 1) class ids and (batch, size) -> (batch,). Raises: ValueError for any other shapes.
    Source: keras.losses.circle, Keras 3.15.
    """
    y_true, y_pred = tensors(y_true, y_pred, class_ids=True)
    labels, embeddings = y_true, y_pred
    if ref_embeddings is not None:
        embeddings = as_tensor(ref_embeddings, y_pred.dtype, y_pred.device)
    if ref_labels is not None:
        labels = as_tensor(ref_labels, device=y_pred.device)
    for name, ids, vectors in (("y_true", y_true, y_pred), ("ref_labels", labels, embeddings)):
        if vectors.ndim != 2 or ids.shape not in (vectors.shape[:1], (*vectors.shape[:1], 1)):
            raise ValueError(
                f"circle: {name} of shape {tuple(ids.shape)} must hold one class for each embedding, which have "
                f"shape {tuple(vectors.shape)} and must be (batch, size)"
            )
    nearness = (y_pred @ embeddings.T).clamp(max=1.0)
    distance = 1 - nearness
    if distance.shape[1] == 0:
        return distance.sum(1)
    same = y_true.long().view(-1, 1) == labels.long().view(1, -1)
    positive = same
    if remove_diagonal:
        positive = same & torch.eye(*same.shape, dtype=torch.bool, device=same.device).logical_not()
    # max(m + x, 0) (m - x) = m^2 - max(x, -m)^2 takes half of the kernels; a distance is above -m unless m < 0.
    far, near = distance if margin >= 0 else distance.clamp(min=-margin), nearness.clamp(min=-margin)
    offset = distance.new_full((), -gamma * margin**2)
    attraction, repulsion = (torch.addcmul(offset, x, x, value=gamma) for x in (far, near))
    total = _logsumexp(attraction.where(positive, -torch.inf)) + _logsumexp(torch.where(same, -torch.inf, repulsion))
    # Torch's softplus is linear from 20 on, which float64 would notice.
    return F.softplus(total, threshold=40)


class CosineSimilarity(_MatchedLoss):
    """Minus the cosine of the angle between `y_true` and `y_pred` along `axis`; see `cosine_similarity`.

    As in Keras, the config doesn't hold `axis`: a loss made from it has the default.

    Shape: (batch, *) twice. Raises: ValueError if the shapes don't broadcast.
    Source: keras.losses.CosineSimilarity, Keras 3.15.
    """

    config_omits: ClassVar[frozenset[str]] = frozenset({"dtype", "axis"})
    shapes = staticmethod(fits)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _minus_cosine(y_true, y_pred, self.axis)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _minus_cosine(y_true, y_pred, self.axis).mean()


class Circle(_MatchedLoss):
    """Pull embeddings of one class together and push others apart; see `circle`.

    The mean is over the samples whose loss is above 0.

    Shape: (batch,) or (batch, 1) class ids and (batch, size), each of unit length. Raises: ValueError for any other
    shapes. Source: keras.losses.Circle, Keras 3.15.
    """

    class_ids: ClassVar[bool] = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return circle(y_true, y_pred, remove_diagonal=self.remove_diagonal, gamma=self.gamma, margin=self.margin)

    def valid(self, y_true: Tensor, values: Tensor) -> Tensor:
        return values > 0
