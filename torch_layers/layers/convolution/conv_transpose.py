"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.arguments import positive_ints
from torch_layers.layers.convolution.base import AXES, _Convolution
from torch_layers.layers.data_format import as_given, channels_first
from torch_layers.layers.windows import spread, transposed


def _transposed(
    x: Tensor,
    weight: Tensor,
    strides: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> Tensor:
    if x.ndim == 3:
        # The kernel for images is quicker than the one for sequences, and alone keeps the channels where they are.
        more = (0, *padding), (0, *output_padding), (1, *dilation)
        return _transposed(x.unsqueeze(2), weight.unsqueeze(2), (1, *strides), *more).squeeze(2)
    function = F.conv_transpose2d if x.ndim == 4 else F.conv_transpose3d
    return function(x, weight, None, strides, padding, output_padding, 1, dilation)


class _ConvTranspose(_Convolution):
    """Base of Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

    weight: Tensor
    filters: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_counts(filters=filters)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        self._forbid_strided_dilation()
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = positive_ints(self, "output_padding", output_padding, self.rank, least=0)
            if any(more >= stride for more, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{type(self).__name__}: output_padding={self.output_padding} is not below strides={self.strides}"
                )
        axes = AXES[self.rank - 1]
        self._declare("weight", f"{axes} o i -> i o {axes}", "kernel", "kernel", given)
        self._set_ends(activation, use_bias, given)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        bias = {"bias": (self.filters,)} if self.use_bias else {}
        self.create_weights(weight=(*self.kernel_size, self.filters, channels), **bias)
        self._expect(channels)

    def check_input(self, shape: Any) -> None:
        # It enlarges: no input is too small for the kernel, but `output_padding` may leave nothing of it.
        self.input_spec.check(type(self).__name__, shape)
        sizes = shape[1:-1] if self.data_format == "channels_last" else shape[2:]
        more: Sequence[int | None] = self.output_padding or (None,) * self.rank
        for size, *geometry, extra in zip(sizes, self.kernel_size, self.strides, self.dilation_rate, more, strict=True):
            if size is not None and transposed(size, *geometry, self.padding, extra)[1] <= 0:
                raise ValueError(
                    f"{type(self).__name__}: nothing is left of an input of shape {tuple(shape)} with padding="
                    f"{self.padding!r}, strides={self.strides} and output_padding={self.output_padding}"
                )

    def forward(self, x: Tensor) -> Tensor:
        x = channels_first(x, self.data_format)
        more: Sequence[int | None] = self.output_padding or (None,) * self.rank
        ends = [
            transposed(size, kernel, stride, dilation, self.padding, extra)
            for size, kernel, stride, dilation, extra in zip(
                x.shape[2:], self.kernel_size, self.strides, self.dilation_rate, more, strict=True
            )
        ]
        padding = [dropped for dropped, _ in ends]
        # How much of each axis is kept beyond torch's own size, or, if negative, cut off.
        beyond = [
            kept - ((size - 1) * stride + spread(kernel, dilation) - 2 * dropped)
            for (dropped, kept), size, kernel, stride, dilation in zip(
                ends, x.shape[2:], self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        ]
        weight = self.cast(self.weight)
        added = [max(n, 0) for n in beyond]
        y = _transposed(x, weight, self.strides, padding, added, self.dilation_rate)
        for axis, (n, (_, kept)) in enumerate(zip(beyond, ends, strict=True), 2):
            if n < 0:
                y = y.narrow(axis, 0, kept)
        y = as_given(y, self.data_format)
        if self.bias is not None:
            # torch adds it in a slow pass of its own if it is given to the kernel.
            bias = self.cast(self.bias)
            y = y + (bias if self.data_format == "channels_last" else bias.view(-1, *(1,) * self.rank))
        return self._activated(y)


class Conv1DTranspose(_ConvTranspose):
    """y = activation(transposed convolution of x along one axis + bias): the gradient of `Conv1D` by its input.

    Shape: (batch, steps, channels) -> (batch, new_steps, filters); `weight` (channels, filters, kernel_size), `bias`
    (filters,). With padding "same" and no `output_padding`, new_steps is steps * strides.
    Raises: ValueError for an argument that is out of its range, an unknown `padding`, strides with a dilation, and an
    `output_padding` that is not below the strides.
    Source: keras.layers.Conv1DTranspose, Keras 3.15.
    """

    rank = 1
    aliases = ("Convolution1DTranspose",)


class Conv2DTranspose(_ConvTranspose):
    """y = activation(transposed convolution of x along two axes + bias): the gradient of `Conv2D` by its input.

    Shape: (batch, height, width, channels) -> (batch, new_height, new_width, filters); `weight` (channels, filters,
    height, width), `bias` (filters,).
    Raises: ValueError as `Conv1DTranspose`.
    Source: keras.layers.Conv2DTranspose, Keras 3.15.
    """

    rank = 2
    aliases = ("Convolution2DTranspose",)


class Conv3DTranspose(_ConvTranspose):
    """y = activation(transposed convolution of x along three axes + bias): the gradient of `Conv3D` by its input.

    Shape: (batch, depth, height, width, channels) -> (batch, new sizes, filters); `weight` (channels, filters, depth,
    height, width), `bias` (filters,).
    Raises: ValueError as `Conv1DTranspose`.
    Source: keras.layers.Conv3DTranspose, Keras 3.15.
    """

    rank = 3
    aliases = ("Convolution3DTranspose",)

    # Keras has `data_format` before `output_padding` in this one.
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs)
