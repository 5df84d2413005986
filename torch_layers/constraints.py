"""Keras's constraints: projections of a weight after each update. They see weights in Keras's layout.

The axes of a norm are those that are summed over: 0 for a kernel of Dense, (0, 1, 2) for one of Conv2D.
Source: keras/src/constraints/constraints.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from torch_layers import serialization
from torch_layers.registry import constraints as _registry

Axis = int | Sequence[int]

# Keras adds it to norms before dividing by them (keras.config.epsilon()).
_EPSILON = 1e-7


def _norms(w: Tensor, axis: Axis) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(w, dim=axis, keepdim=True)
    return norms


class Constraint(serialization.Configurable):
    """A function of a weight that gives the nearest allowed one; subclasses define `__call__`.

    Source: keras.constraints.Constraint, Keras 3.15.
    """

    registry = _registry
    aliases: ClassVar[tuple[str, ...]] = ("constraint",)

    def __call__(self, w: Tensor) -> Tensor:
        """Return `w` projected: `w` itself unless a subclass says otherwise."""
        return w


class MaxNorm(Constraint):
    """Norms of at most `max_value`: w * min(norm, max_value) / (1e-7 + norm).

    Source: keras.constraints.MaxNorm, Keras 3.15.
    """

    aliases = ("max_norm",)

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norms(w, self.axis)
        return w * (torch.clamp(norms, 0, self.max_value) / (_EPSILON + norms))


class NonNeg(Constraint):
    """No value below 0. Source: keras.constraints.NonNeg, Keras 3.15."""

    aliases = ("non_neg",)

    def __call__(self, w: Tensor) -> Tensor:
        return torch.clamp(w, min=0)


class UnitNorm(Constraint):
    """Norms of 1: w / (1e-7 + norm). Source: keras.constraints.UnitNorm, Keras 3.15."""

    aliases = ("unit_norm",)

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        return w / (_EPSILON + _norms(w, self.axis))


class MinMaxNorm(Constraint):
    """Norms from `min_value` to `max_value`, of which each call goes the share `rate` of the way.

    w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (1e-7 + norm).
    Source: keras.constraints.MinMaxNorm, Keras 3.15.
    """

    aliases = ("min_max_norm",)

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norms(w, self.axis)
        wanted = self.rate * torch.clamp(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (_EPSILON + norms))


# The other names under which keras.constraints exports them.
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def get(
    identifier: Any, custom_objects: serialization.CustomObjects | None = None
) -> Constraint | Callable[[Tensor], Tensor] | None:
    """Return the constraint that a name, a config, a class or a function stands for; None stays None.

    Raises: ValueError for anything else, with the nearest name if an unknown name is given.
    Source: keras.constraints.get, Keras 3.15.
    """
    made: Constraint | Callable[[Tensor], Tensor] | None = serialization.get(identifier, _registry, custom_objects)
    return made


def serialize(constraint: Any) -> Any:
    """Return a constraint's config, as `keras.constraints.serialize` does, Keras 3.15.

    Raises: TypeError if it has none.
    """
    return serialization.serialize(constraint)


def deserialize(config: Any, custom_objects: serialization.CustomObjects | None = None) -> Any:
    """Return the constraint that a name or config stands for, as `keras.constraints.deserialize` does, Keras 3.15.

    Raises: ValueError for one that is neither Keras's nor in `custom_objects`.
    """
    return get(config, custom_objects)


__all__ = sorted({*(name for name in _registry if name in globals()), "deserialize", "get", "serialize"})
