"""BatchNormalization."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from torch_layers import initializers
from torch_layers.layers.base import InputSpec
from torch_layers.layers.normalization.long_batches import is_long, normalized
from torch_layers.layers.normalization.scaled import HALF, _Scaled, in_dtype, wide
from torch_layers.layers.normalization.statistics import (
    is_distributed,
    masked_moments,
    moments,
    scaled,
    synchronized_moments,
)

_BOUNDS = ("rmax", "rmin", "dmax")


class BatchNormalization(_Scaled):
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias, with statistics over all axes but `axis`.

    In training they are the batch's, and the running ones move: running = momentum * running + (1 - momentum) * batch;
    `momentum` is the share that is kept, the variance the biased one. In eval, and in training with `trainable=False`,
    they are the running ones. What `mask` leaves out does not count. An empty batch moves nothing, where Keras's
    statistics become NaN for good. Half precision is computed in float32.
    `synchronized` takes statistics over all processes of `torch.distributed`, without a mask. `renorm` is batch
    renormalization, with the bounds of `renorm_clipping` ("rmin", "rmax", "dmax").

    Shape: (batch, *) -> the same; `mask` has one axis less than the input; `weight`, `bias`, `running_mean`,
    `running_var` (size of `axis`,).
    Raises: ValueError if `axis`, `momentum` or `epsilon` is not a number, if `axis` is outside of the input, of unknown
    size or of another one than the layer was built for, for unknown or contradictory bounds, and for a mask of another
    rank.
    Source: keras.layers.BatchNormalization, Keras 3.15.
    """

    takes_integers = False
    running_mean: Tensor
    running_var: Tensor
    moving_stddev: Tensor
    renorm_mean: Tensor
    renorm_stddev: Tensor

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
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            [axis] = axis  # Keras 2's configs have a list
        self.axis = int(self._number("axis", axis))
        self.momentum, self.epsilon = self._number("momentum", momentum), self._number("epsilon", epsilon)
        self._declare_scale_and_shift(center, scale, given)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.synchronized, self.renorm, self.renorm_momentum = synchronized, renorm, renorm_momentum
        self.renorm_clipping = _checked_bounds(renorm_clipping or {}) if renorm else renorm_clipping
        mean, variance = self.moving_mean_initializer, self.moving_variance_initializer
        self.add_weight("running_mean", initializer=mean, keras_name="moving_mean", trainable=False)
        self.add_weight("running_var", initializer=variance, keras_name="moving_variance", trainable=False)
        if renorm:
            stddev = _RootOf(variance)
            self.add_weight("moving_stddev", initializer=stddev, trainable=False)
            self.add_weight("renorm_mean", initializer=mean, trainable=False)
            self.add_weight("renorm_stddev", initializer=stddev, trainable=False)

    def build(self, input_shape: Any) -> None:
        self._axis, size = self._checked_axis(self.axis, input_shape)
        self.create_weights(**dict.fromkeys(self._specs, (size,)))
        rank = len(input_shape)
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={self.axis: size})

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None and mask.ndim != x.ndim - 1:
            raise ValueError(
                f"BatchNormalization: mask of shape {tuple(mask.shape)} has rank {mask.ndim}, allowed is {x.ndim - 1} for "
                f"an input of shape {tuple(x.shape)}"
            )
        if not self.autocast:  # Keras's operations promote what it leaves as it is
            x = x.to(self.variable_dtype)
        weight, bias, mean, var = self.weight, self.bias, self.running_mean, self.running_var
        if mean.dtype in HALF:  # torch would round statistics to the dtype of the weights
            weight, bias = in_dtype(weight, torch.float32), in_dtype(bias, torch.float32)
            mean, var = mean.float(), var.float()
        if self.training and self._trainable and x.numel():
            count = x.numel() // x.shape[self._axis]
            if mask is not None or self.renorm or count == 1 or (self.synchronized and is_distributed()):
                return self._by_moments(x, mask, weight, bias)
            if is_long(rows := self._viewed(x)):
                y, mean, var = normalized(rows, weight, bias, self.epsilon)
                self._move_both(mean, var)
                return y.view(x.shape)
            # Momentum 1 gives the batch's own statistics; its variance is count / (count - 1) times the biased one.
            mean, var = torch.zeros_like(mean), torch.zeros_like(var)
            y = self._kernel(x, weight, bias, mean, var, True)
            self._move_both(mean, var, (count - 1) / count)
            return y
        return self._kernel(x, weight, bias, mean, var, False)

    def _kernel(self, x: Tensor, weight: Any, bias: Any, mean: Tensor, var: Tensor, training: bool) -> Tensor:
        if not x.shape[self._axis]:
            return x  # torch asks for a channel at least
        y = torch.batch_norm(
            *(self._viewed(x), weight, bias, mean, var),
            *(training, 1.0, self.epsilon, torch.backends.cudnn.enabled),
        )
        if y.ndim != x.ndim:
            return y.view(x.shape)
        return y if self._axis == 1 else y.movedim(1, self._axis)

    def _viewed(self, x: Tensor) -> Tensor:
        """Return a view with the channels on axis 1; (batch and all others, channels) if they are the last in memory.

        Not torch's `channels_last` format: in that, gradients of a batch of 1 with another axis of size 1 are wrong on
        the CPU (torch 2.13), as it can't be told from the plain one; and it has none of rank 3.
        """
        if x.ndim == 1:
            return x[None]
        if x.ndim > 2 and self._axis == x.ndim - 1 and not x.movedim(-1, 1).is_contiguous():
            return x.flatten(0, -2)
        return x if self._axis == 1 else x.movedim(self._axis, 1)

    # --- by moments: masks, other processes, renormalization, a single element ---------------------------------------

    def _by_moments(self, x: Tensor, mask: Tensor | None, weight: Any, bias: Any) -> Tensor:
        self.check_input(x.shape)
        x = wide(x)
        axes = [axis for axis in range(x.ndim) if axis != self._axis]
        if mask is not None:
            mean, var = masked_moments(x, mask, axes)
        elif self.synchronized and is_distributed():
            mean, var = synchronized_moments(x, axes)
        else:
            mean, var = moments(x, axes)
        shape, mean, var = mean.shape, mean.flatten(), var.flatten()
        if self.renorm:
            weight, bias = self._renormalized(mean.detach(), var.detach(), weight, bias)
        else:
            self._move_both(mean, var)
        weight, bias = (w if w is None else w.view(shape) for w in (weight, bias))
        y = scaled(x, mean.view(shape), var.view(shape), weight, bias, self.epsilon)
        return y if y.dtype is self.compute_dtype or not self.autocast else y.to(self.compute_dtype)

    @torch.no_grad()
    def _move_both(self, mean: Tensor, var: Tensor, share: float = 1.0) -> None:
        """Move the running statistics towards the batch's, of which `share` of the variance is the biased one."""
        self._move("running_mean", mean, self.momentum)
        self._move("running_var", var, self.momentum, share)

    def _move(self, name: str, value: Tensor, momentum: float, share: float = 1.0) -> Tensor:
        """Move one of them, and return it before it is rounded to its own dtype."""
        running: Tensor = getattr(self, name)
        if running.dtype is value.dtype:
            return running.mul_(momentum).add_(value, alpha=(1 - momentum) * share)
        moved = running.to(value.dtype).mul_(momentum).add_(value, alpha=(1 - momentum) * share)
        running.copy_(moved)
        return moved

    @torch.no_grad()
    def _move_renorm(self, mean: Tensor, stddev: Tensor) -> None:
        self._move("renorm_mean", mean, self.renorm_momentum)
        self._move("renorm_stddev", stddev, self.renorm_momentum)
        self._move("running_mean", mean, self.momentum)
        moved = self._move("moving_stddev", stddev, self.momentum)
        self.running_var.copy_((moved.square() - self.epsilon).relu())

    def _renormalized(self, mean: Tensor, var: Tensor, weight: Any, bias: Any) -> tuple[Tensor, Tensor]:
        """Return the scale and shift that make up for the difference from the running statistics, and move those."""
        stddev = (var + self.epsilon).sqrt()
        scale, shift = self._corrections(mean, stddev)
        self._move_renorm(mean, stddev)
        if weight is not None:
            scale, shift = scale * weight, shift * weight
        return scale, shift if bias is None else shift + bias

    def _corrections(self, mean: Tensor, stddev: Tensor) -> tuple[Tensor, Tensor]:
        rmax, rmin, dmax = ((self.renorm_clipping or {}).get(bound) for bound in _BOUNDS)
        known = self.renorm_stddev.to(mean.dtype).clamp(min=math.sqrt(self.epsilon))
        scale, shift = stddev / known, (mean - self.renorm_mean.to(mean.dtype)) / known
        if rmin is not None or rmax is not None:
            scale = scale.clamp(rmin, rmax)
        return scale, shift if dmax is None else shift.clamp(-dmax, dmax)


def _checked_bounds(bounds: Mapping[str, float]) -> Mapping[str, float]:
    rmax, rmin, dmax = (bounds.get(bound) for bound in _BOUNDS)
    wrong = None
    if set(bounds) - set(_BOUNDS):
        wrong = f"other keys than {_BOUNDS}"
    elif rmin is not None and rmax is not None and rmax < rmin:
        wrong = "an rmax below its rmin"
    elif dmax is not None and dmax < 0:
        wrong = "a dmax below 0"
    if wrong:
        raise ValueError(f"BatchNormalization: renorm_clipping={dict(bounds)} has {wrong}")
    return bounds


class _RootOf:
    """An initializer: the square roots of another one's values."""

    def __init__(self, initializer: Any) -> None:
        self.initializer = initializer

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        values: Tensor = self.initializer(shape, dtype=dtype)
        return values.sqrt()
