"""Faults of the pooling layers."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from tests.parity.faults.planting import Fault, half_precision, instead, second, then, without
from torch_layers import AdaptiveAveragePooling3D
from torch_layers.layers import data_format

_HERE = "torch_layers.layers.pooling"
_POOLING = f"{_HERE}.pooling"
_ADAPTIVE = f"{_HERE}.adaptive_pooling"
_GLOBAL = f"{_HERE}.global_pooling"


def _zeros_around(correct: Any) -> Any:
    def faulty(self: Any, x: Tensor, size: Any, strides: Any, padding: Any, ceil_mode: bool) -> Any:
        widths = [width for width in reversed(padding or []) for _ in range(2)]
        return correct(self, F.pad(x, widths), size, strides, 0, ceil_mode)

    return faulty


def _strides_of_one(correct: Any) -> Any:
    def faulty(self: Any, pool_size: Any, strides: Any = None, *args: Any, **kwargs: Any) -> None:
        correct(self, pool_size, strides or 1, *args, **kwargs)

    return faulty


def _windows_of_one_size(self: Any, x: Tensor, size: Any) -> Tensor:
    strides = [n // out for n, out in zip(x.shape[2:], size, strict=True)]
    windows = [n - (out - 1) * s for n, out, s in zip(x.shape[2:], size, strides, strict=True)]
    return F.avg_pool2d(x, windows, strides)


def _divided_by_all_steps(self: Any, x: Tensor, mask: Tensor | None = None) -> Tensor:
    steps = 1 if self.data_format == "channels_last" else 2
    kept = x if mask is None else x * mask.to(x.dtype).unsqueeze(3 - steps)
    return kept.mean(steps, self.keepdims)


FAULTS = [
    Fault("padding counts in the average", f"{_POOLING}._AveragePooling._windows", "AveragePooling2D", "semantics",
          instead(lambda self, x, size, strides, padding, ceil_mode: F.avg_pool2d(x, size, strides, padding, ceil_mode))),
    Fault("padding of volumes counts in the average", f"{_POOLING}._AveragePooling._windows", "AveragePooling3D",
          "semantics",
          instead(lambda self, x, size, strides, padding, ceil_mode: F.avg_pool2d(x, size, strides, padding, ceil_mode))),
    Fault("one more at the start for same in pooling", f"{_POOLING}.same_padding", "MaxPooling2D", "semantics",
          then(lambda pads: pads[::-1])),
    Fault("same pads both sides of a pool alike", f"{_POOLING}.same_padding", "AveragePooling1D", "structure",
          then(lambda pads: (pads[0], pads[0]))),
    Fault("zeros around a maximum", f"{_POOLING}._MaxPooling._windows", "MaxPooling2D", "semantics", _zeros_around),
    Fault("strides of a pool are 1 by default", f"{_POOLING}._Pooling.__init__", "MaxPooling1D", "structure",
          _strides_of_one),
    Fault("height and width of a window swapped", f"{_POOLING}._Pooling._pool", "MaxPooling2D", "semantics",
          lambda correct: lambda self, x, size, strides: correct(self, x, size[::-1], strides)),
    Fault("channels_first ignored in pooling", f"{_POOLING}.channels_first", "AveragePooling2D", "structure",
          instead(lambda x, _: data_format.channels_first(x, "channels_last"))),
    Fault("mask of GlobalAveragePooling1D ignored", f"{_GLOBAL}.GlobalAveragePooling1D.forward",
          "GlobalAveragePooling1D", "semantics", without("mask")),
    Fault("masked steps counted", f"{_GLOBAL}.GlobalAveragePooling1D.forward", "GlobalAveragePooling1D", "semantics",
          instead(_divided_by_all_steps)),
    Fault("keepdims dropped", f"{_GLOBAL}._GlobalMaxPooling.forward", "GlobalMaxPooling2D", "structure",
          instead(lambda self, x: x.amax(self._axes))),
    Fault("one of several maxima gets the gradient", f"{_GLOBAL}._GlobalMaxPooling.forward", "GlobalMaxPooling1D",
          "semantics of gradients", instead(lambda self, x: x.max(self._axes[0], self.keepdims)[0])),
    Fault("integers averaged in the layer's dtype", f"{_GLOBAL}._GlobalAveragePooling.forward",
          "GlobalAveragePooling2D", "structure", lambda correct: lambda self, x: correct(self, x.to(self.compute_dtype))),
    Fault("global average in half precision", f"{_GLOBAL}._GlobalAveragePooling.forward", "GlobalAveragePooling3D",
          "accuracy", second(half_precision(lambda x: x))),
    Fault("adaptive windows of one size", f"{_ADAPTIVE}._AdaptiveAveragePooling._pool", "AdaptiveAveragePooling1D",
          "semantics", instead(_windows_of_one_size)),
    Fault("adaptive maxima of all axes at once", f"{_ADAPTIVE}._AdaptiveMaxPooling._pool_image", "AdaptiveMaxPooling2D",
          "semantics of gradients", instead(lambda self, x, size: self._pool(x, size))),
    Fault("depth pooled last", f"{_ADAPTIVE}._AdaptiveMaxPooling._pool_volume", "AdaptiveMaxPooling3D",
          "semantics of gradients", instead(AdaptiveAveragePooling3D._pool_volume)),
]  # fmt: skip
