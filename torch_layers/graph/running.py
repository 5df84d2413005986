"""compile, predict and evaluate: what a model does with arrays, batch by batch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torch_layers.graph.objective import Objective
from torch_layers.graph.optimizers import make_optimizer
from torch_layers.graph.symbols import flatten, pack
from torch_layers.layers.weights import as_numpy, as_tensor
from torch_layers.serialization import serialize


class Runnable:
    """What a model has beyond a layer: `compile`, `predict`, `evaluate`, and the loss to train it with."""

    optimizer: torch.optim.Optimizer | None
    _objective: Objective | None
    _compiled_with: dict[str, Any] | None

    def _init_running(self) -> None:
        self.optimizer, self._objective, self._compiled_with = None, None, None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say which loss, metrics and optimizer belong to the model. This is Keras's `compile`, not `nn.Module`'s,
        which compiles a module in place: `torch.compile(model)` does that.

        `optimizer` is a torch optimizer, a function of the parameters such as its class, or Keras's name or config for
        one (with Keras's defaults); it is kept in `model.optimizer`. `loss` is a name, a loss of `torch_layers.losses`
        or of torch.nn, a function (y_true, y_pred), or a list or dict of them for several outputs. `metrics` are
        accuracies, losses and functions. The last four arguments are Keras's and change nothing here.

        Training is torch's own: `model.compute_loss(y=y, y_pred=model(x)).backward()`, then `model.optimizer.step()`.
        Raises: ValueError for an unknown name.
        """
        assert isinstance(self, nn.Module)
        self._objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self.optimizer = make_optimizer(optimizer, self.parameters())
        described = {"optimizer": optimizer, "loss": loss, "loss_weights": loss_weights}
        self._compiled_with = {**described, "metrics": metrics, "weighted_metrics": weighted_metrics}

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._objective is not None

    def get_compile_config(self) -> dict[str, Any]:
        """Return what `compile` was called with as plain values; empty if it was not, or if it can't be described."""
        try:
            return {} if self._compiled_with is None else serialize(self._compiled_with)
        except TypeError:
            return {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as a config of this class's, or of Keras's, says."""
        known = {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"}
        self.compile(**{key: value for key, value in config.items() if key in known})

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, mask: Any = None
    ) -> Tensor:
        """Return the loss to minimize: the weighted losses of the outputs plus the penalties of regularizers.

        `mask` is that of the outputs; if it is None and `x` is given, `compute_mask(x)` says it.
        Raises: ValueError if the model was not compiled and no layer regularizes.
        """
        if mask is None and x is not None and hasattr(self, "input_names"):
            mask = self.compute_mask(x)  # type: ignore[attr-defined]
        return self._losses(y, y_pred, sample_weight, mask)[0]

    def _losses(self, y: Any, y_pred: Any, weight: Any, mask: Any) -> tuple[Tensor, dict[str, Tensor]]:
        found: dict[str, Tensor] = {}
        terms = list(self.losses)  # type: ignore[attr-defined]
        if self._objective is not None and self._objective.loss is not None:
            names = self._result_names(y_pred)
            found = self._objective.losses(y, y_pred, weight, mask, names)
            total = self._objective.total(found, y_pred, names)
            terms = terms if total is None else [total, *terms]
        if not terms:
            raise ValueError(f"{type(self).__name__}: there is no loss to compute, give compile() one")
        return sum((term.sum() for term in terms[1:]), terms[0].sum()), found

    def _result_names(self, y_pred: Any) -> list[str]:
        """Return the names under which the outputs have losses and metrics."""
        if isinstance(y_pred, dict) and len(flatten(y_pred)) == len(y_pred):
            return sorted(y_pred)
        flat = flatten(y_pred)
        names = getattr(self, "output_names", None)
        return names if names and len(names) == len(flat) else [f"output_{n}" for n in range(len(flat))]

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None) -> Any:
        """Return the outputs for all samples as numpy arrays, in the structure of the outputs.

        `x` is an array or tensor, a list or dict of them, or an iterable of batches, such as a DataLoader; of a batch
        that is a tuple, the first item counts. The model runs in eval mode, `batch_size` (32) samples at a time.
        Raises: ValueError if the arrays differ in length.
        """
        results: list[Any] = []
        structure: Any = None
        with self._inference():
            for batch, _, _ in _progress(_batches(x, None, None, batch_size, steps), x, batch_size, steps, verbose):
                structure = self(self._on_device(batch))  # type: ignore[operator]
                results.append([as_numpy(leaf) for leaf in flatten(structure)])
        if not results:
            raise ValueError(f"{type(self).__name__}: predict got no batch")
        joined = [np.concatenate(parts) if parts[0].ndim else np.stack(parts) for parts in zip(*results, strict=True)]
        return pack(structure, iter(joined))

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss over all samples; with several outputs or metrics a list, as in Keras: the loss, the outputs'
        own losses, the metrics; with `return_dict`, a dict of them.

        Each loss is the mean of the batches' losses, weighted by their numbers of samples (Keras on TensorFlow forgets
        these weights for the outputs' own losses). `x` may also be an iterable of
        batches (x, y) or (x, y, sample_weight).
        Raises: ValueError if the model is not compiled, or the arrays differ in length.
        """
        if self._objective is None:
            raise ValueError(f"{type(self).__name__}: evaluate needs compile() first")
        sums: dict[str, float] = {"loss": 0.0}
        metrics: Any = None
        seen = 0
        batches = _batches(x, y, sample_weight, batch_size, steps)
        with self._inference():
            for x_part, y_part, weight in _progress(batches, x, batch_size, steps, verbose):
                inputs = self._on_device(x_part)
                outputs = self(inputs)  # type: ignore[operator]
                mask = self.compute_mask(inputs) if hasattr(self, "input_names") else None  # type: ignore[attr-defined]
                total, parts = self._losses(y_part, outputs, weight, mask)
                size = len(flatten(inputs)[0])
                seen += size
                sums["loss"] += float(total) * size
                if len(parts) > 1:
                    for name, value in parts.items():
                        sums[f"{name}_loss"] = sums.get(f"{name}_loss", 0.0) + float(value) * size
                names = self._result_names(outputs)
                metrics = metrics if metrics is not None else self._objective.make_metrics(outputs, names)
                if metrics:
                    targets, weights = self._objective.arranged(y_part, weight, outputs, names)
                    masks = [None] * len(names) if mask is None else flatten(mask)
                    for at, _, is_weighted, metric in metrics:
                        own = weights[at] if is_weighted else None
                        metric.update(targets[at], flatten(outputs)[at], own, masks[at])
        means = {name: value / max(seen, 1) for name, value in sums.items()}
        measured = {name: metric.result() for _, name, _, metric in metrics or ()}
        if len(means) > 1:
            measured = dict(sorted(measured.items()))
        logs = {**means, **measured}
        return logs if return_dict else logs["loss"] if len(logs) == 1 else list(logs.values())

    def _on_device(self, x: Any) -> Any:
        device = self._device()  # type: ignore[attr-defined]
        leaves = [leaf if leaf is None else as_tensor(leaf).to(device) for leaf in flatten(x)]
        return pack(x, iter(leaves))

    @contextmanager
    def _inference(self) -> Iterator[None]:
        modules = list(self.modules())  # type: ignore[attr-defined]
        modes = [module.training for module in modules]
        try:
            self.eval()  # type: ignore[attr-defined]
            with torch.no_grad():
                yield
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode


def _arrays(x: Any) -> bool:
    leaves = flatten(x)
    return bool(leaves) and all(isinstance(leaf, (Tensor, np.ndarray, int, float)) or leaf is None for leaf in leaves)


def _batches(x: Any, y: Any, weight: Any, batch_size: int | None, steps: int | None) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (x, y, sample_weight) of each batch. Raises: ValueError if the arrays differ in length."""
    if not _arrays(x):
        for number, item in enumerate(x):
            if steps is not None and number >= steps:
                return
            parts = tuple(item) if isinstance(item, (list, tuple)) else (item,)
            yield (*parts, None, None)[:3]
        return
    if any(isinstance(leaf, (int, float)) for leaf in flatten(x)):
        x = np.asarray(x)
    data = (x, y, weight)
    sizes = {len(leaf) for leaf in flatten(data) if leaf is not None and not isinstance(leaf, (int, float))}
    if len(sizes) > 1:
        raise ValueError(f"the arrays have different numbers of samples: {sorted(sizes)}")
    total, size = sizes.pop(), batch_size or 32
    for number, start in enumerate(range(0, max(total, 1), size)):
        if steps is not None and number >= steps:
            return
        rows = slice(start, start + size)
        leaves = [leaf if leaf is None or isinstance(leaf, (int, float)) else leaf[rows] for leaf in flatten(data)]
        yield pack(data, iter(leaves))


def _progress(batches: Iterator[Any], x: Any, batch_size: int | None, steps: int | None, verbose: Any) -> Iterator[Any]:
    """Yield the batches, and show on stderr how many are done if `verbose` is 1, or "auto" and stderr a terminal."""
    if not (verbose == 1 or (verbose == "auto" and sys.stderr.isatty())):
        yield from batches
        return
    known = _arrays(x) and not any(isinstance(leaf, (int, float)) for leaf in flatten(x))
    rows = len(next(leaf for leaf in flatten(x) if leaf is not None)) if known else 0
    total = steps or (max(-(-rows // (batch_size or 32)), 1) if known else None)
    for number, batch in enumerate(batches, 1):
        yield batch
        bar = f" {'=' * (20 * number // total):<20}" if total else ""
        sys.stderr.write(f"\r{number}/{total or '?'}{bar}")
        sys.stderr.flush()
    sys.stderr.write("\n")
