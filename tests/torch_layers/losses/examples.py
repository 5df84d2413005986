"""One call of every loss, plain and with its logits: what the tests of all of them run over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_layers import losses
from torch_layers.losses import Loss


class Example(NamedTuple):
    """A loss, made with further arguments by `make`, and what it is called with."""

    make: Callable[..., Loss]
    y_true: Tensor
    y_pred: Tensor


def _logits(cls: type[Loss], **own: Any) -> Callable[..., Loss]:
    return lambda **kwargs: cls(from_logits=True, **own, **kwargs)


_generator = torch.Generator().manual_seed(0)
_LOGITS = torch.randn(4, 6, dtype=torch.float64, generator=_generator)
_PROBABILITIES = _LOGITS.softmax(-1)
_ONE_HOT = torch.eye(6, dtype=torch.float64)[[0, 5, 2, 1]]
_IDS = torch.tensor([0, 5, 2, 1])
_SPARSE = losses.SparseCategoricalCrossentropy

EXAMPLES: dict[str, Example] = {
    **{
        name: Example(getattr(losses, name), _ONE_HOT, _PROBABILITIES)
        for name in (
            *("BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy"),
            *("CategoricalFocalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Dice", "Hinge", "Huber"),
            *("KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError"),
            *("MeanSquaredLogarithmicError", "Poisson", "SquaredHinge", "Tversky"),
        )
    },
    **{
        f"{name} of logits": Example(_logits(getattr(losses, name)), _ONE_HOT, _LOGITS)
        for name in (
            *("BinaryCrossentropy", "BinaryFocalCrossentropy"),
            *("CategoricalCrossentropy", "CategoricalFocalCrossentropy"),
        )
    },
    "CategoricalFocalCrossentropy per class": Example(
        lambda **kwargs: losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], **kwargs),
        _ONE_HOT,
        _PROBABILITIES,
    ),
    "CategoricalGeneralizedCrossEntropy": Example(losses.CategoricalGeneralizedCrossEntropy, _IDS, _PROBABILITIES),
    "SparseCategoricalCrossentropy": Example(_SPARSE, _IDS, _PROBABILITIES),
    "SparseCategoricalCrossentropy of logits": Example(_logits(_SPARSE), _IDS, _LOGITS),
    "SparseCategoricalCrossentropy but 2": Example(_logits(_SPARSE, ignore_class=2), _IDS, _LOGITS),
    "SparseCategoricalCrossentropy but -1": Example(
        lambda **kwargs: _SPARSE(ignore_class=-1, **kwargs), _IDS.where(_IDS != 2, -1), _PROBABILITIES
    ),
    "Circle": Example(losses.Circle, torch.tensor([0, 1, 0, 1]), torch.nn.functional.normalize(_LOGITS, dim=-1)),
    "CTC": Example(
        losses.CTC,
        torch.tensor([[1, 2, 0], [3, 3, 1], [2, 0, 0], [4, 5, 1]]),
        torch.randn(4, 5, 6, dtype=torch.float64, generator=_generator),
    ),
}
