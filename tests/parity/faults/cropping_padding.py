"""Faults of cropping, zero padding and preprocessing."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.faults.planting import Fault, instead, then

_HERE = "torch_layers.layers.reshaping"
_NORMALIZATION = "torch_layers.layers.preprocessing.normalization"
_RESCALING = "torch_layers.layers.preprocessing.rescaling.Rescaling.forward"
_CROP = "torch_layers.layers.preprocessing.center_crop"


def _both_ends(correct: Any) -> Any:
    """Two ints for the ends of every axis, where they are one for each axis."""

    def faulty(layer: Any, argument: str, value: Any, rank: int) -> Any:
        flat = isinstance(value, (list, tuple)) and all(isinstance(n, int) for n in value)
        return correct(layer, argument, (tuple(value[:2]),) * rank if flat and rank > 1 else value, rank)

    return faulty


def _squared(correct: Any) -> Any:
    """A variance of v where it should be v squared, so that the deviation is v."""

    def faulty(self: Any, x: Any) -> Any:
        if self.mean is not None or self.invert:
            return correct(self, x)
        mean, deviation = self.running_mean, self.running_var
        shape = self._view or deviation.shape
        return (x - mean.view(shape)) / deviation.view(shape)

    return faulty


FAULTS = [
    Fault("ends of a crop swapped", f"{_HERE}.cropping.edges", "Cropping2D", "semantics",
          then(lambda pairs: tuple(pair[::-1] for pair in pairs))),
    Fault("ends of a padding swapped", f"{_HERE}.zero_padding.edges", "ZeroPadding1D", "semantics",
          then(lambda pairs: tuple(pair[::-1] for pair in pairs))),
    Fault("axes of a padding from the last", f"{_HERE}.zero_padding.edges", "ZeroPadding3D", "structure",
          then(lambda pairs: pairs[::-1])),
    Fault("two ints of a crop taken for both ends", f"{_HERE}.cropping.edges", "Cropping2D", "structure", _both_ends),
    Fault("data_format of a crop ignored", f"{_HERE}.cropping.checked_data_format", "Cropping3D", "structure",
          instead(lambda layer, data_format: "channels_last")),
    Fault("data_format of a padding ignored", f"{_HERE}.zero_padding.checked_data_format", "ZeroPadding2D", "structure",
          instead(lambda layer, data_format: "channels_last")),
    Fault("0 at the end of a crop taken for -0", f"{_HERE}.cropping._Cropping.forward", "Cropping3D", "structure",
          instead(lambda self, x: x[(slice(None),) * self._first + tuple(slice(b, -a) for b, a in self._pairs)])),
    Fault("padded with the border", f"{_HERE}.zero_padding.F.pad", "ZeroPadding1D", "semantics",
          lambda correct: lambda x, pad, *args, **kwargs: correct(x, pad, value=1)),
    Fault("gradient of what is cropped cut", f"{_HERE}.cropping._Cropping.forward", "Cropping1D",
          "semantics of gradients", then(torch.Tensor.detach)),
    Fault("offset before scale", _RESCALING, "Rescaling", "semantics", instead(
        lambda self, x: (x + (self._offset if self._shift is None else self._shift)) * (
            self._scale if self._factor is None else self._factor))),
    Fault("integers of Rescaling stay integers", _RESCALING, "Rescaling", "structure", then(lambda y: y.round().int())),
    Fault("variance of Normalization taken for the deviation", f"{_NORMALIZATION}.Normalization.forward",
          "Normalization", "semantics", _squared),
    Fault("epsilon of Normalization 1e-3", f"{_NORMALIZATION}._SMALLEST_DEVIATION", "Normalization", "semantics",
          instead(1e-3)),
    Fault("invert of Normalization ignored", f"{_NORMALIZATION}.Normalization.forward", "Normalization", "semantics",
          lambda correct: lambda self, x: correct(self, x) if not self.invert else x),
    Fault("CenterCrop rounds an odd difference up", f"{_CROP}.CenterCrop.forward", "CenterCrop", "semantics",
          lambda correct: lambda self, x: correct(self, x.roll(-1, 1))),
    Fault("CenterCrop stretches what is too small", f"{_CROP}.crop_to_aspect_ratio", "CenterCrop", "semantics",
          instead(lambda x, size: x)),
]  # fmt: skip
