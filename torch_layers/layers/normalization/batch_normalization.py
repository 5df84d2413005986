"""BatchNormalization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import initializers
from torch_layers.layers.base import InputSpec
from torch_layers.layers.normalization.scaled import _Scaled, wide, wide_or_none

_CLIPPING = ("rmax", "rmin", "dmax")
_EPSILON = 1e-7


class BatchNormalization(_Scaled):
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias, with statistics over all axes but `axis`.

    In training they are the batch's, and the running ones move: running = momentum * running + (1 - momentum) * batch;
    `momentum` is the share that is kept, the variance the biased one. In eval, and in training with `trainable=False`,
    they are the running ones. What a `mask` (batch, *, without the last axis) leaves out does not count.
    `synchronized` takes statistics over all processes of `torch.distributed`. `renorm` is batch renormalization, with
    the bounds of `renorm_clipping` ("rmin", "rmax", "dmax").

    Shape: (batch, *) -> the same; `weight`, `bias`, `running_mean`, `running_var` (size of `axis`,).
    Raises: ValueError if `axis` is outside of the input or of unknown size, and for unknown or contradictory bounds.
    Source: keras.layers.BatchNormalization, Keras 3.15.
    """

    running_mean: Tensor
    running_var: Tensor
    renorm_mean: Tensor
    renorm_stddev: Tensor
    moving_stddev: Tensor

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(**kwargs)
        self.axis, self.momentum, self.epsilon = int(axis), float(momentum), float(epsilon)
        self._declare_scale_and_shift(center, scale, given)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.synchronized, self.renorm, self.renorm_momentum = synchronized, renorm, renorm_momentum
        if renorm:
            renorm_clipping = renorm_clipping or {}
            self._check_clipping(renorm_clipping)
        self.renorm_clipping = renorm_clipping
        mean, variance = self.moving_mean_initializer, self.moving_variance_initializer
        self.add_weight("running_mean", initializer=mean, keras_name="moving_mean", trainable=False)
        self.add_weight("running_var", initializer=variance, keras_name="moving_variance", trainable=False)
        if renorm:
            stddev = _RootOf(variance)
            self.add_weight("moving_stddev", initializer=stddev, trainable=False)
            self.add_weight("renorm_mean", initializer=mean, trainable=False)
            self.add_weight("renorm_stddev", initializer=stddev, trainable=False)

    def _check_clipping(self, bounds: Mapping[str, float]) -> None:
        rmin, rmax, dmax = bounds.get("rmin"), bounds.get("rmax"), bounds.get("dmax")
        if set(bounds) - set(_CLIPPING):
            raise ValueError(f"BatchNormalization: renorm_clipping={dict(bounds)} has other keys than {_CLIPPING}")
        if rmin is not None and rmax is not None and rmax < rmin:
            raise ValueError(f"BatchNormalization: renorm_clipping={dict(bounds)} has an rmax below its rmin")
        if dmax is not None and dmax < 0:
            raise ValueError(f"BatchNormalization: renorm_clipping={dict(bounds)} has a dmax below 0")

    def build(self, input_shape: Any) -> None:
        axis = self._checked_axis(self.axis, input_shape)
        size = input_shape[axis]
        states = [name for name, spec in self._specs.items() if not spec.trainable]
        self.create_weights(**self._sizes((size,)), **dict.fromkeys(states, (size,)))
        rank = len(input_shape)
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={self.axis: size})

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = wide(x)
        weight, bias = wide_or_none(self.weight, x), wide_or_none(self.bias, x)
        if not (self.training and self.trainable):
            mean, variance = self.running_mean.to(x.dtype), self.running_var.to(x.dtype)
            y = F.batch_norm(self._flat(x), mean, variance, weight, bias, False, 0.0, self.epsilon)
            y = self._unflat(y, x)
        elif mask is None and not self.renorm and not self._is_distributed():
            # The kernel's own update of running statistics takes the unbiased variance, where Keras takes the biased one.
            y, mean, inverse = torch.native_batch_norm(self._flat(x), weight, bias, None, None, True, 0.0, self.epsilon)
            self._move("running_mean", mean.detach(), self.momentum)
            self._move("running_var", inverse.detach().pow(-2) - self.epsilon, self.momentum)
            y = self._unflat(y, x)
        else:
            y = self._by_moments(x, mask, weight, bias)
        return y if y.dtype is self.compute_dtype or not self.autocast else y.to(self.compute_dtype)

    def _flat(self, x: Tensor) -> Tensor:
        """Return a view (1, channels, 1, others) in the layout that kernels are quick on, if the channels are last."""
        if self.axis in (-1, x.ndim - 1):
            return x.reshape(-1, x.shape[-1]).t()[None, :, None]
        return x.movedim(self.axis, 1)

    def _unflat(self, y: Tensor, x: Tensor) -> Tensor:
        if self.axis in (-1, x.ndim - 1):
            return y[0, :, 0].t().reshape(x.shape)
        return y.movedim(1, self.axis)

    @torch.no_grad()
    def _move(self, name: str, value: Tensor, momentum: float) -> None:
        running = getattr(self, name)
        running.copy_(running.to(value.dtype) * momentum + value * (1 - momentum))

    # --- by moments: masks, other processes, renormalization --------------------------------------------------------

    def _by_moments(self, x: Tensor, mask: Tensor | None, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        mean, variance = self._moments(x, mask)
        if self.renorm:
            weight, bias = self._renormalized(mean.detach(), variance.detach(), weight, bias)
        else:
            self._move("running_mean", mean.detach(), self.momentum)
            self._move("running_var", variance.detach(), self.momentum)
        factor = torch.rsqrt(variance + self.epsilon)
        factor = factor if weight is None else factor * weight
        shift = -mean * factor if bias is None else bias - mean * factor
        shape = [1] * x.ndim
        shape[self.axis] = -1
        return x * factor.view(shape) + shift.view(shape)

    def _is_distributed(self) -> bool:
        distributed = torch.distributed
        return self.synchronized and distributed.is_available() and distributed.is_initialized()

    def _moments(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        axes = [axis for axis in range(x.ndim) if axis != self.axis % x.ndim]
        if mask is not None:
            return self._masked_moments(x, mask, axes)
        if not self._is_distributed():
            variance, mean = torch.var_mean(x, axes, correction=0)
            return mean, variance
        from torch.distributed.nn.functional import all_reduce

        count = x.new_full((1,), x.numel() / x.shape[self.axis])
        sums = torch.cat([x.sum(axes), x.square().sum(axes), count])
        reduced: Tensor = all_reduce(sums)  # type: ignore[no-untyped-call]
        total, squares, count = torch.split(reduced, [x.shape[self.axis], x.shape[self.axis], 1])
        mean = total / count
        return mean, (squares / count - mean.square()).clamp(min=0)

    def _masked_moments(self, x: Tensor, mask: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
        if mask.ndim != x.ndim - 1:
            raise ValueError(
                f"BatchNormalization: mask of shape {tuple(mask.shape)} must have one axis less than the input of shape "
                f"{tuple(x.shape)}"
            )
        mask = mask.bool().unsqueeze(-1).expand(x.shape)
        count = mask.to(x.dtype).sum(axes, keepdim=True) + _EPSILON
        mean = x.where(mask, 0).sum(axes, keepdim=True) / count
        variance = (x - mean).where(mask, 0).square().sum(axes, keepdim=True) / count
        return mean.flatten(), variance.flatten()

    @torch.no_grad()
    def _corrections(self, mean: Tensor, stddev: Tensor) -> tuple[Tensor, Tensor]:
        bounds = self.renorm_clipping or {}
        known = self.renorm_stddev.to(mean.dtype).clamp(min=self.epsilon**0.5)
        scale, shift = stddev / known, (mean - self.renorm_mean.to(mean.dtype)) / known
        if "rmin" in bounds or "rmax" in bounds:
            scale = scale.clamp(bounds.get("rmin"), bounds.get("rmax"))
        if bounds.get("dmax") is not None:
            shift = shift.clamp(-bounds["dmax"], bounds["dmax"])
        return scale, shift

    def _renormalized(
        self, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return the scale and shift that make up for the difference from the running statistics, and move those."""
        stddev = (variance + self.epsilon).sqrt()
        scale, shift = self._corrections(mean, stddev)
        for name, value, momentum in (
            ("renorm_mean", mean, self.renorm_momentum),
            ("renorm_stddev", stddev, self.renorm_momentum),
            ("running_mean", mean, self.momentum),
            ("moving_stddev", stddev, self.momentum),
        ):
            self._move(name, value, momentum)
        with torch.no_grad():
            moved = self.moving_stddev.to(mean.dtype)
            self.running_var.copy_((moved.square() - self.epsilon).relu())
        if weight is not None:
            scale, shift = scale * weight, shift * weight
        return scale, shift if bias is None else shift + bias


class _RootOf:
    """An initializer: the square roots of another one's values."""

    def __init__(self, initializer: Any) -> None:
        self.initializer = initializer

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        values: Tensor = self.initializer(shape, dtype=dtype)
        return values.sqrt()
