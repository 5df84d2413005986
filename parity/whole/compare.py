"""A Keras model and the torch module for it on the same inputs: as a whole by the gates, and layer by layer."""

from __future__ import annotations

import gc
import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from parity.case import Case
from parity.judge import EPSILON, NARROW_ULPS, SEMANTICS, Verdict, judge
from parity.record import Numbers, Record, Value
from parity.sides.base import leaves, numbered, of_tensor, rebuilt
from parity.sides.models import KerasModel, LayerCall
from parity.sides.torch_layers import gradients
from parity.transfer import own
from torch_layers.graph import Functional, from_keras

# How much more than all before it an error in the model must be, to be no growth of rounding.
JUMP = 1e4
# Relative to the largest gradient of a model: what is 0 but for rounding.
ZERO = 1e-12


@dataclass(frozen=True)
class Step:
    """One call of one layer, in float64: `own` is its error if it is given what Keras's layer was given, relative to the
    largest value; `running` that of its output in the whole model, where earlier errors have grown on."""

    path: str
    cls: str
    shape: tuple[int, ...]
    own: float
    running: float | None
    allowed: float

    @property
    def departs(self) -> bool:
        """Whether the layer itself computes something else than Keras's."""
        return not self.own <= self.allowed


@dataclass
class Whole:
    """What a comparison of two whole models found."""

    name: str
    parameters: int
    steps: list[Step] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether no layer departs and the outputs agree by all gates."""
        return self.first is None and self.gap is None and all(verdict.equal for verdict in self.verdicts.values())

    @property
    def first(self) -> Step | None:
        """The first layer that departs."""
        return next((step for step in self.steps if step.departs), None)

    @property
    def gap(self) -> tuple[Step | None, Step] | None:
        """The first two layers between which something else than a layer departs: the input of the second is wrong,
        while all layers up to it are right. Rounding grows step by step; this error comes at once."""
        before, grown = None, 0.0
        for step in self.steps:
            if step.departs or step.running is None:
                return None
            if step.running > max(step.allowed, JUMP * grown):
                return before, step
            before, grown = step, max(grown, step.running)
        return None


def compare_models(
    make: Callable[[], Any],
    *,
    name: str,
    convert: Callable[[Any], nn.Module] = from_keras,
    layerwise: bool = True,
    training: bool = False,
    own_weights: bool = False,
    inputs: list[Numbers] | None = None,
    batch: int = 2,
    size: int = 32,
) -> Whole:
    """Compare the model that `make` returns, in float64 and float32, with what `convert` makes of it.

    Weights are random unless `own_weights`. `inputs` are drawn unless given: `batch` samples, open axes `size` long.
    With `training`, a training step is compared too: outputs, gradients and statistics.
    """
    start = time.perf_counter()
    case = Case(name, training=True, kind="model")
    records: dict[str, list[Record]] = {"eval": [], "training": []}
    whole, weights = Whole(name, 0), None
    for dtype in ("float64", "float32"):  # one after the other: the largest models have gigabytes of weights
        model = KerasModel(make, dtype)
        if weights is None:
            weights = [np.asarray(w) for w in model.model.get_weights()] if own_weights else model.random_weights()
        if inputs is None:
            rng = np.random.default_rng(11)
            inputs = [rng.standard_normal(s).astype(np.float32) for s in model.input_shapes(batch, size)]
        given = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
        model.set_weights(weights)
        module = convert(model.model)
        if dtype == "float64":
            whole.parameters = int(model.model.count_params())
        if dtype == "float64" and layerwise:
            whole.steps, outputs = layer_steps(model, module, given)
        else:
            outputs = model.run(given)
        records["eval"] += [Record(outputs), Record(outputs_of(module.eval(), given))]
        if training:
            records["training"] += [Record(model.step(given, case)), Record(_step(module.train(), given, case))]
        del model, module
        gc.collect()
    for mode, found in records.items():
        if found:
            oracle, module64, reference, module32 = _without_zeros(found)
            # Where rounding moves the input of a relu across 0, a gradient jumps: in float32 they say nothing.
            reference, module32 = (
                replace(r, values={k: v for k, v in r.values.items() if not k.startswith("gradient")})
                for r in (reference, module32)
            )
            whole.verdicts[mode] = judge(oracle, module64, reference, module32)
    whole.seconds = time.perf_counter() - start
    return whole


def _without_zeros(records: list[Record]) -> list[Record]:
    """Leave out the gradients that are 0 but for rounding in both float64 runs, such as that of a bias before a
    BatchNormalization: nothing in them can be compared."""
    oracle, module64, *_ = records

    def largest(record: Record, what: str) -> float:
        return float(np.max(np.abs(record.values[what].array), initial=0.0)) if what in record.values else np.inf

    gradients = [what for what in oracle.values if what.startswith("gradient")]
    allowed = ZERO * max((largest(oracle, what) for what in gradients), default=0.0)
    zero = {w for w in gradients if largest(oracle, w) <= allowed and largest(module64, w) <= allowed}
    return [replace(r, values={k: v for k, v in r.values.items() if k not in zero}) for r in records]


# --- the torch side --------------------------------------------------------------------------------------------------


def _tensors(arrays: list[Numbers]) -> Any:
    tensors = [torch.from_numpy(x) for x in arrays]
    return tensors if len(tensors) > 1 else tensors[0]


@torch.no_grad()
def outputs_of(module: nn.Module, inputs: list[Numbers]) -> dict[str, Value]:
    """Return what a module makes of the inputs."""
    return numbered("output", (of_tensor(y) for y in leaves(module(_tensors(inputs)))))


def _step(module: nn.Module, inputs: list[Numbers], case: Case) -> dict[str, Value]:
    tensors = [torch.from_numpy(x).requires_grad_(x.dtype.kind == "f") for x in inputs]
    pairs = own(module)  # type: ignore[arg-type]
    outputs = leaves(module(tensors if len(tensors) > 1 else tensors[0]))
    trained = [pair for pair in pairs if pair.tensor(module).requires_grad]
    floating = [x for x in tensors if x.requires_grad]
    grads = gradients(outputs, [*floating, *(pair.tensor(module) for pair in trained)], case)
    found = numbered("output", map(of_tensor, outputs)) | numbered("gradient of input", grads[: len(floating)])
    for pair, grad in zip(trained, grads[len(floating) :], strict=True):
        array = pair.layout.to_keras(grad.array, pair.keras_shape)
        found[f"gradient of weight {pair.index}"] = Value(np.array(array, order="C"), grad.dtype)
    kept = (pair for pair in pairs if not isinstance(pair.tensor(module), nn.Parameter))
    return found | numbered("state", (of_tensor(p.layout.to_keras(p.tensor(module), p.keras_shape)) for p in kept))


# --- layer by layer --------------------------------------------------------------------------------------------------


@torch.no_grad()
def layer_steps(keras: KerasModel, module: nn.Module, inputs: list[Numbers]) -> tuple[list[Step], dict[str, Value]]:
    """Return a step for each call of each layer that both have, in the order in which Keras's end, and Keras's outputs."""
    pairs = [(path, theirs, ours) for path, theirs, ours in _pairs(keras.model, module) if _is_called(theirs)]
    with keras.watched([(path, theirs) for path, theirs, _ in pairs]) as calls:
        outputs = keras.run(inputs)
    running = _running({path: ours for path, _, ours in pairs}, module, inputs)
    ours = {path: layer for path, _, layer in pairs}
    classes = {path: type(theirs).__name__ for path, theirs, _ in pairs}
    steps, counts = [], dict.fromkeys(ours, 0)
    for path, call in calls:
        number = counts[path]
        counts[path] += 1
        alone = _again(ours[path], call)
        in_model = running[path][number] if number < len(running[path]) else None
        expected = call.outputs
        # A port by hand often has the activation outside of what it calls the layer.
        if call.inactive and _error(call.inactive, alone) < _error(expected, alone):
            expected = call.inactive
        label = path if number == 0 else f"{path} (call {number + 1})"
        narrow = next((y.dtype for y in call.outputs if y.is_float and y.dtype != "float64"), None)
        steps.append(
            Step(
                path=label,
                cls=classes[path],
                shape=call.outputs[0].array.shape,
                own=_error(expected, alone),
                running=None if in_model is None else _error(expected, in_model),
                allowed=NARROW_ULPS * EPSILON[narrow] if narrow else SEMANTICS,
            )
        )
    return steps, outputs


def _pairs(model: Any, module: nn.Module) -> list[tuple[str, Any, nn.Module]]:
    """Pair layers: as torch_layers does if the module is its own, else by names ("a/b" is "a.b" in torch): the whole path
    of a nested layer, its own name, or the only path that ends in it."""
    if isinstance(module, Functional):
        return list(_named_pairs(model, module))
    modules = dict(module.named_modules())
    found = []
    for path, layer in _paths(model):
        name = layer.name.replace("/", ".")
        ending = [known for known in modules if known.endswith(f".{name}")]
        candidates = [path.replace("/", "."), name, *(ending if len(ending) == 1 else [])]
        ours = next((modules[known] for known in candidates if known in modules), None)
        if ours is not None and not isinstance(layer, type(model)):
            found.append((path, layer, ours))
    return found


def _named_pairs(model: Any, module: Functional, above: str = "") -> Iterator[tuple[str, Any, nn.Module]]:
    """Pair the layers of a Keras model and of ours by name, those of nested models too; by place where names differ."""
    theirs, ours = ([layer for layer in m.layers if type(layer).__name__ != "InputLayer"] for m in (model, module))
    by_name = {layer.name: layer for layer in ours}
    if len(theirs) == len(ours) and not by_name.keys() >= {layer.name for layer in theirs}:
        by_name = {layer.name: counterpart for layer, counterpart in zip(theirs, ours, strict=True)}
    for layer in theirs:
        counterpart = by_name.get(layer.name)
        if isinstance(counterpart, Functional) and hasattr(layer, "layers"):
            yield from _named_pairs(layer, counterpart, f"{above}{layer.name}/")
        elif counterpart is not None:
            yield above + layer.name, layer, counterpart


def _paths(layer: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each layer inside of a Keras layer with its path, once."""
    seen = set()
    for inner in layer._flatten_layers(recursive=False, include_self=False):
        if id(inner) not in seen:
            seen.add(id(inner))
            yield above + inner.name, inner
            yield from _paths(inner, f"{above}{inner.name}/")


def _is_called(layer: Any) -> bool:
    return type(layer).__name__ != "InputLayer"


def _running(layers: dict[str, nn.Module], module: nn.Module, inputs: list[Numbers]) -> dict[str, list[list[Value]]]:
    """Return the outputs of each call of each layer within the whole model."""
    found: dict[str, list[list[Value]]] = {path: [] for path in layers}

    def hook(path: str) -> Callable[..., None]:
        return lambda layer, args, output: found[path].append([of_tensor(y) for y in _tensors_in(output)])

    handles = [layer.register_forward_hook(hook(path)) for path, layer in layers.items()]
    try:
        module(_tensors(inputs))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _again(layer: nn.Module, call: LayerCall) -> list[Value]:
    """Call a layer of ours with what Keras's layer was given."""
    args, kwargs = (
        rebuilt(n, (torch.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for x in leaves(n)))
        for n in (call.args, {k: v for k, v in call.kwargs.items() if v is not None})
    )
    if any(mask is not None for mask in call.masks) and "mask" in inspect.signature(layer.forward).parameters:
        kwargs["mask"] = [None if mask is None else torch.from_numpy(mask) for mask in call.masks]
    return [of_tensor(y) for y in _tensors_in(layer(*args, **kwargs))]


def _tensors_in(nested: Any) -> list[Tensor]:
    return [leaf for leaf in leaves(nested) if isinstance(leaf, Tensor)]


def _error(expected: list[Value], actual: list[Value]) -> float:
    """Return the largest error of some arrays, each relative to its largest value; infinite where shapes or NaNs differ."""
    if len(expected) != len(actual):
        return float("inf")
    worst = 0.0
    for a, b in zip(expected, actual, strict=True):
        if a.array.shape != b.array.shape or not np.array_equal(np.isfinite(a.array), np.isfinite(b.array)):
            return float("inf")
        x, y = (np.where(np.isfinite(v.array), v.array, 0).astype(np.float64) for v in (a, b))
        largest = np.max(np.abs(x), initial=0.0)
        worst = max(worst, float(np.max(np.abs(x - y), initial=0.0) / (largest or 1.0)))
    return worst
