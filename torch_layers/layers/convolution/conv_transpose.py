"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.arguments import positive_ints
from torch_layers.layers.convolution.base import AXES, _Convolution
from torch_layers.layers.windows import spread


def _dropped(kernel: int, stride: int, dilation: int, padding: str, output_padding: int | None) -> tuple[int, int]:
    """Return how much is dropped at the start and at the end of (size - 1) * stride + spread, all that is computed.

    A negative end says how much is added there. What is too much is dropped at both ends, the odd one at the end: what
    the convolution pads whose gradient this is.
    """
    covered = spread(kernel, dilation)
    if padding == "valid":
        return 0, -(max(stride - covered, 0) if output_padding is None else output_padding)
    surplus = covered - (stride if output_padding is None else covered % 2 + output_padding)
    before = max(surplus, 0) // 2
    return before, surplus - before


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
        more: Sequence[int | None] = self.output_padding or (None,) * self.rank
        geometry = list(zip(self.kernel_size, self.strides, self.dilation_rate, more, strict=True))
        self._ends = [_dropped(k, s, d, self.padding, extra) for k, s, d, extra in geometry]
        height = [0] if self.rank == 1 else []
        self._start = [*height, *(before for before, _ in self._ends)]
        # torch drops as much at the end as at the start, unless it is told to add some; the rest is cut off afterwards.
        self._added = [*height, *(max(before - after, 0) for before, after in self._ends)]
        surplus = [after - before for before, after in self._ends]
        self._cut = [(axis, n) for axis, n in enumerate(surplus, 2 + len(height)) if n > 0]
        # Whether a single place of the input may leave nothing, which torch takes for a result.
        self._may_vanish = any(
            spread(k, d) <= sum(ends) for (k, _, d, _), ends in zip(geometry, self._ends, strict=True)
        )
        # Where windows overlap, oneDNN's kernels with a bias are two to four times slower than those without.
        self._bias_within = all(spread(k, d) <= s for k, s, d, _ in geometry)
        axes = AXES[self.rank - 1]
        self.declare("weight", f"{axes} o i -> i o {axes}", "kernel", "kernel", given)
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
        for size, stride, kernel, dilation, ends in zip(
            sizes, self.strides, self.kernel_size, self.dilation_rate, self._ends, strict=True
        ):
            if size is not None and (size - 1) * stride + spread(kernel, dilation) <= sum(ends):
                raise ValueError(
                    f"{type(self).__name__}: nothing is left of an input of shape {tuple(shape)} with padding="
                    f"{self.padding!r}, strides={self.strides} and output_padding={self.output_padding}"
                )

    def forward(self, x: Tensor) -> Tensor:
        if self._may_vanish:
            self.check_input(x.shape)
        x, weight, bias = self._view(x), self.cast(self.weight), self._bias()
        if self.rank == 1:
            weight = weight.unsqueeze(2)
        transposed = F.conv_transpose3d if self.rank == 3 else F.conv_transpose2d
        within = bias if self._bias_within else None
        y = transposed(x, weight, within, self._strides, self._start, self._added, 1, self._dilation)
        for axis, surplus in self._cut:
            y = y.narrow(axis, 0, y.shape[axis] - surplus)
        if bias is not None and not self._bias_within:
            y = y + bias.to(y.dtype).view(-1, *(1,) * len(self._strides))
        return self._result(y)


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
