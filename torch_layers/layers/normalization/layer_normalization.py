"""LayerNormalization."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.normalization.axes import _OverAxes
from torch_layers.layers.normalization.scaled import _Scaled, for_kernel, wide
from torch_layers.layers.normalization.statistics import moments, scaled


class LayerNormalization(_Scaled, _OverAxes):
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias, with statistics of each sample over `axis`.

    `rms_scaling`, deprecated in Keras, leaves the mean in and has no bias: y = weight * x / sqrt(variance + epsilon).
    As in Keras, an input is not rounded to the compute dtype first, and results of integers are cut off to integers.
    Shape: (batch, *) -> the same; `weight` and `bias` have the sizes of `axis`, sorted as numbers: -1 before 1.
    Raises: ValueError if `axis` is neither an int nor a list of ints, is outside of the input, names one twice or the
    batch axis, if its sizes are unknown or not those that the layer was built for.
    Source: keras.layers.LayerNormalization, Keras 3.15.
    """

    def __init__(
        self,
        axis: Any = -1,
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
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        if rms_scaling:
            warnings.warn(
                "LayerNormalization: rms_scaling=True scales by the variance, not the root mean square; RMSNormalization "
                "scales by that",
                stacklevel=3,
            )
        self.autocast = False
        self._set_axis(axis)
        self.rms_scaling, self.epsilon = rms_scaling, epsilon
        self._declare_scale_and_shift(center and not rms_scaling, scale or rms_scaling, given)
        self.center, self.scale = center, scale

    def build(self, input_shape: Any) -> None:
        sizes = self._build_axes(input_shape)
        self.create_weights(**self._sizes(sizes))
        # Keras takes weights by their place in memory, whatever order their axes stand in.
        self._as_they_are = sizes == self._sizes_in_order
        # One element is its mean: kernels leave rounding where nothing should be left.
        self._of_one = math.prod(sizes) == 1

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, sizes = self.weight, self.bias, self._sizes_in_order
        if not self._as_they_are:
            weight, bias = (w if w is None else w.reshape(sizes) for w in (weight, bias))
        if self.rms_scaling or self._of_one:
            y = self._by_moments(x, weight, bias)
        else:
            wide_x, weight, bias = for_kernel(x, weight, bias)
            if self._always_last:
                y = torch.layer_norm(wide_x, sizes, weight, bias, self.epsilon)
            else:
                axes = sorted(self._axes(x.shape))
                last = list(range(-len(axes), 0))
                y = torch.layer_norm(wide_x.movedim(axes, last), sizes, weight, bias, self.epsilon).movedim(last, axes)
        if not x.is_floating_point():
            y = y.to(x.dtype)
        return y if y.dtype is self.compute_dtype else y.to(self.compute_dtype)

    def _by_moments(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        self.check_input(x.shape)
        x, axes = wide(x), sorted(self._axes(x.shape))
        shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
        weight, bias = (w if w is None else w.to(x.dtype).reshape(shape) for w in (weight, bias))
        mean, var = moments(x, axes)
        return scaled(x, torch.zeros_like(mean) if self.rms_scaling else mean, var, weight, bias, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rms_scaling": self.rms_scaling}
