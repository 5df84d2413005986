"""GroupNormalization."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.base import InputSpec
from torch_layers.layers.normalization.scaled import _Scaled, wide, wide_or_none


class GroupNormalization(_Scaled):
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias, with statistics of each sample and group of channels.

    `groups` neighbours along `axis` share them; -1 is a group for each channel (instance normalization), 1 one for all.
    Shape: (batch, *) -> the same; `weight` and `bias` (size of `axis`,).
    Raises: ValueError if `groups` is neither positive nor -1 or does not divide the channels, if `axis` is outside of the
    input or of unknown size.
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
        self.groups, self.axis, self.epsilon = groups, axis, epsilon
        self._declare_scale_and_shift(center, scale, given)

    def build(self, input_shape: Any) -> None:
        axis = self._checked_axis(self.axis, input_shape)
        size = input_shape[axis]
        if self.groups == -1:
            self.groups = size
        if size % self.groups:
            raise ValueError(
                f"GroupNormalization: groups={self.groups} does not divide the {size} channels of an input of shape "
                f"{tuple(input_shape)}"
            )
        self.create_weights(**self._sizes((size,)))
        rank = len(input_shape)
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={self.axis: size})

    def forward(self, x: Tensor) -> Tensor:
        x = wide(x)
        weight, bias = wide_or_none(self.weight, x), wide_or_none(self.bias, x)
        y = F.group_norm(x.movedim(self.axis, 1), self.groups, weight, bias, self.epsilon).movedim(1, self.axis)
        return y if y.dtype is self.compute_dtype else y.to(self.compute_dtype)
