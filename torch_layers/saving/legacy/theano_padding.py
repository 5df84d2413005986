"""padding="same" of Keras on Theano, which puts the border elsewhere than every other backend.

Of a kernel of k, the half (k // 2) always lies before the first pixel; the others have less of it there, or none, with
strides or an even kernel. A pool of k begins k - 1 pixels before the first one, or k - 2 if k is odd.
Source: keras/backend/theano_backend.py (conv2d, conv2d_transpose, pool2d, _postprocess_conv2d_output), Keras 2.0 to 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.core.wrapper import Wrapper
from torch_layers.layers.data_format import as_given, channels_first
from torch_layers.layers.pooling.pooling import _AveragePooling, _MaxPooling, _Pooling
from torch_layers.saving.legacy.layers import around, legacy_layers
from torch_layers.saving.legacy.reading import Reading

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D")
_TRANSPOSED = ("Conv2DTranspose", "Conv3DTranspose")
_POOLS = tuple(f"{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3))


def _pairs(x: Tensor, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Tensor:
    """Return channels-first images with a border, or without one where it is negative."""
    return F.pad(x, [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair], value=value)


class SameAsOnTheano(Wrapper):
    """A convolution or pooling layer with padding="valid", `layer`, on inputs with the border that Theano gives them.

    Shape: as of `layer` with padding="same": ceil(size / strides).
    Raises: ValueError for volumes that are pooled with a size of 1.
    Source: keras/backend/theano_backend.py (conv2d, pool2d, pool3d), Keras 2.1.
    """

    registry = legacy_layers
    takes_integers = False

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if isinstance(layer, _Pooling) and layer.rank == 3 and 1 in layer.pool_size:
            raise ValueError(f"SameAsOnTheano: pool_size={layer.pool_size} of a volume has a negative border on Theano")

    def build(self, input_shape: Any = None) -> None:
        is_last = self.layer.data_format == "channels_last"
        space = [None] * (len(input_shape) - 2)
        channels = input_shape[-1] if is_last else input_shape[1]
        super().build((input_shape[0], *space, channels) if is_last else (input_shape[0], channels, *space))

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        first = channels_first(x, layer.data_format)
        before, windows = self._before_and_windows()
        after = [
            (math.ceil(size / stride) - 1) * stride + window - size - n
            for size, stride, window, n in zip(first.shape[2:], layer.strides, windows, before, strict=True)
        ]
        if isinstance(layer, _AveragePooling):
            # The border does not count.
            ones = _pairs(torch.ones_like(first[:1, :1]), before, after)
            shares = layer(as_given(ones, layer.data_format))
            return layer(as_given(_pairs(first, before, after), layer.data_format)) / shares  # type: ignore[no-any-return]
        value = -math.inf if isinstance(layer, _MaxPooling) else 0.0
        return layer(as_given(_pairs(first, before, after, value), layer.data_format))  # type: ignore[no-any-return]

    def _before_and_windows(self) -> tuple[list[int], list[int]]:
        """Return the border before the first pixel, and how far a window reaches, for each axis."""
        if isinstance(self.layer, _Pooling):
            sizes = list(self.layer.pool_size)
            return [k - 2 if k > 2 and k % 2 else k - 1 for k in sizes], sizes
        windows = [(k - 1) * d + 1 for k, d in zip(self.layer.kernel_size, self.layer.dilation_rate, strict=True)]
        return [window // 2 for window in windows], windows


class TransposedAsOnTheano(Wrapper):
    """A transposed convolution, `layer`, of whose output the border is left out that Theano gives to a convolution's input.

    Shape: as of `layer` with padding="same": size * strides, or as `output_padding` says.
    Raises: ValueError for an even `kernel_size`, as Keras on Theano.
    Source: keras/backend/theano_backend.py (conv2d_transpose), Keras 2.1.
    """

    registry = legacy_layers
    takes_integers = False

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if any(k % 2 == 0 for k in layer.kernel_size):
            raise ValueError(f"TransposedAsOnTheano: kernel_size={layer.kernel_size} is even, with padding='same'")

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        border = [(k - 1) * d // 2 for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
        # Without `output_padding`, there are as many strides as places in the input.
        added = layer.output_padding or [stride - 1 for stride in layer.strides]
        transposed = F.conv_transpose3d if layer.rank == 3 else F.conv_transpose2d
        weight, bias = layer.cast(layer.weight), layer._bias()
        y = transposed(layer._view(x), weight, bias, layer.strides, border, added, 1, layer.dilation_rate)
        return layer._result(y)  # type: ignore[no-any-return]


def as_on_theano(described: dict[str, Any], reading: Reading, path: str) -> dict[str, Any]:
    """Return the entry of a layer as one whose padding="same" is that of Theano."""
    name, config = described["class_name"], described["config"]
    is_same = str(config.get("padding")).lower() == "same"
    if name == "ConvLSTM2D" and (
        _any(config, "kernel_size", _is_even) or (is_same and _any(config, "strides", _is_more))
    ):
        # The states are padded at every step, whatever `padding` says of the input.
        reading.problem(
            path, "with an even kernel_size, or padding='same' and strides, it has another border on Theano"
        )
    if not is_same or name not in (*_CONVOLUTIONS, *_TRANSPOSED, *_POOLS):
        return described
    if name in _TRANSPOSED:
        return around(described, "TransposedAsOnTheano")
    return around({**described, "config": {**config, "padding": "valid"}}, "SameAsOnTheano")


def _any(config: dict[str, Any], argument: str, test: Callable[[int], bool]) -> bool:
    """Tell whether one of the sizes of an argument is such a one."""
    value = config.get(argument)
    return any(isinstance(n, int) and test(n) for n in (value if isinstance(value, (list, tuple)) else [value]))


def _is_even(size: int) -> bool:
    return size % 2 == 0


def _is_more(stride: int) -> bool:
    return stride > 1
