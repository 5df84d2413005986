"""`compare` and `assert_parity`: the same judge for people who port by hand, in one line of their own test."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from parity import draw, transfer
from parity.case import Array, Case
from parity.judge import Verdict
from parity.record import Value
from parity.run import verdict_of
from parity.sides.base import Side, leaves, rebuilt
from parity.sides.keras import Keras
from parity.sides.models import with_dtype
from parity.sides.torch_layers import TorchLayers

Weights = Literal["random", "transfer"] | Mapping[str, transfer.Mapped] | None


class ParityError(AssertionError):
    """Two implementations differ; the message says where, by how much, and what was allowed."""


@dataclass
class Comparison:
    """What `compare` found: the verdict with every check, and what both sides are."""

    title: str
    verdict: Verdict
    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether outputs, states and gradients agree within the gates."""
        return self.verdict.equal

    def __str__(self) -> str:
        if self.equal:
            forward, backward = self.verdict.worst("semantics"), self.verdict.worst("accuracy")
            return (
                f"{self.title}: equal (float64 {forward:.1e}, own dtype {backward:.1f} times the reference's own error)"
            )
        failures = self.verdict.failures
        lines = [f"{self.title} differ"]
        if self.verdict.error:
            lines.append(f"  {self.verdict.error}")
        lines += [f"  {check}" for check in failures[:6]]
        if len(failures) > 6:
            lines.append(f"  and {len(failures) - 6} more values")
        if failures and not any(check.gate.startswith(("semantics", "structure")) for check in failures):
            lines.append("  in float64 they agree: it is rounding, not meaning")
        for role, environment in self.environments.items():
            lines.append(f"  {role}: " + ", ".join(f"{key}={value}" for key, value in environment.items()))
        return "\n".join(lines)


def compare(
    reference: Any,
    implementation: nn.Module | Callable[..., Any],
    inputs: Any,
    *,
    weights: Weights = "random",
    training: bool = False,
    dtype: str = "float32",
) -> Comparison:
    """Compare a Keras layer, model, loss or function with a torch module on the same inputs, by all gates.

    `inputs` is an array, or a tuple of the positional arguments (a list in it is one argument that is a list).
    `weights` says what both compute with: "random" draws new ones for copies of both, so that zeros and ones hide
    nothing; "transfer" copies Keras's present ones; None leaves both as they are, and their gradients out; a mapping
    {torch name: Keras name, or (Keras name, einops pattern)} says how random ones go over where the classes don't.
    Neither object is changed.

    Raises: ValueError if the weights don't pair off.
    """
    arguments = list(inputs) if isinstance(inputs, tuple) else [inputs]
    name = getattr(reference, "__name__", type(reference).__name__)
    case = Case(name, {}, [_given(a) for a in arguments], kind=_kind(reference), dtype=dtype, training=training)
    keras_side = _LiveKeras(reference, weights)
    torch_side = _LiveTorch(implementation, weights, keras_side)
    sides: dict[str, Side] = {"reference": keras_side, "implementation": torch_side}
    verdict = verdict_of(case, lambda role, policy: sides[role].compute(case, policy))
    title = f"{name} (Keras) and {getattr(implementation, '__name__', type(implementation).__name__)}"
    return Comparison(title, verdict, {role: side.environment() for role, side in sides.items()})


def assert_parity(
    reference: Any,
    implementation: nn.Module | Callable[..., Any],
    inputs: Any,
    *,
    weights: Weights = "random",
    training: bool = False,
    dtype: str = "float32",
) -> None:
    """Raise ParityError unless a torch module computes what a Keras object computes. Arguments: see `compare`."""
    comparison = compare(reference, implementation, inputs, weights=weights, training=training, dtype=dtype)
    if not comparison.equal:
        raise ParityError(str(comparison))


def _given(nested: Any) -> Any:
    """Return given arrays as specs of a case."""
    if isinstance(nested, (list, dict)):
        return rebuilt(nested, map(_given, leaves(nested)))
    array = np.asarray(nested.detach().cpu() if isinstance(nested, Tensor) else nested)
    floating = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
    return Array(array.shape, "values", values=array, dtype=None if floating else array.dtype.name)


def _kind(reference: Any) -> str:
    if hasattr(reference, "get_weights"):
        return "layer"
    return "loss" if hasattr(reference, "reduction") else "function"


class _LiveKeras(Keras):
    """A live Keras object as a side: it is copied into each dtype policy, never changed."""

    def __init__(self, thing: Any, weights: Weights) -> None:
        backend = sys.modules["keras"].backend.backend() if "keras" in sys.modules else self.backend
        self.backend = backend
        super().__init__()
        self._thing, self._weights = thing, weights
        self.watches_weights = weights is not None
        self.weights: list[tuple[str, Any]] = []

    def make(self, spec: Any, case: Case, policy: str) -> Any:
        if case.kind == "layer":
            config = with_dtype(self._thing.get_config(), draw.compute_dtype(policy), policy)
            return type(self._thing).from_config(config)
        # Neither config nor copy: both leave out arguments of Keras's losses, such as Huber's delta.
        loss = object.__new__(type(self._thing))
        vars(loss).update(vars(self._thing))
        loss._dtype_policy = self.keras.dtype_policies.get(draw.compute_dtype(policy))
        loss._dtype = draw.compute_dtype(policy)
        return loss

    def set_weights(self, layer: Any, case: Case, policy: str) -> None:
        if self._weights == "random" or isinstance(self._weights, Mapping):
            super().set_weights(layer, case, policy)
        elif self._thing.built:
            layer.set_weights(self._thing.get_weights())
        arrays = zip(layer.weights, layer.get_weights(), strict=True)
        self.weights = [(self.label(layer, weight), np.array(array)) for weight, array in arrays]

    def label(self, layer: Any, weight: Any) -> str:
        return _weight_names(layer).get(id(weight), super().label(layer, weight))

    def _run_function(self, case: Case, policy: str) -> dict[str, Value]:
        return self._call(self._thing, case, policy)


class _LiveTorch(TorchLayers):
    """Any torch module or function as a side."""

    name = "torch"

    def __init__(self, thing: Any, weights: Weights, keras_side: _LiveKeras) -> None:
        super().__init__()
        self._thing, self._weights, self._keras = thing, weights, keras_side

    def make(self, spec: Any, case: Case, policy: str) -> Any:
        if not isinstance(self._thing, nn.Module):
            return self._thing
        return copy.deepcopy(self._thing).to(getattr(torch, draw.variable_dtype(policy)))

    def pairs(self, module: nn.Module) -> list[transfer.Pairing]:
        if self._weights is None or not isinstance(module, nn.Module):
            return []
        mapping = self._weights if isinstance(self._weights, Mapping) else None
        return transfer.pairings(self._keras.weights, module, mapping)

    def weights(self, module: nn.Module, pairs: list[transfer.Pairing], case: Case, policy: str) -> None:
        transfer.send([array for _, array in self._keras.weights], module, pairs)

    def _run_function(self, case: Case, policy: str) -> dict[str, Value]:
        return self._call(self._thing, case, policy)


def _weight_names(layer: Any) -> dict[int, str]:
    """Name a Keras layer's weights: its own "kernel", those of its sublayers "dense_1/kernel"."""
    names = {}
    for owner in [layer, *(getattr(layer, "_flatten_layers", lambda **_: [])(include_self=False))]:
        for weight in [*owner.trainable_weights, *owner.non_trainable_weights]:
            own = weight.name.split("/")[-1].split(":")[0]
            names[id(weight)] = own if owner is layer else f"{owner.name}/{own}"
    return names
