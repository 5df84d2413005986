"""What `compile` makes of losses and metrics: one of each for each output, and their sums.

Source: keras/src/trainers/compile_utils.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torch_layers import losses
from torch_layers.graph.symbols import flatten
from torch_layers.losses.tensors import as_tensor, same_rank
from torch_layers.registry import losses as loss_registry
from torch_layers.registry import nearest, snake_case


class _FunctionLoss(losses.Loss):
    """A function (y_true, y_pred) -> one loss per sample, or one for all."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        super().__init__(name=name)
        self.function = function

    def prepare(self, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
        return same_rank(*super().prepare(y_true, y_pred))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.function(y_true, y_pred)  # type: ignore[no-any-return]


class _TorchLoss(losses.Loss):
    """A loss of torch.nn, which takes its arguments the other way round, and integers as they are."""

    class_ids = True

    def __init__(self, loss: nn.Module) -> None:
        super().__init__(name=snake_case(type(loss).__name__))
        self.loss = loss

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        target = y_true.to(y_pred.dtype) if y_true.is_floating_point() else y_true
        return self.loss(y_pred, target)  # type: ignore[no-any-return]


def make_loss(identifier: Any) -> Any:
    """Return a loss that takes (y_true, y_pred, sample_weight, mask=) for anything that `compile` takes as one.

    "crossentropy" stays a name until an output shows which of the three is meant. A torch.nn loss gets its arguments
    in torch's order. Raises: ValueError if it is no loss.
    """
    if identifier is None or identifier in ("crossentropy", "ce"):
        return identifier
    if isinstance(identifier, nn.modules.loss._Loss):
        return _TorchLoss(identifier)
    found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    name = getattr(found, "__name__", type(found).__name__)
    classes = {snake_case(cls): thing for cls, thing in loss_registry.unique().items() if isinstance(thing, type)}
    if loss_registry.name_of(found) and name in classes:
        return classes[name]()
    return _FunctionLoss(found, name)


def _kind(y_true: Tensor, y_pred: Tensor) -> str:
    """Return which of binary, sparse and categorical the shapes of targets and predictions mean."""
    if y_pred.shape[-1] == 1:
        return "binary"
    sparse = y_true.ndim < y_pred.ndim or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1)
    return "sparse_categorical" if sparse else "categorical"


def _accuracy(y_true: Tensor, y_pred: Tensor, kind: str) -> Tensor:
    y_true = y_true.to(y_pred.device)
    if kind == "binary":
        y_true, y_pred = same_rank(y_true, y_pred)
        return (y_true == (y_pred > 0.5)).to(torch.float64)
    if kind == "sparse_categorical":
        classes = y_true.squeeze(-1) if y_true.ndim == y_pred.ndim else y_true
    else:
        classes = y_true.argmax(-1)
    return (classes == y_pred.argmax(-1)).to(torch.float64)


_ACCURACIES = {f"{kind}_accuracy": kind for kind in ("binary", "sparse_categorical", "categorical")}


class Metric:
    """The mean over all samples of a function of (y_true, y_pred): an accuracy, a loss, or a function of one's own."""

    def __init__(self, identifier: Any) -> None:
        named = identifier if isinstance(identifier, str) else getattr(identifier, "__name__", None)
        self.name = str(named or getattr(identifier, "name", type(identifier).__name__))
        known = ("accuracy", "acc", *_ACCURACIES)
        if isinstance(identifier, str) and identifier not in (*known, *loss_registry):
            raise ValueError(
                f"compile: metrics={identifier!r} is neither an accuracy nor a loss"
                f"{nearest(identifier, [*known, *loss_registry])}"
            )
        self.function = identifier if identifier in known else make_loss(identifier)
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.total, self.count = 0.0, 0.0

    def update(self, y_true: Any, y_pred: Tensor, weight: Any, mask: Any) -> None:
        """Add a batch, of which what `mask` marks False counts nothing."""
        y_true = as_tensor(y_true)
        if isinstance(self.function, str):
            values = _accuracy(y_true, y_pred, _ACCURACIES.get(self.function) or _kind(y_true, y_pred))
        else:
            values = self.function.call(*self.function.prepare(y_true, y_pred))
        factors = [as_tensor(factor, values.dtype, values.device) for factor in (weight, mask) if factor is not None]
        weights = torch.ones_like(values)
        for factor in factors:
            weights = weights * factor.reshape(factor.shape + (1,) * (values.ndim - factor.ndim))
        self.total += float((values * weights).sum())
        self.count += float(weights.sum())

    def result(self) -> float:
        """Return the mean."""
        return self.total / self.count if self.count else 0.0


class Objective:
    """The losses, their weights and the metrics of a model, for its outputs."""

    def __init__(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> None:
        self.loss = _mapped(make_loss, loss)
        self.loss_weights, self.metrics, self.weighted_metrics = loss_weights, metrics, weighted_metrics
        _mapped(lambda metric: None if metric is None else Metric(metric), [metrics, weighted_metrics])  # raises early

    def losses(self, y: Any, y_pred: Any, sample_weight: Any, masks: Any, names: list[str]) -> dict[str, Tensor]:
        """Return the loss of each output that has one, unweighted, by the output's name.

        Raises: ValueError if losses, targets or weights don't fit the outputs.
        """
        predictions = flatten(y_pred)
        chosen = spread("loss", self.loss, y_pred, names, repeat=True)
        targets, weights = self.arranged(y, sample_weight, y_pred, names)
        masks = [None] * len(predictions) if masks is None else flatten(masks)
        found = {}
        for name, loss, target, prediction, weight, mask in zip(
            names, chosen, targets, predictions, weights, masks, strict=True
        ):
            if isinstance(loss, str):
                loss = make_loss(f"{_kind(as_tensor(target), prediction)}_crossentropy")
            if loss is not None:
                found[name] = loss(target, prediction, weight, mask=mask)
        ordered = self.loss if isinstance(y_pred, dict) and isinstance(self.loss, Mapping) else found
        return {name: found[name] for name in ordered if name in found}

    def total(self, found: dict[str, Tensor], y_pred: Any, names: list[str]) -> Tensor | None:
        """Return the weighted sum of the outputs' losses; None if there is none."""
        weights = spread("loss_weights", self.loss_weights, y_pred, names, repeat=True)
        terms = [found[n] if w is None else found[n] * w for n, w in zip(names, weights, strict=True) if n in found]
        return sum(terms[1:], terms[0]) if terms else None

    def arranged(self, y: Any, sample_weight: Any, y_pred: Any, names: list[str]) -> tuple[list[Any], list[Any]]:
        """List the targets and the weights of each output. Outputs without a loss may be left out of flat lists.

        Raises: ValueError if they don't fit the outputs.
        """
        chosen = spread("loss", self.loss, y_pred, names, repeat=True)
        wanted = [index for index, loss in enumerate(chosen) if loss is not None]

        def filled(value: Any) -> Any:
            if value is None or isinstance(value, Mapping) or not len(flatten(value)) == len(wanted) < len(names):
                return value
            known = dict(zip(wanted, flatten(value), strict=True))
            return [known.get(index) for index in range(len(names))]

        weights = filled(sample_weight) if isinstance(sample_weight, (list, tuple)) else sample_weight
        return spread("y", filled(y), y_pred, names), spread("sample_weight", weights, y_pred, names, repeat=True)

    def make_metrics(self, y_pred: Any, names: list[str]) -> list[tuple[int, str, bool, Metric]]:
        """Return (number of the output, name in the logs, whether weighted, metric) for each metric of each output."""
        made: list[tuple[int, str, bool, Metric]] = []
        taken: set[str] = set()
        for weighted, metrics in ((False, self.metrics), (True, self.weighted_metrics)):
            if not metrics:
                continue
            per_output = [metrics] if len(names) == 1 and not isinstance(metrics, Mapping) else None
            per_output = per_output or spread("metrics", metrics, y_pred, names, nested=True)
            for number, (output, listed) in enumerate(zip(names, per_output, strict=True)):
                for identifier in flatten(listed if isinstance(listed, (list, tuple)) else [listed]):
                    if identifier is None:
                        continue
                    metric = Metric(identifier)
                    name = metric.name if len(names) == 1 else f"{output}_{metric.name}"
                    if name in taken:
                        name = f"weighted_{metric.name}" if len(names) == 1 else f"{output}_weighted_{metric.name}"
                    taken.add(name)
                    made.append((number, name, weighted, metric))
        return made


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, Mapping) and "class_name" not in value:
        return {key: _mapped(function, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mapped(function, item) for item in value]
    return function(value)


def spread(
    what: str, value: Any, y_pred: Any, names: Sequence[str], repeat: bool = False, nested: bool = False
) -> list[Any]:
    """List one item for each output, of a structure like the outputs', a flat list, or a dict by output names.

    With `repeat`, a single item stands for all. Raises: ValueError if it fits none of these.
    """
    if value is None or (repeat and not isinstance(value, (list, tuple, dict))):
        return [value] * len(names)
    keys = sorted(y_pred) if isinstance(y_pred, dict) and len(y_pred) == len(names) else list(names)
    if isinstance(value, Mapping):
        known = keys if set(value) <= set(keys) else names
        if set(value) <= set(known) and (len(value) == len(names) or repeat or nested):
            return [value.get(key) for key in known]
        raise ValueError(f"{what} is given for {sorted(value)}, the outputs are {sorted(keys)}")
    if not isinstance(value, (list, tuple)):
        value = [value]
    items = list(value) if nested else flatten(value)
    if len(items) != len(names):
        raise ValueError(f"{what} has {len(items)} items, needed is one for each of {len(names)} outputs: {keys}")
    return items
