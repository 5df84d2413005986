"""What all convolutional layers have in common: kernel geometry, bias, activation, checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.arguments import one_of, positive_int, positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import as_given, channel_axis, channels_first, checked_data_format
from torch_layers.layers.windows import flat, same_padding, spread

AXES = ("w", "h w", "d h w")
Pads = Sequence[tuple[int, int]]


class _Convolution(Layer):
    """Base of the convolutional layers over `rank` axes."""

    takes_integers = False
    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    bias: Tensor | None

    def _set_geometry(self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any) -> None:
        self.kernel_size = positive_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = positive_ints(self, "strides", strides, self.rank)
        self.dilation_rate = positive_ints(self, "dilation_rate", dilation_rate, self.rank)
        self.padding = one_of(self, "padding", padding.lower() if isinstance(padding, str) else padding, self.paddings)
        self.data_format = checked_data_format(self, data_format)
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        height = (1,) if self.rank == 1 else ()
        self._strides, self._dilation = height + self.strides, height + self.dilation_rate
        self._nothing = [0] * len(self._strides)
        # Of `same` with stride 1, and of `causal`, the padding does not depend on the input's size.
        total = [spread(k, d) - 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)]
        pads = {"same": [(n // 2, n - n // 2) for n in total], "causal": [(n, 0) for n in total]}
        is_known = self.padding != "same" or max(self.strides) == 1
        self._pads = _for_torch(pads.get(self.padding, [(0, 0)] * self.rank)) if is_known else None

    def _forbid_strided_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: strides={self.strides} can't be combined with dilation_rate={self.dilation_rate}: "
                "one of both must be 1"
            )

    def _set_counts(self, **counts: Any) -> None:
        for argument, value in counts.items():
            setattr(self, argument, positive_int(self, argument, value))

    def _set_ends(self, activation: Any, use_bias: bool, given: dict[str, Any]) -> None:
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.declare("bias", "... -> ...", "bias", "bias", given, wanted=bool(use_bias))

    def _channels(self, input_shape: Any) -> int:
        """Return the number of channels to build for, and expect it from now on. Raises: ValueError if unknown."""
        axis = channel_axis(self.data_format)
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(input_shape)} has no known size in axis {axis}"
            )
        return int(channels)

    def _expect(self, channels: int) -> None:
        rank, axis = self.rank + 2, channel_axis(self.data_format)
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={axis: channels})

    def check_input(self, shape: Any) -> None:
        super().check_input(shape)
        sizes = shape[1:-1] if self.data_format == "channels_last" else shape[2:]
        for size, kernel, dilation in zip(sizes, self.kernel_size, self.dilation_rate, strict=True):
            if size is not None and size < (spread(kernel, dilation) if self.padding == "valid" else 1):
                raise ValueError(
                    f"{type(self).__name__}: input of shape {tuple(shape)} is too small for kernel_size="
                    f"{self.kernel_size} with dilation_rate={self.dilation_rate}: with padding={self.padding!r} nothing "
                    "is left"
                )

    # --- computing: a sequence is an image of height 1, since torch's kernel for images is quicker than its own for ----
    # --- sequences, and alone keeps the channels where they are ---------------------------------------------------------

    def _view(self, x: Tensor) -> Tensor:
        """Return an input as torch's kernels take it: a view with the channels first."""
        if self.rank == 1:
            x = x.unsqueeze(1 if self.data_format == "channels_last" else 2)
        return channels_first(x, self.data_format)

    def _result(self, y: Tensor) -> Tensor:
        """Return what a kernel computed as the layer's user wants it: the activation of it, in his data format."""
        y = as_given(y, self.data_format)
        if self.rank == 1:
            y = y.squeeze(1 if self.data_format == "channels_last" else 2)
        return y if self.activation is activations.linear else self.activation(y)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int = 1) -> Tensor:
        """Convolve a view; what is padded on both sides alike costs nothing, the rest one copy."""
        if self.rank == 1:
            weight = weight.unsqueeze(2)
        padding, is_even = self._pads or _for_torch(self._same(x))
        if not is_even:
            x, padding = F.pad(x, padding), self._nothing
        convolution = F.conv3d if self.rank == 3 else F.conv2d
        return convolution(x, weight, bias, self._strides, padding, self._dilation, groups)

    def _same(self, x: Tensor) -> Pads:
        geometry = zip(x.shape[-self.rank :], self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return [same_padding(*axis) for axis in geometry]

    def _bias(self) -> Tensor | None:
        return None if self.bias is None else self.cast(self.bias)


def _for_torch(pads: Pads) -> tuple[list[int], bool]:
    """Return (padding, True) for the kernel if both sides of each axis get as much, or (padding, False) for F.pad."""
    if any(before != after for before, after in pads):
        return flat(pads), False
    return [0] * (len(pads) == 1) + [before for before, _ in pads], True
