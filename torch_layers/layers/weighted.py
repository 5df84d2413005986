"""Modules that hold weights as Keras numbers and lays them out: a layer's own, and those of the layers inside it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from torch_layers import constraints, initializers, regularizers
from torch_layers.layers.weights import Layout, Weight, as_numpy, as_tensor

_constrained: weakref.WeakSet[Weighted] = weakref.WeakSet()
_without_memory: ContextVar[bool] = ContextVar("_without_memory", default=False)


@contextmanager
def unallocated() -> Iterator[None]:
    """Build layers inside this context with weights on the meta device: they have shapes, and neither memory nor values."""
    token = _without_memory.set(True)
    try:
        yield
    finally:
        _without_memory.reset(token)


class _UnsizedBuffer(UninitializedBuffer):
    """torch's, which can't be copied and forgets its dtype when it is pickled."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self), (False, self.data.device, self.data.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> _UnsizedBuffer:
        cls, arguments = self.__reduce_ex__(None)
        copied: _UnsizedBuffer = memo.setdefault(id(self), cls(*arguments))
        return copied


class Weighted(nn.Module):
    """A module whose weights can be read and set in Keras's order and layout: a layer, or a model of layers.

    Its subclass calls `_init_weights` before it declares weights.
    """

    name: str
    variable_dtype: torch.dtype
    _trainable: bool
    _specs: dict[str, Weight]
    _keras_shapes: dict[str, tuple[int, ...]]
    _activity_losses: list[Tensor]
    # True while a model's call is under way, which cleared the losses at its start: a shared layer adds to them.
    _collects_losses: bool
    # The recorded calls with symbolic tensors, for `input` and `output`.
    _calls: list[weakref.ref[Any]]

    def _init_weights(self, trainable: bool) -> None:
        # All at once: torch's `__setattr__` asks of each value whether it is a tensor or a module.
        vars(self).update(
            _trainable=trainable,
            _specs={},
            _keras_shapes={},
            _activity_losses=[],
            _collects_losses=False,
            _calls=[],
        )

    def add_weight(
        self,
        name: str,
        pattern: str = "... -> ...",
        initializer: Any = None,
        *,
        keras_name: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
        trainable: bool = True,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Declare a weight as parameter (or, not trainable, as buffer) `name`, without a size yet.

        `pattern` leads from Keras's layout to PyTorch's. Initializer, regularizer and constraint see Keras's layout.
        """
        self._specs[name] = Weight(
            name=name,
            keras_name=keras_name or name,
            layout=Layout(pattern),
            initializer=initializers.get(initializer),
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
            trainable=trainable,
            dtype=dtype,
        )
        own_dtype = dtype or self.variable_dtype
        if trainable:
            self.register_parameter(name, UninitializedParameter(dtype=own_dtype))  # type: ignore[call-arg, arg-type]
        else:
            self.register_buffer(name, _UnsizedBuffer(dtype=own_dtype))  # type: ignore[call-arg]
        if constraint is not None:
            _constrained.add(self)
            _watch_optimizers()

    def declare(
        self, name: str, pattern: str, keras_name: str, prefix: str, given: Mapping[str, Any], wanted: bool = True
    ) -> None:
        """Declare a weight with the initializer, regularizer and constraint that a constructor was given as
        `prefix`_initializer and so on, which become attributes. Not `wanted`, the weight is None."""
        parts: dict[str, Any] = {
            "initializer": initializers.get(given[f"{prefix}_initializer"]),
            "regularizer": regularizers.get(given[f"{prefix}_regularizer"]),
            "constraint": constraints.get(given[f"{prefix}_constraint"]),
        }
        for kind, part in parts.items():
            setattr(self, f"{prefix}_{kind}", part)
        if wanted:
            self.add_weight(name, pattern, keras_name=keras_name, **parts)
        else:
            setattr(self, name, None)

    def create_weights(self, **keras_shapes: Sequence[int]) -> None:
        """Give declared weights their sizes, in Keras's layout, and initial values.

        A weight that was loaded before is kept. Raises: ValueError if it has another shape.
        """
        for name, shape in keras_shapes.items():
            spec, weight = self._specs[name], getattr(self, name)
            shape = tuple(shape)
            try:
                sizes = spec.layout.torch_shape(shape)
            except (RuntimeError, TypeError) as error:  # sizes that are negative or whose product has over 63 bits
                raise ValueError(f"{type(self).__name__}: no weight {name!r} can have the shape {shape}") from error
            if not is_lazy(weight):
                if tuple(weight.shape) != sizes:
                    raise ValueError(
                        f"{type(self).__name__}: the loaded weight {name!r} has shape {tuple(weight.shape)}, "
                        f"this input needs {sizes}"
                    )
                self._keras_shapes[name] = shape
                continue
            self._keras_shapes[name] = shape
            if _without_memory.get():
                # A new parameter: torch changes no tensor into one of another device.
                made = torch.empty(sizes, dtype=weight.dtype, device="meta")
                setattr(self, name, nn.Parameter(made, weight.requires_grad) if spec.trainable else made)
                continue
            weight.materialize(sizes)
            if spec.initializer is not None:
                value = spec.initializer(shape, dtype=weight.dtype)
                with torch.no_grad():
                    weight.copy_(spec.layout.to_torch(as_tensor(value)))

    def _keras_value(self, name: str) -> Tensor:
        spec, value = self._specs[name], getattr(self, name)
        in_keras: Tensor = spec.layout.to_keras(value, self._keras_shapes.get(name, ()))
        return in_keras

    def _layers_within(self) -> Iterator[Weighted]:
        yield from _outermost(self, set())

    def own_weights(self) -> list[tuple[Weighted, Weight]]:
        """List (layer, weight) of what Keras keeps at the layer itself, not at its sublayers: trainable ones first."""
        return [(self, spec) for spec in sorted(self._specs.values(), key=lambda spec: not spec.trainable)]

    def weight_entries(self) -> Iterator[tuple[Weighted, Weight]]:
        """Yield (layer, weight) in the order of Keras's `layer.weights`: its own, then those of its sublayers."""
        yield from self.own_weights()
        for layer in self._layers_within():
            yield from layer.weight_entries()

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Return all weights as numpy arrays in Keras's order and layout. Raises: ValueError if not built."""
        entries = list(self.weight_entries())
        for layer, spec in entries:
            if is_lazy(getattr(layer, spec.name)):
                raise ValueError(
                    f"{type(layer).__name__}: weight {spec.name!r} has no size yet: call the layer once or pass input_shape="
                )
        return [as_numpy(layer._keras_value(spec.name)) for layer, spec in entries]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights from arrays in Keras's order and layout, as `keras_layer.get_weights()` gives them.

        A layer that is not built yet takes its sizes from them.
        Raises: ValueError if the count or a shape differs; nothing is changed then.
        """
        cls, entries = type(self).__name__, list(self.weight_entries())
        if len(weights) != len(entries):
            names = [spec.keras_name for _, spec in entries]
            raise ValueError(f"{cls}: set_weights got {len(weights)} arrays, the layer has {len(entries)}: {names}")
        values = [as_tensor(weight) for weight in weights]
        for index, ((layer, spec), value) in enumerate(zip(entries, values, strict=True)):
            layer._check_weight(spec, tuple(value.shape), f"{cls}: set_weights: array {index}")
        for (layer, spec), value in zip(entries, values, strict=True):
            weight = getattr(layer, spec.name)
            layer._keras_shapes[spec.name] = tuple(value.shape)
            value = spec.layout.to_torch(value)
            with torch.no_grad():
                if is_lazy(weight):
                    weight.materialize(tuple(value.shape))
                weight.copy_(value)

    def _check_weight(self, spec: Weight, shape: tuple[int, ...], prefix: str) -> None:
        expected = self._keras_shapes.get(spec.name)
        left = spec.layout.sides[0]
        wrong_rank = "..." not in left and len(left.replace("(", " ").replace(")", " ").split()) != len(shape)
        if wrong_rank or (expected is not None and expected != shape):
            raise ValueError(f"{prefix} ({spec.keras_name!r}) has shape {shape}, expected is {expected or left!r}")

    @property
    def trainable(self) -> bool:
        """Whether the weights take gradients; setting it sets `requires_grad` of all of them, sublayers' too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        self._require_gradients(self._trainable)
        for layer in self._layers_within():
            layer.trainable = value

    def _require_gradients(self, value: bool) -> None:
        for name, spec in self._specs.items():
            weight = getattr(self, name)
            if spec.trainable and weight is not None:
                weight.requires_grad = value

    @property
    def losses(self) -> list[Tensor]:
        """Regularization penalties: of activities at the last call, then of the trainable weights, sublayers' too."""
        return penalties(self)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        for name, spec in self._specs.items():
            weight, loaded = getattr(self, name), state_dict.get(prefix + name)
            if is_lazy(weight) and loaded is not None and not is_lazy(loaded):
                weight.materialize(loaded.shape)
                if "(" not in spec.layout.pattern:
                    names = dict(zip(spec.layout.sides[1].split(), loaded.shape, strict=False))
                    left = spec.layout.sides[0].split()
                    plain = "..." in left
                    self._keras_shapes[name] = tuple(loaded.shape) if plain else tuple(names[n] for n in left)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        for name, weight in chain(self._parameters.items(), self._buffers.items()):
            if weight is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = weight if keep_vars or is_lazy(weight) else weight.detach()

    def __getstate__(self) -> dict[str, Any]:
        # Activity losses belong to one call's autograd graph, recorded calls to a model: neither is copied or pickled.
        return {**self.__dict__, "_activity_losses": [], "_calls": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if any(spec.constraint is not None for spec in self._specs.values()):
            _constrained.add(self)
            _watch_optimizers()


def _outermost(module: nn.Module, met: set[nn.Module]) -> Iterator[Weighted]:
    """Yield the layers inside a module that are in no other one there, each once."""
    for child in module.children():
        if child in met:
            continue
        met.add(child)
        if isinstance(child, Weighted):
            yield child
        else:
            yield from _outermost(child, met)


def penalties(module: nn.Module) -> list[Tensor]:
    """Return the penalties of all layers in any module, to be added to the loss before `backward`.

    First those of activities at the last call, then those of the trainable weights, as Keras orders them.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, Weighted)]
    activities = [loss for layer in layers for loss in layer._activity_losses]
    weights = [
        spec.regularizer(layer._keras_value(spec.name))
        for layer in layers
        for spec in layer._specs.values()
        if spec.regularizer is not None and spec.trainable and getattr(layer, spec.name).requires_grad
    ]
    return activities + weights


@torch.no_grad()
def apply_constraints(module: nn.Module) -> None:
    """Apply the constraints of all layers in a module to their weights, in place.

    `optimizer.step()` of any torch optimizer does this by itself for the weights it trains; call it in a training loop
    that changes weights in another way.
    """
    for layer in module.modules():
        if isinstance(layer, Weighted):
            _constrain(layer, None)


def _constrain(layer: Weighted, only: set[int] | None) -> None:
    for spec in layer._specs.values():
        weight = getattr(layer, spec.name)
        if spec.constraint is not None and not is_lazy(weight) and (only is None or id(weight) in only):
            weight.copy_(spec.layout.to_torch(spec.constraint(layer._keras_value(spec.name))))


@torch.no_grad()
def _after_optimizer_step(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    trained = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    for layer in list(_constrained):
        _constrain(layer, trained)


_watching: list[Any] = []


def _watch_optimizers() -> None:
    """Hook into torch's optimizers, once, when the first constrained weight is made: nobody can forget to constrain."""
    if not _watching:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        _watching.append(register_optimizer_step_post_hook(_after_optimizer_step))
