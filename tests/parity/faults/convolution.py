"""Faults of the convolutional layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.parity.faults.planting import Fault, Replace, first, instead, then

_BASE = "torch_layers.layers.convolution.base"
_TRANSPOSE = "torch_layers.layers.convolution.conv_transpose"


def _by_turns(convolve: Any) -> Any:
    """Deal the filters to the groups by turns, not in blocks."""
    return lambda x, weight, bias, strides, padding, dilation, groups=1: convolve(
        x, weight.unflatten(0, (-1, groups)).transpose(0, 1).flatten(0, 1), bias, strides, padding, dilation, groups
    )


def _multiplier_first(convolve: Any) -> Any:
    """Put what the first kernels of all channels give before what the second ones give."""
    return lambda x, *rest: convolve(x, *rest).unflatten(1, (x.shape[1], -1)).transpose(1, 2).flatten(1, 2)


def _in_half(convolve: Any) -> Any:
    def faulty(x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> Tensor:
        if x.dtype is not torch.float32:
            return convolve(x, weight, bias, *rest)
        return convolve(x.half(), weight.half(), None if bias is None else bias.half(), *rest).float()

    return faulty


def _with_weight(change: Any) -> Replace:
    return lambda convolve: lambda x, weight, *rest: convolve(x, change(weight), *rest)


FAULTS = [
    Fault("`same` as torch pads, alike on both sides", f"{_BASE}.same_padding", "Conv2D", "semantics",
          instead(lambda size, kernel, stride, dilation: ((kernel - 1) * dilation // 2,) * 2)),
    Fault("the odd one of `same` at the start", f"{_BASE}.same_padding", "SeparableConv1D", "semantics",
          then(lambda pads: pads[::-1])),
    Fault("dilation ignored in `same`", f"{_BASE}.spread", "DepthwiseConv2D", "structure",
          instead(lambda kernel, dilation: kernel)),
    Fault("causal pads the end", f"{_BASE}.flat", "Conv1D", "semantics",
          first(lambda pads: [(0, before) if after == 0 else (before, after) for before, after in pads])),
    Fault("kernel of a convolution flipped", f"{_BASE}.F.conv2d", "Conv1D", "semantics",
          _with_weight(lambda weight: weight.flip(-1))),
    Fault("kernel of a transposed convolution flipped", f"{_TRANSPOSE}.F.conv_transpose2d", "Conv2DTranspose",
          "semantics", _with_weight(lambda weight: weight.flip(-2, -1))),
    Fault("height and width of a kernel swapped", f"{_TRANSPOSE}.F.conv_transpose2d", "Conv2DTranspose", "semantics",
          _with_weight(lambda weight: weight.transpose(-2, -1))),
    Fault("transposed convolution shifted by a pixel", f"{_TRANSPOSE}._dropped", "Conv2DTranspose", "semantics",
          then(lambda ends: ends[::-1])),
    Fault("transposed convolution of strides beyond the kernel too short", f"{_TRANSPOSE}._dropped", "Conv1DTranspose",
          "structure", lambda correct: lambda k, s, d, padding, more: correct(k, s, d, padding, more or 0)),
    Fault("output_padding ignored", f"{_TRANSPOSE}._dropped", "Conv1DTranspose", "structure",
          lambda correct: lambda k, s, d, padding, more: correct(k, s, d, padding, None)),
    Fault("filters dealt to the groups by turns", f"{_BASE}.F.conv2d", "Conv2D", "semantics", _by_turns),
    Fault("depth multiplier in the wrong order", f"{_BASE}.F.conv2d", "DepthwiseConv2D", "semantics",
          _multiplier_first),
    Fault("bias of a convolution forgotten", f"{_BASE}._Convolution._bias", "Conv3D", "semantics",
          instead(lambda self: None)),
    Fault("activation between depthwise and pointwise", f"{_BASE}._Convolution._convolve", "SeparableConv2D",
          "semantics", then(torch.relu)),
    Fault("lora_alpha of Conv1D dropped", "torch_layers.layers.convolution.conv._Conv.keeps_lora_alpha", "Conv1D",
          "semantics", instead(False)),
    Fault("gradient of images cut", f"{_BASE}._Convolution._view", "Conv2D", "semantics of gradients",
          then(lambda x: x.detach())),
    Fault("convolution in half precision", f"{_BASE}.F.conv2d", "Conv2D", "accuracy", _in_half),
]  # fmt: skip
