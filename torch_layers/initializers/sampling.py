"""Initializers that draw: uniform, normal and truncated normal, scaled by a weight's fans, and orthogonal matrices.

An int `seed` gives the same values at every call with the same shape, dtype and kind of device, as in Keras, though
other values than Keras's. Without a seed each call draws from torch's global generator, so that `torch.manual_seed`
rules; Keras repeats an instance's first draw there. Half precision is drawn in float32 and rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Generator, Tensor

from torch_layers.initializers.initializer import Device, DType, Initializer, dtype_of
from torch_layers.serialization import CustomObjects

Self = TypeVar("Self", bound="_Random")

# The standard deviation of a normal distribution that is cut at twice its standard deviation.
TRUNCATED_STDDEV = 0.87962566103423978


class _Random(Initializer):
    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and not isinstance(seed, int):
            raise ValueError(f"{type(self).__name__}: seed={seed!r} is neither an int nor None")
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        made = dtype_of(dtype)
        if not made.is_floating_point:
            raise ValueError(f"{type(self).__name__}: dtype={dtype!r} is not a float dtype")
        values = torch.empty(tuple(shape), dtype=torch.promote_types(made, torch.float32), device=device)
        self.check(values.shape)
        if not values.is_meta:
            seed = self.seed
            self.draw(values, None if seed is None else Generator(values.device).manual_seed(seed))
        return values.to(made)

    def check(self, shape: torch.Size) -> None:
        """Raise ValueError if no weight of this shape can be drawn."""

    def draw(self, values: Tensor, generator: Generator | None) -> None:
        """Fill `values` in place."""
        raise NotImplementedError

    @classmethod
    def from_config(cls: type[Self], config: dict[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        """Make an initializer from its config; the config of a `keras.random.SeedGenerator` counts as its seed."""
        if isinstance(config.get("seed"), dict):
            config = {**config, "seed": config["seed"].get("config", {}).get("seed")}
        return super().from_config(config, custom_objects)


def _truncated_normal(values: Tensor, mean: float, stddev: float, generator: Generator | None) -> None:
    # Inverse of the cumulative distribution, between -2 and 2 standard deviations; rounding must not lead beyond.
    bound = math.erf(math.sqrt(2))
    values.uniform_(-bound, bound, generator=generator).erfinv_().mul_(math.sqrt(2)).clamp_(-2, 2)
    values.mul_(stddev).add_(mean)


class RandomNormal(_Random):
    """Normal with `mean` and `stddev`. Source: keras.initializers.RandomNormal, Keras 3.15."""

    aliases = ("random_normal", "normal")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, values: Tensor, generator: Generator | None) -> None:
        values.normal_(generator=generator).mul_(self.stddev).add_(self.mean)


class TruncatedNormal(_Random):
    """Normal with `mean` and `stddev`, without the values further than 2 * stddev from the mean.

    Their standard deviation is 0.8796 * stddev. Source: keras.initializers.TruncatedNormal, Keras 3.15.
    """

    aliases = ("truncated_normal",)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, values: Tensor, generator: Generator | None) -> None:
        _truncated_normal(values, self.mean, self.stddev, generator)


class RandomUniform(_Random):
    """Uniform from `minval` to `maxval`. Source: keras.initializers.RandomUniform, Keras 3.15."""

    aliases = ("random_uniform", "uniform")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def draw(self, values: Tensor, generator: Generator | None) -> None:
        values.uniform_(self.minval, self.maxval, generator=generator)


def fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight of Keras's layout: a matrix (in, out), a kernel (*window, in, out).

    The sizes of `input_axes` and `output_axes` count instead if both are given.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class VarianceScaling(_Random):
    """Mean 0 and variance scale / n, where n is fan_in, fan_out or, for mode="fan_avg", the mean of both; at least 1.

    Raises: ValueError if `scale` is not positive, or for a `mode` or `distribution` that isn't known.
    Source: keras.initializers.VarianceScaling, Keras 3.15.
    """

    aliases = ("variance_scaling",)

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        cls, modes = type(self).__name__, ("fan_in", "fan_out", "fan_avg")
        distributions = ("uniform", "truncated_normal", "untruncated_normal", "normal")
        if scale <= 0:
            raise ValueError(f"{cls}: scale={scale!r} is not positive")
        if mode not in modes:
            raise ValueError(f"{cls}: mode={mode!r} is not one of {modes}")
        if distribution.lower() not in distributions:
            raise ValueError(f"{cls}: distribution={distribution!r} is not one of {distributions}")
        self.scale, self.mode = scale, mode
        self.distribution = distribution.lower() if distribution.lower() != "normal" else "truncated_normal"
        self.input_axes, self.output_axes = input_axes, output_axes

    def draw(self, values: Tensor, generator: Generator | None) -> None:
        fan_in, fan_out = fans(values.shape, self.input_axes, self.output_axes)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            limit = math.sqrt(3) * stddev
            values.uniform_(-limit, limit, generator=generator)
        elif self.distribution == "untruncated_normal":
            values.normal_(0, stddev, generator=generator)
        else:
            _truncated_normal(values, 0, stddev / TRUNCATED_STDDEV, generator)


class _Scaled(VarianceScaling):
    """A VarianceScaling whose first three arguments have a name of their own."""

    fixed: ClassVar[tuple[float, str, str]]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.fixed, seed, input_axes, output_axes)


class GlorotUniform(_Scaled):
    """Uniform, variance 2 / (fan_in + fan_out). Source: keras.initializers.GlorotUniform, Keras 3.15."""

    aliases = ("glorot_uniform",)
    fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal, variance 2 / (fan_in + fan_out). Source: keras.initializers.GlorotNormal, Keras 3.15."""

    aliases = ("glorot_normal",)
    fixed = (1.0, "fan_avg", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform, variance 1 / fan_in. Source: keras.initializers.LecunUniform, Keras 3.15."""

    aliases = ("lecun_uniform",)
    fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal, variance 1 / fan_in. Source: keras.initializers.LecunNormal, Keras 3.15."""

    aliases = ("lecun_normal",)
    fixed = (1.0, "fan_in", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform, variance 2 / fan_in. Source: keras.initializers.HeUniform, Keras 3.15."""

    aliases = ("he_uniform",)
    fixed = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal, variance 2 / fan_in. Source: keras.initializers.HeNormal, Keras 3.15."""

    aliases = ("he_normal",)
    fixed = (2.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """`gain` times a matrix with orthonormal rows or columns, whichever are fewer; all axes but the last count as one.

    Raises: ValueError, when called, if the shape has fewer than two axes.
    Source: keras.initializers.Orthogonal, Keras 3.15.
    """

    aliases = ("orthogonal", "OrthogonalInitializer")

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def check(self, shape: torch.Size) -> None:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: shape={tuple(shape)} has {len(shape)} axes, fewer than 2")

    def draw(self, values: Tensor, generator: Generator | None) -> None:
        torch.nn.init.orthogonal_(values.flatten(0, -2), self.gain, generator=generator)
