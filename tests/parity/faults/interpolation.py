"""Faults of resizing: UpSampling and Resizing."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.faults.planting import Fault, first, instead, then
from torch_layers.layers.interpolation import pad_to_aspect_ratio

_HERE = "torch_layers.layers.interpolation"
_RESIZING = "torch_layers.layers.preprocessing.resizing"


def _called(**changed: Any) -> Any:
    """Return F.interpolate with other keyword arguments, in place of `_interpolate`; one image gets a batch axis."""

    def faulty(x: Tensor, size: tuple[int, int], mode: str) -> Tensor:
        y = F.interpolate(x[None] if x.ndim == 3 else x, size, **{"mode": mode, **changed.get(mode, {})})
        return y[0] if x.ndim == 3 else y

    return faulty


def _torch_bicubic(product: Any) -> Any:
    """Compute "bicubic" as F.interpolate does, with a = -0.75 and edges repeated."""

    def faulty(x: Tensor, size: tuple[int, int], interpolation: str, antialias: bool) -> Tensor:
        if interpolation != "bicubic" or antialias:
            found: Tensor = product(x, size, interpolation, antialias)
            return found
        y = F.interpolate(x[None] if x.ndim == 3 else x, size, mode="bicubic")
        return y[0] if x.ndim == 3 else y

    return faulty


def _cubic(a: float, *, renormalized: bool = True) -> Any:
    """Compute the weights of bicubic with another cubic, or with borders that count as 0."""

    def replacement(kept: Any) -> Any:
        def faulty(size: int, count: int, interpolation: str, antialias: bool, dtype: Any, device: Any) -> Tensor:
            if interpolation != "bicubic":
                found: Tensor = kept(size, count, interpolation, antialias, dtype, device)
                return found
            centres = (torch.arange(count, dtype=torch.float64, device=device) + 0.5) * (size / count) - 0.5
            d = (torch.arange(size, device=device) - centres[:, None]).abs() / (
                max(size / count, 1) if antialias else 1
            )
            near, far = ((a + 2) * d - (a + 3)) * d * d + 1, a * (((d - 5) * d + 8) * d - 4)
            weights = torch.where(d < 1, near, torch.where(d < 2, far, 0))
            return (weights / weights.sum(1, keepdim=True) if renormalized else weights).to(dtype)

        return faulty

    return replacement


FAULTS = [
    Fault("corners aligned", f"{_HERE}._interpolate", "Resizing", "semantics",
          instead(_called(bilinear={"align_corners": True}))),
    Fault("corners aligned in UpSampling2D", f"{_HERE}._interpolate", "UpSampling2D", "semantics",
          instead(_called(bilinear={"align_corners": True}))),
    Fault("half a pixel ignored by nearest", f"{_HERE}._interpolate", "Resizing", "semantics",
          instead(_called(**{"nearest-exact": {"mode": "nearest"}}))),
    Fault("half a pixel ignored by kernels", f"{_HERE}._kept_weights", "Resizing", "semantics",
          then(lambda weights: weights.roll(1, 1))),
    Fault("bicubic as F.interpolate has it", f"{_HERE}._product", "UpSampling2D", "semantics", _torch_bicubic),
    Fault("bicubic's a is -0.75", f"{_HERE}._kept_weights", "Resizing", "semantics", _cubic(-0.75)),
    Fault("borders of bicubic count as 0", f"{_HERE}._kept_weights", "Resizing", "semantics",
          _cubic(-0.5, renormalized=False)),
    Fault("bicubic at exact places, not at those of the table", f"{_HERE}._kept_weights", "Resizing", "semantics",
          _cubic(-0.5)),
    Fault("lanczos3 for lanczos5", f"{_HERE}._product", "Resizing", "semantics",
          lambda product: lambda x, size, interpolation, antialias: product(
              x, size, interpolation.replace("5", "3"), antialias)),
    Fault("antialias forgotten", f"{_RESIZING}.resize", "Resizing", "semantics",
          lambda resize: lambda x, size, interpolation, antialias: resize(x, size, interpolation)),
    Fault("antialias whatever was asked", f"{_HERE}._product", "Resizing", "semantics",
          lambda product: lambda x, size, interpolation, antialias: product(x, size, interpolation, True)),
    Fault("factors of rows and columns swapped", "torch_layers.layers.reshaping.up_sampling._repeated", "UpSampling2D",
          "structure", lambda repeated: lambda x, size: repeated(x, size[::-1])),
    Fault("height and width swapped", f"{_RESIZING}.resize", "Resizing", "structure",
          lambda resize: lambda x, size, *rest: resize(x, size[::-1], *rest)),
    Fault("repeated as a tile", "torch_layers.layers.reshaping.up_sampling._repeated", "UpSampling3D", "semantics",
          instead(lambda x, size: x.repeat(1, 1, *size))),
    Fault("crop of the inverse aspect ratio", f"{_RESIZING}.crop_to_aspect_ratio", "Resizing", "semantics",
          lambda crop: lambda x, size: crop(x, size[::-1])),
    Fault("crop from the corner", f"{_RESIZING}.crop_to_aspect_ratio", "Resizing", "semantics",
          lambda crop: lambda x, size: x[..., : crop(x, size).shape[-2], : crop(x, size).shape[-1]]),
    Fault("padding for crop", f"{_RESIZING}.crop_to_aspect_ratio", "Resizing", "semantics",
          instead(lambda x, size: pad_to_aspect_ratio(x, size, 0.0))),
    Fault("fill_value ignored", f"{_RESIZING}.pad_to_aspect_ratio", "Resizing", "semantics",
          lambda pad: lambda x, size, fill_value: pad(x, size, 0.0)),
    Fault("all of the padding at the end", f"{_RESIZING}.pad_to_aspect_ratio", "Resizing", "semantics",
          lambda pad: lambda x, size, value: F.pad(
              x, (0, pad(x, size, value).shape[-1] - x.shape[-1], 0, pad(x, size, value).shape[-2] - x.shape[-2]),
              value=value)),
    Fault("integers cut, not rounded", f"{_HERE}._saturated", "Resizing", "structure",
          first(lambda y: y - 0.5 + 1e-3)),
    Fault("integers out of range wrapped", f"{_HERE}._saturated", "Resizing", "structure",
          instead(lambda y, dtype: y.round().to(torch.int64).to(dtype))),
    Fault("gradient of resizing cut", f"{_HERE}._product", "UpSampling2D", "semantics of gradients",
          first(lambda x: x.detach())),
]  # fmt: skip
