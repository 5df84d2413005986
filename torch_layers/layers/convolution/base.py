"""What all convolutional layers have in common: kernel geometry, bias, activation, checks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.arguments import one_of, positive_int, positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import as_given, channel_axis, channels_first, checked_data_format
from torch_layers.layers.windows import flat, same_padding, spread

AXES = ("w", "h w", "d h w")
Pads = Sequence[tuple[int, int]]
Part = Sequence[tuple[int, int]]


class _Convolution(Layer):
    """Base of the convolutional layers over `rank` axes."""

    takes_integers = False
    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    # Whether images of the user's `channels_last` stay so in memory, where kernels should lie alike.
    computes_on_views: ClassVar[bool] = True
    bias: Tensor | None
    padding: Any

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
        self._pads: Pads | None = None
        self._even: list[int] | None = None
        if self.padding != "same" or max(self.strides) == 1:
            self._set_pads(pads.get(self.padding, [(0, 0)] * self.rank))

    def _set_pads(self, pads: Pads) -> None:
        self._pads, self._even = pads, _even(pads)

    def pad_first(self, pairs: Pads) -> None:
        """Put zeros around each axis instead of `padding`: what a ZeroPadding before the layer does, without a copy."""
        self.padding = tuple(pairs)
        self._set_pads(pairs)

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

    def create_weights(self, **keras_shapes: Any) -> None:
        super().create_weights(**keras_shapes)
        if self.data_format == "channels_last" and self.computes_on_views:
            for name in keras_shapes:
                weight, layout = getattr(self, name), self._specs[name].layout
                if layout.sides[0] != layout.sides[1]:
                    # torch's `channels_last`, into which its kernels would copy it at each call.
                    weight.data = weight.data.movedim(1, -1).contiguous().movedim(-1, 1)

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
        """Convolve a view."""
        if self.rank == 1:
            weight = weight.unsqueeze(2)
        x, padding, part = self.padded(x, weight.shape[0], not torch.is_grad_enabled())
        convolution = F.conv3d if self.rank == 3 else F.conv2d
        y = convolution(x, weight, bias, self._strides, padding, self._dilation, groups)
        return y if part is None else cut(y, part)

    def padded(self, x: Tensor, filters: int, may_cut: bool) -> tuple[Tensor, list[int], Part | None]:
        """Return a view, the padding that the kernel is to add on both sides, and the part of its result that counts.

        What is padded on both sides alike costs nothing, the rest a copy: of the output, if that is the smaller one and
        it `may_cut` (backward would lose by it), else of the input.
        """
        if self._even is not None:
            return x, self._even, None
        pads = self._pads
        if pads is None:
            geometry = zip(x.shape[-self.rank :], self.kernel_size, self.strides, self.dilation_rate, strict=True)
            pads = [same_padding(*axis) for axis in geometry]
        padding = _even(pads)
        if padding is not None:
            return x, padding, None
        if may_cut and filters < x.shape[1] * prod(self.strides):
            return x, *self._overdone(x, pads)
        return F.pad(x, flat(pads)), self._nothing, None

    def _overdone(self, x: Tensor, pads: Pads) -> tuple[list[int], Part]:
        """Return a padding that is the same on both sides, and the part of its outputs that `pads` would give."""
        geometry = list(
            zip(x.shape[-self.rank :], pads, self.strides, self.kernel_size, self.dilation_rate, strict=True)
        )
        more = [max(-(-(after - before) // stride), 0) for _, (before, after), stride, _, _ in geometry]
        sizes = [(n + sum(pair) - spread(k, d)) // stride + 1 for n, pair, stride, k, d in geometry]
        padding = [before + n * stride for (_, (before, _), stride, _, _), n in zip(geometry, more, strict=True)]
        height = self.rank == 1
        return [0] * height + padding, [(0, 1)] * height + list(zip(more, sizes, strict=True))

    def _bias(self) -> Tensor | None:
        return None if self.bias is None else self.cast(self.bias)


def _even(pads: Pads) -> list[int] | None:
    """Return the padding as torch's kernels take it; None unless both sides of each axis get as much."""
    if any(before != after for before, after in pads):
        return None
    return [0] * (len(pads) == 1) + [before for before, _ in pads]


def cut(y: Tensor, part: Part) -> Tensor:
    """Return a part of a channels_first result, (first, size) of each spatial axis, as a tensor of its own."""
    for axis, (first, size) in enumerate(part, 2):
        if y.shape[axis] != size:
            y = y.narrow(axis, first, size)
    return y.clone(memory_format=torch.preserve_format)
