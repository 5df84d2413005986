"""LayerNormalization."""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.normalization.axes import checked_axes, trailing
from torch_layers.layers.normalization.scaled import _Scaled, wide, wide_or_none


class LayerNormalization(_Scaled):
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias, with statistics of each sample over `axis`.

    `rms_scaling`, deprecated in Keras, leaves the mean in and has no bias: y = weight * x / sqrt(variance + epsilon).
    Shape: (batch, *) -> the same; `weight` and `bias` have the sizes of `axis`, in the order of the axes.
    Raises: ValueError if `axis` is outside of the input, names one twice or is the batch axis.
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
        self_rms = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        if self_rms:
            warnings.warn(
                "LayerNormalization: rms_scaling=True scales by the variance, not the root mean square; RMSNormalization "
                "scales by that",
                stacklevel=2,
            )
        self.rms_scaling = self_rms
        self.axis, self.epsilon = axis, epsilon
        if not isinstance(axis, (int, list, tuple)):
            raise ValueError(f"LayerNormalization: axis={axis!r} is neither an int nor a list of ints")
        self._declare_scale_and_shift(center and not self_rms, scale or self_rms, given)
        self.center, self.scale = center, scale

    def build(self, input_shape: Any) -> None:
        axes = checked_axes(self, self.axis, input_shape)
        self._trailing = trailing(axes, len(input_shape))
        self._axes = axes
        # In Keras, the config of a built layer has a sorted list.
        self.axis = sorted(self.axis) if isinstance(self.axis, (list, tuple)) else [self.axis]
        # In Keras the sizes stand in the order of `axis`, negative ones first, though the axes themselves do not.
        self.create_weights(**self._sizes([input_shape[axis] for axis in self.axis]))

    def forward(self, x: Tensor) -> Tensor:
        x = wide(x)
        weight, bias = wide_or_none(self.weight, x), wide_or_none(self.bias, x)
        if self._trailing and not self.rms_scaling:
            sizes = x.shape[-len(self._axes) :]
            if len(sizes) > 1:
                weight, bias = (w if w is None else w.reshape(sizes) for w in (weight, bias))
            y = F.layer_norm(x, sizes, weight, bias, self.epsilon)
        else:
            y = self._general(x, weight, bias)
        return y if y.dtype is self.compute_dtype else y.to(self.compute_dtype)

    def _general(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        variance, mean = torch.var_mean(x, self._axes, correction=0, keepdim=True)
        shape = [size if axis in self._axes else 1 for axis, size in enumerate(x.shape)]
        factor = torch.rsqrt(variance + self.epsilon)
        if weight is not None:
            factor = factor * weight.view(shape)
        if self.rms_scaling:
            return x * factor
        shift = -mean * factor
        return x * factor + (shift if bias is None else shift + bias.view(shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rms_scaling": self.rms_scaling}
