"""Keras's regularizers: penalties on a weight, or on a layer's output. They see weights in Keras's layout.

Source: keras/src/regularizers/regularizers.py, 3.15.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import serialization
from torch_layers.registry import regularizers as _registry


class Regularizer(serialization.Configurable):
    """A function of a weight that gives a scalar penalty; subclasses define `__call__`.

    Source: keras.regularizers.Regularizer, Keras 3.15.
    """

    registry = _registry
    aliases: ClassVar[tuple[str, ...]] = ("regularizer",)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the penalty of `x`: 0 unless a subclass says otherwise."""
        return x.new_zeros(())

    def _factor(self, name: str, value: float) -> float:
        if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise ValueError(f"{type(self).__name__}: {name}={value!r} is not a finite number of at least 0")
        return float(value)


class L1(Regularizer):
    """l1 * sum(|x|). Like Keras, it rounds `l1` to float32.

    Raises: ValueError if `l1` is negative or not finite.
    Source: keras.regularizers.L1, Keras 3.15.
    """

    aliases = ("l1",)

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = float(np.float32(self._factor("l1", 0.01 if l1 is None else l1)))

    def __call__(self, x: Tensor) -> Tensor:
        return self.l1 * x.abs().sum()


class L2(Regularizer):
    """l2 * sum(x^2). Keras rounds `l2` to float32 when called, in float64 too: it is up to 3e-8 off there.

    Raises: ValueError if `l2` is negative or not finite.
    Source: keras.regularizers.L2, Keras 3.15.
    """

    aliases = ("l2",)

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = self._factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Tensor) -> Tensor:
        return self.l2 * x.square().sum()


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2). By its name, "l1l2", both factors are 0.

    Keras rounds the factors to float32 when called, in float64 too: it is up to 3e-8 off there.
    Raises: ValueError if a factor is negative or not finite.
    Source: keras.regularizers.L1L2, Keras 3.15.
    """

    # Keras 3 knows "l1l2" only; Keras 2 knew "l1_l2" too.
    aliases = ("l1l2", "l1_l2")

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = self._factor("l1", 0.0 if l1 is None else l1)
        self.l2 = self._factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Tensor) -> Tensor:
        penalty = self.l1 * x.abs().sum() if self.l1 else x.new_zeros(())
        return penalty + self.l2 * x.square().sum() if self.l2 else penalty


class OrthogonalRegularizer(Regularizer):
    """factor times the mean of |cos| of the angles between all pairs of rows, or of columns, of a matrix.

    Like Keras, it rounds `factor` to float32, and a single row gives NaN.
    Raises: ValueError if `factor` is negative or not finite, if `mode` is neither "rows" nor "columns", or, when
    called, if the weight is not a matrix.
    Source: keras.regularizers.OrthogonalRegularizer, Keras 3.15.
    """

    aliases = ("orthogonal_regularizer",)

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode={mode!r} is not one of ('rows', 'columns')")
        self.factor, self.mode = float(np.float32(self._factor("factor", factor))), mode

    def __call__(self, x: Tensor) -> Tensor:
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: the weight's shape is {tuple(x.shape)}, not that of a matrix")
        rows = F.normalize(x if self.mode == "rows" else x.mT, dim=1, eps=1e-7)
        count = rows.shape[0]
        return self.factor * torch.triu(rows @ rows.mT, diagonal=1).abs().sum() / (count * (count - 1) / 2)


# The other names under which keras.regularizers exports them.
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(
    identifier: Any, custom_objects: serialization.CustomObjects | None = None
) -> Regularizer | Callable[[Tensor], Any] | None:
    """Return the regularizer that a name, a config, a class or a function stands for; None stays None.

    Raises: ValueError for anything else, with the nearest name if an unknown name is given.
    Source: keras.regularizers.get, Keras 3.15.
    """
    made: Regularizer | Callable[[Tensor], Any] | None = serialization.get(identifier, _registry, custom_objects)
    return made


def serialize(regularizer: Any) -> Any:
    """Return a regularizer's config, as `keras.regularizers.serialize` does, Keras 3.15.

    Raises: TypeError if it has none.
    """
    return serialization.serialize(regularizer)


def deserialize(config: Any, custom_objects: serialization.CustomObjects | None = None) -> Any:
    """Return the regularizer that a name or config stands for, as `keras.regularizers.deserialize` does, Keras 3.15.

    Raises: ValueError for one that is neither Keras's nor in `custom_objects`.
    """
    return get(config, custom_objects)


__all__ = sorted({*(name for name in _registry if name in globals()), "deserialize", "get", "serialize"})
