"""Conv1D, Conv2D, Conv3D."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.convolution.base import AXES, _Convolution
from torch_layers.layers.lora import _LoRA


class _Conv(_LoRA, _Convolution):
    """Base of Conv1D, Conv2D and Conv3D."""

    keeps_lora_alpha = True
    filters: int
    groups: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_counts(filters=filters, groups=groups)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        self._forbid_strided_dilation()
        if filters % groups:
            raise ValueError(f"{type(self).__name__}: filters={filters} is not divisible by groups={groups}")
        self._set_lora(lora_rank, lora_alpha, None)
        axes = AXES[self.rank - 1]
        self.declare("weight", f"{axes} i o -> o i {axes}", "kernel", "kernel", given)
        self._set_ends(activation, use_bias, given)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(input_shape)} has {channels} channels, not divisible by "
                f"groups={self.groups}"
            )
        bias = {"bias": (self.filters,)} if self.use_bias else {}
        self.create_weights(weight=(*self.kernel_size, channels // self.groups, self.filters), **bias)
        self._expect(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self._result(self._convolve(self._view(x), self.kernel(), self._bias(), self.groups))


class Conv1D(_Conv):
    """y = activation(convolution of x along one axis + bias).

    Shape: (batch, steps, channels) -> (batch, new_steps, filters), with `data_format="channels_first"` the channels on
    axis 1; `weight` (filters, channels / groups, kernel_size), `bias` (filters,).
    Raises: ValueError for an argument that is out of its range, an unknown `padding`, strides with a dilation, groups
    that divide `filters` or the channels with a remainder, and an input smaller than the kernel with padding "valid".
    Source: keras.layers.Conv1D, Keras 3.15.
    """

    rank = 1
    paddings = ("valid", "same", "causal")
    aliases = ("Convolution1D",)


class Conv2D(_Conv):
    """y = activation(convolution of x along two axes + bias).

    Shape: (batch, height, width, channels) -> (batch, new_height, new_width, filters); `weight` (filters,
    channels / groups, height, width), `bias` (filters,).
    Raises: ValueError as `Conv1D`.
    Source: keras.layers.Conv2D, Keras 3.15.
    """

    rank = 2
    aliases = ("Convolution2D",)


class Conv3D(_Conv):
    """y = activation(convolution of x along three axes + bias).

    Shape: (batch, depth, height, width, channels) -> (batch, new sizes, filters); `weight` (filters, channels / groups,
    depth, height, width), `bias` (filters,).
    Raises: ValueError as `Conv1D`.
    Source: keras.layers.Conv3D, Keras 3.15.
    """

    rank = 3
    aliases = ("Convolution3D",)
