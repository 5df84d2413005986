"""Cross-entropies of targets that are distributions over classes, such as one-hot rows."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.eager import is_readable
from torch_layers.losses.base import _MatchedLoss
from torch_layers.losses.tensors import EPSILON, Array, as_tensor, check_axis, fits, identical, tensors
from torch_layers.registry import losses


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """-sum(labels * log_softmax(logits)) with TensorFlow's gradient, softmax(logits) - labels.

    The true one is sum(labels) * softmax(logits) - labels: F.cross_entropy has it, and is equal only for labels that
    sum to 1.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(labels: Tensor, logits: Tensor, axis: int) -> Tensor:
        return -(labels * logits.log_softmax(axis)).sum(axis)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        labels, logits, ctx.axis = inputs
        ctx.save_for_backward(labels, logits)
        ctx.save_for_forward(labels, logits)

    @staticmethod
    def jvp(ctx: Any, of_labels: Tensor, of_logits: Tensor, _: None) -> Tensor:
        labels, logits = ctx.saved_tensors
        terms = (logits.softmax(ctx.axis) - labels) * of_logits - logits.log_softmax(ctx.axis) * of_labels
        of_values: Tensor = terms.sum(ctx.axis)
        return of_values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        labels, logits = ctx.saved_tensors
        gradient = gradient.unsqueeze(ctx.axis)
        of_labels = -gradient * logits.log_softmax(ctx.axis) if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return of_labels, None, None
        of_logits = logits.softmax(ctx.axis)
        if (
            torch.is_grad_enabled()
            or torch._C._are_functorch_transforms_active()
            or torch._C._functorch.is_legacy_batchedtensor(gradient)  # is_grads_batched=True
        ):
            return of_labels, (of_logits - labels) * gradient, None
        return of_labels, of_logits.sub_(labels).mul_(gradient), None


# `apply` asks for it at every call, which takes inspect a third of the time of a small loss.
_SoftmaxCrossEntropy.forward.__signature__ = inspect.signature(_SoftmaxCrossEntropy.forward)  # type: ignore[attr-defined]


def _softmax_cross_entropy(labels: Tensor, logits: Tensor, axis: int) -> Tensor:
    if torch.compiler.is_compiling():
        # Dynamo doesn't trace a Function that has a jvp. The same of parts, which it fuses: the sum of exponentials has
        # its gradient here, its value in `fixed`.
        log_sum = logits.logsumexp(axis, keepdim=True)
        fixed = log_sum.detach()
        return (log_sum - fixed).squeeze(axis) - (labels * (logits - fixed)).sum(axis)
    values: Tensor = _SoftmaxCrossEntropy.apply(labels, logits, axis)  # type: ignore[no-untyped-call]
    return values


def _are_distributions(labels: Tensor, logits: Tensor) -> bool:
    """Tell whether F.cross_entropy has TensorFlow's gradient too: fixed labels that sum to 1, but for rounding."""
    if not is_readable(logits) or labels.requires_grad:
        return False
    low, high = labels.sum(-1).aminmax()
    rounding = 4 * torch.finfo(labels.dtype).eps
    return low.item() >= 1 - rounding and high.item() <= 1 + rounding


class _Picked(torch.autograd.Function):
    """sum(y_pred * one_hot(ids)), without the product's passes over all classes.

    As of the product, NaN and infinity in any class make it NaN, and so do infinite gradients all classes' but one.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(y_pred: Tensor, ids: Tensor) -> Tensor:
        index, known = _index(ids, y_pred)
        picked = y_pred.gather(-1, index).squeeze(-1).where(known, 0)
        # Sums of float16 would overflow.
        total = y_pred.sum(-1, dtype=torch.promote_types(y_pred.dtype, torch.float32))
        # The infinite one may be the picked one.
        nothing = (total * 0).masked_fill(total == picked, 0)
        return picked + nothing.to(y_pred.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        y_pred, ids = inputs
        ctx.save_for_backward(y_pred, ids)
        ctx.save_for_forward(y_pred, ids)

    @staticmethod
    def jvp(ctx: Any, of_y_pred: Tensor, _: None) -> Tensor:
        _y_pred, ids = ctx.saved_tensors
        return _Picked.forward(of_y_pred, ids)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        y_pred, ids = ctx.saved_tensors
        index, known = _index(ids, y_pred)
        gradient = gradient.unsqueeze(-1)
        nothing = gradient * 0
        picked = gradient.where(known.unsqueeze(-1), nothing)
        return nothing.expand(y_pred.shape).scatter(-1, index, picked), None


_Picked.forward.__signature__ = inspect.signature(_Picked.forward)  # type: ignore[attr-defined]


def _index(ids: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Return where to gather from, and which of the ids are classes."""
    index = ids.clamp(0, y_pred.shape[-1] - 1)
    return index.unsqueeze(-1), index == ids


def _plainly_picked(ids: Tensor, y_pred: Tensor) -> Tensor | None:
    """Return what `_Picked` gives by indexing alone, or None where that may be another: an id that is no class, NaN or
    infinity, and a probability next to 0, at which powers may have an infinite gradient."""
    if not (is_readable(y_pred) and ids.numel() and math.isfinite(y_pred.sum().item())):
        return None
    try:
        picked = y_pred.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    except RuntimeError:  # of an index, here: the shapes have been compared
        return None
    return picked if not picked.requires_grad or picked.amin().item() >= torch.finfo(picked.dtype).tiny else None


def _probability(ids: Tensor, y_pred: Tensor) -> Tensor:
    """Return the prediction for each id; 0 for one that is no class."""
    plain = _plainly_picked(ids, y_pred)
    if plain is not None:
        return plain
    if torch.compiler.is_compiling() or not y_pred.shape[-1]:
        return (y_pred * (ids.unsqueeze(-1) == torch.arange(y_pred.shape[-1], device=y_pred.device))).sum(-1)
    picked: Tensor = (_Picked.apply if torch.is_grad_enabled() else _Picked.forward)(y_pred, ids)
    return picked


def _int(owner: str, axis: Any) -> int:
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise ValueError(f"{owner}: axis={axis!r} is not an int")
    return axis


def _warn_of_one_class(owner: str, y_pred: Tensor) -> None:
    if y_pred.ndim and y_pred.shape[-1] == 1:
        message = f"{owner}: y_pred of shape {tuple(y_pred.shape)} has one class; binary_crossentropy compares those"
        warnings.warn(message, SyntaxWarning, stacklevel=3)


def _smooth(y_true: Tensor, label_smoothing: float) -> Tensor:
    """Draw targets towards 1/classes; as in Keras, the classes are counted on the last axis whatever `axis` is."""
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1] if label_smoothing else y_true


def _normalized(y_pred: Tensor, axis: int) -> Tensor:
    return (y_pred / y_pred.sum(axis, keepdim=True)).clamp(EPSILON, 1.0 - EPSILON)


@losses.add
def categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Return -sum(y_true log(y_pred)) over the classes, which lie on `axis`.

    Probabilities are divided by their sum, then clipped to [1e-7, 1 - 1e-7], beyond which their gradient is 0. The
    gradient of logits is softmax(y_pred) - y_true whatever the targets sum to, as TensorFlow computes it.

    Shape: (batch, *, classes) twice -> (batch, *). Raises: ValueError if the shapes differ or `axis` isn't an int.
    Source: keras.losses.categorical_crossentropy, Keras 3.15.
    """
    axis = _int("categorical_crossentropy", axis)
    y_true, y_pred = identical("categorical_crossentropy", *tensors(y_true, y_pred))
    check_axis("categorical_crossentropy", axis, y_pred)
    _warn_of_one_class("categorical_crossentropy", y_pred)
    y_true = _smooth(y_true, label_smoothing)
    if from_logits:
        return _softmax_cross_entropy(y_true, y_pred, axis)
    return -(y_true * _normalized(y_pred, axis).log()).sum(axis)


@losses.add
def categorical_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Return -sum(alpha (1 - y_pred)^gamma y_true log(y_pred)) over the classes, which lie on `axis`.

    Logits become probabilities by softmax; all are divided by their sum and clipped to [1e-7, 1 - 1e-7]. `alpha` is
    a number or one per class, along the last axis.

    Shape: (batch, *, classes) twice -> (batch, *). Raises: ValueError if the shapes don't broadcast or `axis` isn't an
    int. Source: keras.losses.categorical_focal_crossentropy, Keras 3.15.
    """
    axis = _int("categorical_focal_crossentropy", axis)
    y_true, y_pred = tensors(y_true, y_pred)
    _warn_of_one_class("categorical_focal_crossentropy", y_pred)
    y_true, y_pred = fits("categorical_focal_crossentropy", _smooth(y_true, label_smoothing), y_pred)
    check_axis("categorical_focal_crossentropy", axis, y_pred)
    probability = _normalized(y_pred.softmax(axis) if from_logits else y_pred, axis)
    focal = (1.0 - probability).pow(gamma) * y_true * probability.log()
    if isinstance(alpha, (int, float)):
        return -alpha * focal.sum(axis)
    return -(as_tensor(alpha, focal.dtype, focal.device) * focal).sum(axis)


@losses.add
def categorical_generalized_cross_entropy(y_true: Array, y_pred: Array, q: float) -> Tensor:
    """Return (1 - p^q) / q, p the probability of the class that `y_true` names; a class that isn't there has p = 0.

    Keras would pair every label of shape (batch, 1) with every prediction; here that is refused.

    Shape: (batch, *) class ids and (batch, *, classes) -> (batch, *). Raises: ValueError for any other shapes.
    Source: keras.losses.categorical_generalized_cross_entropy, Keras 3.15.
    """
    y_true, y_pred = tensors(y_true, y_pred, class_ids=True)
    if y_true.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"categorical_generalized_cross_entropy: y_true of shape {tuple(y_true.shape)} must have the shape of "
            f"y_pred, {tuple(y_pred.shape)}, without its last axis"
        )
    return (1.0 - _probability(y_true.long(), y_pred).pow(q)) / q


class CategoricalCrossentropy(_MatchedLoss):
    """-sum(y_true log(y_pred)) over the classes, which lie on `axis`; see `categorical_crossentropy`.

    Keras takes the logits behind a prediction that came straight from its own softmax; here predictions are what they
    are: a model that trains into saturation is better judged by its logits, with `from_logits=True`.

    Shape: (batch, *, classes) twice. Raises: ValueError if the shapes differ or `axis` isn't an int.
    Source: keras.losses.CategoricalCrossentropy, Keras 3.15.
    """

    shapes = staticmethod(identical)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing
        self.axis = _int("CategoricalCrossentropy", axis)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        check_axis("CategoricalCrossentropy", self.axis, y_pred)
        _warn_of_one_class("CategoricalCrossentropy", y_pred)
        y_true = _smooth(y_true, self.label_smoothing)
        if self.from_logits:
            if (
                y_pred.ndim == 2
                and self.axis in (1, -1)
                and (not torch.is_grad_enabled() or _are_distributions(y_true, y_pred))
            ):
                return F.cross_entropy(y_pred, y_true)
            return _softmax_cross_entropy(y_true, y_pred, self.axis).mean()
        terms = y_true * _normalized(y_pred, self.axis).log()
        return -terms.sum() / (terms.numel() // terms.shape[self.axis])


class CategoricalFocalCrossentropy(_MatchedLoss):
    """The categorical cross-entropy that counts what is already well predicted less.

    See `categorical_focal_crossentropy`.

    Shape: (batch, *, classes) twice. Raises: ValueError if the shapes don't broadcast or `axis` isn't an int.
    Source: keras.losses.CategoricalFocalCrossentropy, Keras 3.15.
    """

    shapes = staticmethod(fits)

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha, self.gamma, self.from_logits, self.label_smoothing = alpha, gamma, from_logits, label_smoothing
        self.axis = _int("CategoricalFocalCrossentropy", axis)
        # One per class moves with the module, and in float64 nothing of it is lost.
        per_class = None if isinstance(alpha, (int, float)) else as_tensor(alpha, torch.float64).clone()
        self.register_buffer("_per_class", per_class, persistent=False)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        alpha = self.alpha if self._per_class is None else self._per_class
        return categorical_focal_crossentropy(
            y_true, y_pred, alpha, self.gamma, self.from_logits, self.label_smoothing, self.axis
        )


class CategoricalGeneralizedCrossEntropy(_MatchedLoss):
    """(1 - p^q) / q of the labelled class's probability: between cross-entropy (q -> 0) and absolute error (q -> 1).

    Shape: (batch, *) class ids and (batch, *, classes). Raises: ValueError if `q` is not between 0 and 1, or for any
    other shapes. Source: keras.losses.CategoricalGeneralizedCrossEntropy, Keras 3.15.
    """

    class_ids: ClassVar[bool] = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: q={q!r} is not between 0 and 1, both excluded")
        self.q = q

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_generalized_cross_entropy(y_true, y_pred, self.q)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.call(y_true, y_pred).mean()
