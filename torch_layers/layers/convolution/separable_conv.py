"""SeparableConv1D, SeparableConv2D."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.convolution.base import AXES, _Convolution


class _SeparableConv(_Convolution):
    """Base of SeparableConv1D and SeparableConv2D."""

    depthwise_weight: Tensor
    pointwise_weight: Tensor
    filters: int
    depth_multiplier: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_counts(filters=filters, depth_multiplier=depth_multiplier)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        axes = AXES[self.rank - 1]
        self.declare("depthwise_weight", f"{axes} c m -> (c m) 1 {axes}", "depthwise_kernel", "depthwise", given)
        self.declare("pointwise_weight", f"{axes} i o -> o i {axes}", "pointwise_kernel", "pointwise", given)
        self._set_ends(activation, use_bias, given)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.create_weights(
            depthwise_weight=(*self.kernel_size, channels, self.depth_multiplier),
            pointwise_weight=(*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            **({"bias": (self.filters,)} if self.use_bias else {}),
        )
        self._expect(channels)

    def forward(self, x: Tensor) -> Tensor:
        depthwise, pointwise = self.cast(self.depthwise_weight), self.cast(self.pointwise_weight)
        x = self._convolve(self._view(x), depthwise, None, depthwise.shape[0] // self.depth_multiplier)
        return self._result(F.conv2d(x, pointwise if self.rank == 2 else pointwise.unsqueeze(2), self._bias()))


class SeparableConv1D(_SeparableConv):
    """y = activation(each channel of x convolved along one axis by itself, then all mixed at each step, + bias).

    Shape: (batch, steps, channels) -> (batch, new_steps, filters); `depthwise_weight` (channels * depth_multiplier, 1,
    kernel_size), `pointwise_weight` (filters, channels * depth_multiplier, 1), `bias` (filters,).
    Raises: ValueError for an argument that is out of its range, an unknown `padding`, and an input smaller than the
    kernel with padding "valid".
    Source: keras.layers.SeparableConv1D, Keras 3.15.
    """

    rank = 1
    aliases = ("SeparableConvolution1D",)


class SeparableConv2D(_SeparableConv):
    """y = activation(each channel of x convolved along two axes by itself, then all mixed at each place, + bias).

    Shape: (batch, height, width, channels) -> (batch, new_height, new_width, filters); `depthwise_weight` (channels *
    depth_multiplier, 1, height, width), `pointwise_weight` (filters, channels * depth_multiplier, 1, 1), `bias`
    (filters,).
    Raises: ValueError as `SeparableConv1D`.
    Source: keras.layers.SeparableConv2D, Keras 3.15.
    """

    rank = 2
    aliases = ("SeparableConvolution2D",)
