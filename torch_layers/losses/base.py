"""What every loss shares: its dtype, and the way from targets and predictions to one number."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from torch_layers import dtypes
from torch_layers.hooks import is_watched
from torch_layers.losses.reduction import MEANS, check_reduction, reduce
from torch_layers.losses.tensors import Array, as_tensor, broadcast, fits, same_rank
from torch_layers.registry import Registry, losses, snake_case
from torch_layers.serialization import Configurable, parameters


class Loss(Configurable, nn.Module):
    """The base of every loss; your own overrides `call(y_true, y_pred)`, which returns one loss per sample.

    `loss(y_true, y_pred, sample_weight=None, *, mask=None)` takes tensors, numpy arrays or lists. `call` gets tensors
    of the loss's dtype with the shapes they came in; `sample_weight`, `mask` (True counts) and `reduction` act on what
    it returns. Keras reads masks off the predictions and off the losses; here the one is an argument, the other comes
    from `valid(y_true, losses)`, which you may override.

    `reduction` is "sum_over_batch_size" (the mean), "mean" (the same), "mean_with_sample_weight" (divides by the sum of
    the weights), "sum", "none" or None. `dtype` is a name, a torch dtype or a policy (its compute dtype). None is the
    wider of torch's default dtype and the predictions' own: half-precision outputs are judged in float32 as in Keras,
    and, unlike in Keras, a float64 model's in float64. As in Keras, the config doesn't hold it. `name` defaults to the
    class's in snake case, without Keras's running number.

    Raises: ValueError for an unknown reduction or a dtype that isn't a floating one.
    Source: keras.losses.Loss, Keras 3.15.
    """

    registry: ClassVar[Registry] = losses
    config_omits: ClassVar[frozenset[str]] = frozenset({"dtype"})
    # Targets that are class ids keep their integers: one that passed through a half-precision float need not come back.
    class_ids: ClassVar[bool] = False

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        self.name = name or snake_case(owner)
        self.reduction = check_reduction(owner, reduction)
        self.dtype: torch.dtype | None = None if dtype is None else dtypes.policy(dtype).compute
        if self.dtype is not None and not self.dtype.is_floating_point:
            raise ValueError(f"{owner}: dtype={dtype!r} is not a floating dtype such as 'float32'")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if kwargs or len(args) != 2 or is_watched(self):
            return super().__call__(*args, **kwargs)  # type: ignore[no-any-return]
        return self.forward(args[0], args[1])

    def forward(self, y_true: Array, y_pred: Array, sample_weight: Any = None, *, mask: Any = None) -> Tensor:
        """Return the loss, reduced.

        Raises: ValueError if the shapes of targets, predictions, weights or mask don't fit together.
        """
        y_true, y_pred = self.prepare(y_true, y_pred)
        values = None
        if sample_weight is None and mask is None and self.reduction in MEANS and y_pred.numel():
            values = self.fused_mean(y_true, y_pred)
        if values is None:
            values = self._reduced(y_true, y_pred, sample_weight, mask)
        # Some compute in float32 at least: the result comes in the dtype that was asked for.
        return values if values.dtype is y_pred.dtype else values.to(y_pred.dtype)

    def _reduced(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any, mask: Any) -> Tensor:
        owner, values = type(self).__name__, self.call(y_true, y_pred)
        mask = None if mask is None else as_tensor(mask, torch.bool, values.device)
        valid = self.valid(y_true, values)
        if valid is not None and mask is not None:
            valid, mask = fits(owner, *same_rank(valid, mask), ("losses", "mask"))
            mask = valid & mask
        elif valid is not None:
            mask = valid
        return reduce(owner, values, sample_weight, mask, self.reduction)

    def prepare(self, y_true: Array, y_pred: Array) -> tuple[Tensor, Tensor]:
        """Return both as tensors in the dtype of this loss; targets that are class ids keep their own."""
        dtype = self.dtype or torch.get_default_dtype()
        if not isinstance(y_pred, Tensor) or y_pred.dtype is not dtype:
            y_pred = as_tensor(y_pred)
            dtype = self.dtype or torch.promote_types(y_pred.dtype, dtype)
            y_pred = y_pred.to(dtype)
        if not isinstance(y_true, Tensor) or (y_true.dtype is not dtype and not self.class_ids):
            y_true = as_tensor(y_true, None if self.class_ids else dtype, y_pred.device)
        return y_true, y_pred

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return one loss per sample: what every subclass defines."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor | None:
        """Return the mean of all losses by one kernel, or None where there is none."""
        return None

    def valid(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """Return which of the losses count, or None if all do."""
        return None

    def extra_repr(self) -> str:
        names = (parameter.name for parameter in parameters(type(self)) if parameter.name != "name")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names if hasattr(self, name))


class _MatchedLoss(Loss):
    """A loss of Keras's own: before `call`, targets and predictions get the same rank (`tensors.same_rank`) and, unless
    the targets are class ids, are held to the rule `shapes`.
    """

    shapes = staticmethod(broadcast)

    def prepare(self, y_true: Array, y_pred: Array) -> tuple[Tensor, Tensor]:
        y_true, y_pred = super().prepare(y_true, y_pred)
        if self.class_ids:
            return same_rank(y_true, y_pred)
        if y_true.shape == y_pred.shape:
            return y_true, y_pred
        return self.shapes(type(self).__name__, *same_rank(y_true, y_pred))


class _MeanLoss(_MatchedLoss):
    """A loss that averages its `elements`, one for each target, over the last axis."""

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        raise NotImplementedError

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.elements(y_true, y_pred).mean(-1)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.elements(y_true, y_pred).mean()
