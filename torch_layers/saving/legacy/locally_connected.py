"""Convolutions whose kernel is another one at each place: LocallyConnected1D and LocallyConnected2D.

Source: tf_keras/src/layers/locally_connected, 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.arguments import one_of, positive_int, positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import channels_first, checked_data_format
from torch_layers.saving.legacy.layers import legacy_layers


class _LocallyConnected(Layer):
    """y[place] = activation(window of x at the place @ kernel[place] + bias[place])."""

    registry = legacy_layers
    takes_integers = False
    rank: ClassVar[int]
    kernel: Tensor
    bias: Tensor | None

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive_int(self, "filters", filters)
        self.kernel_size = positive_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = positive_ints(self, "strides", strides, self.rank)
        self.padding = one_of(self, "padding", padding, ("valid",))
        self.data_format = checked_data_format(self, data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        # The others keep zeros, or a list of numbers, for their kernel.
        self.implementation = one_of(self, "implementation", implementation, (1,))
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        given = locals()
        self.declare("kernel", "p i o -> p i o", "kernel", "kernel", given)
        self.declare("bias", "... -> ...", "bias", "bias", given, use_bias)

    def build(self, input_shape: Any) -> None:
        is_first = self.data_format == "channels_first"
        channels = input_shape[1] if is_first else input_shape[-1]
        sizes = input_shape[2:] if is_first else input_shape[1:-1]
        if None in (channels, *sizes):
            raise ValueError(
                f"{type(self).__name__}: an input of shape {tuple(input_shape)} leaves open how many kernels there are"
            )
        places = [(n - k) // s + 1 for n, k, s in zip(sizes, self.kernel_size, self.strides, strict=True)]
        if min(places) <= 0:
            raise ValueError(
                f"{type(self).__name__}: kernel_size={self.kernel_size} does not fit into an input of shape "
                f"{tuple(input_shape)}"
            )
        count, width = 1, channels
        for place, size in zip(places, self.kernel_size, strict=True):
            count, width = count * place, width * size
        bias = {"bias": (*places, self.filters)} if self.use_bias else {}
        self.create_weights(kernel=(count, width, self.filters), **bias)
        axes = {(1 if is_first else -1): channels, **{axis + (2 if is_first else 1): n for axis, n in enumerate(sizes)}}
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2, axes=axes)

    def forward(self, x: Tensor) -> Tensor:
        windows = channels_first(x, self.data_format)
        for axis, (size, stride) in enumerate(zip(self.kernel_size, self.strides, strict=True), 2):
            windows = windows.unfold(axis, size, stride)
        # batch, channels, places, kernel -> places, batch, (kernel, channels) as x has them
        places = windows.shape[2 : 2 + self.rank]
        spots, inside = range(2, 2 + self.rank), range(2 + self.rank, 2 + 2 * self.rank)
        order = (1, *inside) if self.data_format == "channels_first" else (*inside, 1)
        windows = windows.permute(*spots, 0, *order).flatten(self.rank + 1).flatten(0, self.rank - 1)
        y = torch.bmm(windows, self.cast(self.kernel)).reshape(*places, x.shape[0], self.filters)
        if self.data_format == "channels_last":
            y = y.movedim(self.rank, 0)
            if self.bias is not None:
                y = y + self.cast(self.bias)
            return self.activation(y)  # type: ignore[no-any-return]
        y = y.permute(self.rank, self.rank + 1, *range(self.rank))
        if self.bias is not None:
            # As in Keras, which reads the biases, places first, as if the filters were first.
            y = y + self.cast(self.bias).reshape(self.filters, *places)
        return self.activation(y)  # type: ignore[no-any-return]


class LocallyConnected1D(_LocallyConnected):
    """A convolution over steps with another kernel at each.

    Shape: (batch, steps, channels) -> (batch, new steps, filters), or channels first; `kernel` (new steps, kernel size *
    channels, filters), `bias` (new steps, filters).
    Raises: ValueError for padding="same", an `implementation` other than 1, an unknown size, a kernel that does not fit.
    Source: keras.layers.LocallyConnected1D, Keras 2.
    """

    rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A convolution over images with another kernel at each place.

    Shape: (batch, height, width, channels) -> (batch, new height, new width, filters), or channels first; `kernel`
    (places, kernel sizes * channels, filters), `bias` (new height, new width, filters).
    Raises: ValueError for padding="same", an `implementation` other than 1, an unknown size, a kernel that does not fit.
    Source: keras.layers.LocallyConnected2D, Keras 2.
    """

    rank = 2
