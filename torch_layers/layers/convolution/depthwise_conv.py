"""DepthwiseConv1D, DepthwiseConv2D."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.convolution.base import AXES, _Convolution


class _DepthwiseConv(_Convolution):
    """Base of DepthwiseConv1D and DepthwiseConv2D."""

    weight: Tensor
    depth_multiplier: int

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_counts(depth_multiplier=depth_multiplier)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        axes = AXES[self.rank - 1]
        self.declare("weight", f"{axes} c m -> (c m) 1 {axes}", "kernel", "depthwise", given)
        self._set_ends(activation, use_bias, given)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        bias = {"bias": (channels * self.depth_multiplier,)} if self.use_bias else {}
        self.create_weights(weight=(*self.kernel_size, channels, self.depth_multiplier), **bias)
        self._expect(channels)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.cast(self.weight)
        groups = weight.shape[0] // self.depth_multiplier
        return self._result(self._convolve(self._view(x), weight, self._bias(), groups))


class DepthwiseConv1D(_DepthwiseConv):
    """y = activation(each channel of x convolved along one axis with kernels of its own + bias).

    Shape: (batch, steps, channels) -> (batch, new_steps, channels * depth_multiplier), the channels that come from one
    side by side; `weight` (channels * depth_multiplier, 1, kernel_size), `bias` (channels * depth_multiplier,).
    Raises: ValueError for an argument that is out of its range, an unknown `padding`, and an input smaller than the
    kernel with padding "valid".
    Source: keras.layers.DepthwiseConv1D, Keras 3.15.
    """

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """y = activation(each channel of x convolved along two axes with kernels of its own + bias).

    Shape: (batch, height, width, channels) -> (batch, new_height, new_width, channels * depth_multiplier); `weight`
    (channels * depth_multiplier, 1, height, width), `bias` (channels * depth_multiplier,).
    Raises: ValueError as `DepthwiseConv1D`.
    Source: keras.layers.DepthwiseConv2D, Keras 3.15.
    """

    rank = 2
