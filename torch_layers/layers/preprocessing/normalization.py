"""Normalization."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_layers.layers.base import Layer
from torch_layers.layers.weights import as_tensor

_SMALLEST_DEVIATION = 1e-7


class Normalization(Layer):
    """y = (x - mean) / sqrt(variance), with a mean and a variance for each place along `axis`; `invert` goes back.

    They are given as `mean` and `variance`, numbers or arrays, or taken from data by `adapt`; until then 0 and 1.
    A deviation is at least 1e-7.

    Shape: (batch, *) -> the same; `running_mean` and `running_var` (unless given) have the sizes of `axis`, in the
    input's order; `count`, always 0, is in Keras's files.
    Raises: ValueError if `axis` is not of ints, if only one of `mean` and `variance` is given, if their shapes differ,
    have more axes than `axis` or don't broadcast to its sizes, or if `axis` is outside of the input, names an axis twice
    or one of unknown size.
    Source: keras.layers.Normalization, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    running_mean: Tensor
    running_var: Tensor
    _mean: Tensor
    _deviation: Tensor

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        axes = (axis,) if isinstance(axis, int) else () if axis is None else axis
        if not isinstance(axes, (list, tuple)) or not all(isinstance(item, int) for item in axes):
            raise ValueError(f"Normalization: axis={axis!r} is neither an int, a list of ints nor None")
        self.axis: tuple[int, ...] = tuple(axes)
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
                f"shape, of at most as many axes as axis={self.axis}"
            )

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape)
        rank = len(shape)
        if not all(-rank <= axis < rank for axis in self.axis):
            raise ValueError(f"Normalization: axis={self.axis} is outside of an input of shape {shape}")
        kept = sorted(axis % rank for axis in self.axis)
        if len(set(kept)) < len(kept):
            raise ValueError(f"Normalization: axis={self.axis} names an axis of an input of shape {shape} twice")
        if any(shape[axis] is None for axis in kept):
            raise ValueError(f"Normalization: input of shape {shape} has an unknown size along axis={self.axis}")
        sizes = tuple(shape[axis] for axis in kept)
        # The last axes broadcast as they are; others stand among axes of size 1.
        trailing = kept == list(range(rank - len(kept), rank))
        broadcast = sizes if trailing else tuple(size if axis in kept else 1 for axis, size in enumerate(shape))
        if self.mean is None:
            self.create_weights(running_mean=sizes, running_var=sizes, count=())
        else:
            mean, variance = (self._given(value, sizes).reshape(broadcast) for value in (self.mean, self.variance))
            self.register_buffer("_mean", mean, persistent=False)
            self.register_buffer("_deviation", variance.sqrt().clamp(min=_SMALLEST_DEVIATION), persistent=False)
        self._kept, self._sizes, self._view = kept, sizes, None if trailing else broadcast

    def _given(self, value: Any, sizes: tuple[int, ...]) -> Tensor:
        tensor = torch.as_tensor(np.asarray(value), dtype=self.compute_dtype, device=self._device())
        try:
            return tensor.expand(sizes).contiguous()
        except RuntimeError:
            raise ValueError(
                f"Normalization: mean and variance of shape {tuple(tensor.shape)} don't broadcast to {sizes}, the sizes "
                f"of the input along axis={self.axis}"
            ) from None

    def forward(self, x: Tensor) -> Tensor:
        if self.mean is None:
            mean, deviation = self.cast(self.running_mean), self.cast(self.running_var).sqrt()
            deviation = deviation.clamp(min=_SMALLEST_DEVIATION)
            if self._view is not None:
                mean, deviation = mean.view(self._view), deviation.view(self._view)
        else:
            mean, deviation = self._mean, self._deviation
        return torch.addcmul(mean, x, deviation) if self.invert else (x - mean) / deviation

    @torch.no_grad()
    def adapt(self, data: Any) -> None:
        """Take mean and variance from data: an array or a tensor, or an iterable of batches, such as a DataLoader.

        Of a batch that is a tuple or list, such as (x, y), the first is taken.
        Raises: ValueError if the statistics were given, if `data` is not of arrays, has no values or has other sizes than
        the layer was built for; the statistics stay what they were then.
        """
        if self.mean is not None:
            raise ValueError("Normalization: adapt: mean and variance were given already")
        count, mean, squares = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for x in _batches(data):
            if not self.built:
                self.build(x.shape)
            self._check_batch(x)
            if not x.numel():
                continue
            values = x.double().movedim(self._kept, tuple(range(len(self._kept)))).reshape(*self._sizes, -1)
            new = values.shape[-1]
            # The squares of each batch's deviations, and what the move of the mean adds: no digits are lost.
            difference = values.mean(-1) - mean.to(x.device)
            squares = squares.to(x.device) + values.var(-1, correction=0) * new
            squares = squares + difference.square() * (count * new / (count + new))
            mean = mean.to(x.device) + difference * (new / (count + new))
            count += new
        if not count:
            raise ValueError("Normalization: adapt: data has no values")
        self.running_mean.copy_(mean)
        self.running_var.copy_(squares / count)

    def _check_batch(self, x: Tensor) -> None:
        rank = len(self._built_shape)
        if self._kept and (x.ndim != rank or tuple(x.shape[axis] for axis in self._kept) != self._sizes):
            raise ValueError(
                f"Normalization: adapt: data of shape {tuple(x.shape)}, the layer was built for {rank} axes with sizes "
                f"{self._sizes} along axis={self.axis}"
            )

    def get_config(self) -> dict[str, Any]:
        given = {"mean": self.mean, "variance": self.variance}
        return {**super().get_config(), **{k: None if v is None else np.asarray(v).tolist() for k, v in given.items()}}


def _batches(data: Any) -> Any:
    """Yield the tensors of an array, or of each batch of an iterable."""
    if not hasattr(data, "shape") and not hasattr(data, "__iter__"):
        raise ValueError(f"Normalization: adapt: data is a {type(data).__name__}, neither an array nor an iterable")
    for batch in [data] if hasattr(data, "shape") else data:
        x = batch[0] if isinstance(batch, (list, tuple)) and len(batch) else batch
        if not hasattr(x, "shape"):
            raise ValueError(f"Normalization: adapt: data has a {type(x).__name__}, allowed are arrays and tensors")
        yield as_tensor(x)
