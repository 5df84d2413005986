"""Normalization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_layers.layers.base import Layer
from torch_layers.layers.weights import as_tensor

_EPSILON = 1e-7


class Normalization(Layer):
    """y = (x - mean) / sqrt(variance), with a mean and variance for each place along `axis`; `invert` goes back.

    They are given as `mean` and `variance`, numbers or arrays, or taken from data by `adapt`; until then 0 and 1.
    Shape: (batch, *) -> the same; `running_mean` and `running_var` (unless given) have the sizes of `axis`; `count`, 0,
    is in Keras's files.
    Raises: ValueError if only one of both is given, if their shapes differ or have more axes than `axis`, if `axis` is
    outside of the input or of unknown size.
    Source: keras.layers.Normalization, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.mean, self.variance, self.invert = mean, variance, invert
        if (mean is None) != (variance is None):
            raise ValueError(f"Normalization: mean={mean!r} and variance={variance!r}: both must be given, or none")
        if mean is None:
            self.add_weight("running_mean", initializer="zeros", keras_name="mean", trainable=False)
            self.add_weight("running_var", initializer="ones", keras_name="variance", trainable=False)
            self.add_weight("count", initializer="zeros", trainable=False, dtype=torch.int64)
        elif np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"Normalization: mean of shape {np.shape(mean)} and variance of shape {np.shape(variance)} must have one "
                f"shape, of at most the {len(self.axis)} axes in axis={self.axis}"
            )

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if not all(-rank <= axis < rank for axis in self.axis):
            raise ValueError(f"Normalization: axis={self.axis} is outside of an input of shape {tuple(input_shape)}")
        kept = sorted(axis % rank for axis in self.axis)
        if any(input_shape[axis] is None for axis in kept):
            raise ValueError(
                f"Normalization: input of shape {tuple(input_shape)} has an unknown size in axis={self.axis}"
            )
        self._kept = kept
        sizes = tuple(input_shape[axis] for axis in kept)
        self._broadcast = tuple(size if axis in kept else 1 for axis, size in enumerate(input_shape))
        if self.mean is None:
            self.create_weights(running_mean=sizes, running_var=sizes, count=())
            return
        for name, given in (("_mean", self.mean), ("_variance", self.variance)):
            value = torch.as_tensor(np.asarray(given), dtype=self.compute_dtype, device=self._device())
            self.register_buffer(name, value.expand(sizes).reshape(self._broadcast).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self._statistics()
        deviation = variance.sqrt().clamp(min=_EPSILON)
        return mean + x * deviation if self.invert else (x - mean) / deviation

    def _statistics(self) -> tuple[Tensor, Tensor]:
        if self.mean is not None:
            return self._mean, self._variance  # type: ignore[return-value]
        mean, variance = self.cast(self.running_mean), self.cast(self.running_var)
        return mean.view(self._broadcast), variance.view(self._broadcast)

    @torch.no_grad()
    def adapt(self, data: Any) -> None:
        """Take mean and variance from data: a numpy array, a tensor, or an iterable of batches of them.

        Of a batch that is a tuple or list, such as (x, y), the first is taken.
        Raises: ValueError if the statistics were given, if there is no batch, or if a batch has another shape.
        """
        if self.mean is not None:
            raise ValueError("Normalization: adapt: mean and variance were given already")
        batches: Iterable[Any] = [data] if isinstance(data, (np.ndarray, Tensor)) else data
        count, mean, squares = 0, torch.zeros(()), torch.zeros(())
        for batch in batches:
            x = as_tensor(batch[0] if isinstance(batch, (list, tuple)) else batch).to(self._device(), torch.float64)
            if not self.built:
                self.build((None, *x.shape[1:]))
            self._check_batch(x)
            axes = [axis for axis in range(x.ndim) if axis not in self._kept]
            new = x.numel() // max(self.running_mean.numel(), 1)
            # Each batch's deviations, and what the shift of the mean adds: no sum of squares loses digits.
            difference = x.mean(axes) - mean
            squares = squares + x.var(axes, correction=0) * new + difference.square() * (count * new / (count + new))
            count += new
            mean = mean + difference * (new / count)
        if not count:
            raise ValueError("Normalization: adapt: data has no values")
        self.running_mean.copy_(mean)
        self.running_var.copy_(squares / count)

    def _check_batch(self, x: Tensor) -> None:
        wanted = [self._broadcast[axis] for axis in self._kept]
        rank = len(self._broadcast)
        if x.ndim != rank or [x.shape[axis] for axis in self._kept] != wanted:
            raise ValueError(
                f"Normalization: adapt: data of shape {tuple(x.shape)}, the layer was built for {rank} axes with sizes "
                f"{wanted} in axis={self.axis}"
            )

    def get_config(self) -> dict[str, Any]:
        given = {"mean": self.mean, "variance": self.variance}
        return {**super().get_config(), **{k: None if v is None else np.asarray(v).tolist() for k, v in given.items()}}
