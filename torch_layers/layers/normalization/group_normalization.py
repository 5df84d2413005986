"""GroupNormalization."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import InputSpec
from torch_layers.layers.normalization.scaled import _Scaled, for_kernel, wide
from torch_layers.layers.normalization.statistics import scaled


class GroupNormalization(_Scaled):
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias, with statistics of each sample and group of channels.

    `groups` shares of neighbours along `axis` have statistics of their own; -1 is a group for each channel (instance
    normalization), 1 one for all. As in Keras, an input is not rounded to the compute dtype first, and results of
    integers are cut off to integers.
    Shape: (batch, *) -> the same; `weight` and `bias` (size of `axis`,).
    Raises: ValueError if `groups` is neither a positive int nor -1 or does not divide the channels, if `axis` is not an
    int, is the batch axis, outside of the input, of unknown size or of another one than the layer was built for.
    Source: keras.layers.GroupNormalization, Keras 3.15.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(**kwargs)
        if not isinstance(groups, int) or isinstance(groups, bool) or (groups <= 0 and groups != -1):
            raise ValueError(f"GroupNormalization: groups={groups!r} is neither a positive int nor -1")
        if not isinstance(axis, int):
            raise ValueError(f"GroupNormalization: axis={axis!r} is not an int")
        self.autocast = False
        self.groups, self.axis, self.epsilon = groups, axis, epsilon
        self._declare_scale_and_shift(center, scale, given)

    def build(self, input_shape: Any) -> None:
        axis, size = self._checked_axis(self.axis, input_shape)
        if axis == 0:
            raise ValueError(
                f"GroupNormalization: axis={self.axis} is the batch axis of an input of shape {tuple(input_shape)}"
            )
        groups = size if self.groups == -1 else self.groups
        if groups == 0 or size % groups or not size:
            raise ValueError(
                f"GroupNormalization: groups={self.groups} does not divide the {size} channels of an input of shape "
                f"{tuple(input_shape)}"
            )
        self.create_weights(**self._sizes((size,)))
        self._axis, self.groups, rank = axis, groups, len(input_shape)
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={self.axis: size})

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() == x.shape[0] * self.groups or not x.numel():
            y = self._by_moments(x)
        else:
            wide_x, weight, bias = for_kernel(x, self.weight, self.bias)
            if weight is None and bias is not None:
                weight = torch.ones_like(bias)  # torch 2.13's kernel can't do with a bias alone
            y = torch.group_norm(
                wide_x.movedim(self._axis, 1), self.groups, weight, bias, self.epsilon, torch.backends.cudnn.enabled
            ).movedim(1, self._axis)
        if not x.is_floating_point():
            y = y.to(x.dtype)
        return y if y.dtype is self.compute_dtype else y.to(self.compute_dtype)

    def _by_moments(self, x: Tensor) -> Tensor:
        """Normalize groups of one element, of which kernels leave rounding where nothing should be left, or of none."""
        self.check_input(x.shape)
        x, shape = wide(x), [1] * x.ndim
        shape[self._axis] = -1
        weight, bias = (w if w is None else w.to(x.dtype).view(shape) for w in (self.weight, self.bias))
        return scaled(x, x, torch.zeros_like(x), weight, bias, self.epsilon)
