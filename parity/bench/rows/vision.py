"""Rows of convolution, pooling, normalization, regularization, and what changes the size of images."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from parity.bench.handwritten import vision as by_hand
from parity.bench.rows.row import Row, elementwise, row
from parity.case import Object

_SAME: dict[str, Any] = {"kernel_size": 3, "padding": "same"}
_IMAGE, _SEQUENCE, _VOLUME = (8, 28, 28, 64), (16, 256, 64), (2, 8, 14, 14, 32)
_SMALL: dict[int, Any] = {3: [(1, 4, 8)], 4: [(1, 4, 4, 8)], 5: [(1, 4, 4, 4, 8)]}


def _image(name: str, config: dict[str, Any], work: Any, shape: tuple[int, ...] = _IMAGE, **rest: Any) -> Row:
    """A row whose small size is a tiny image, sequence or volume."""
    return row(name, config, [shape], work, _SMALL[len(shape)], **rest)


def _conv(name: str, config: dict[str, Any], work: Any, shape: tuple[int, ...] = _IMAGE, **rest: Any) -> Row:
    return _image(name, {"filters": 64, **config}, work, shape, small_config={"filters": 8}, **rest)


CONVOLUTION = (
    _conv("Conv1D", _SAME, partial(by_hand.Conv, padding=1), _SEQUENCE),
    _conv(
        "Conv1D", {"kernel_size": 3, "padding": "causal"}, partial(by_hand.Conv, pad=(2, 0)), _SEQUENCE, remark="causal"
    ),
    _conv("Conv2D", _SAME, partial(by_hand.Conv, padding=1)),
    _conv("Conv2D", {"kernel_size": 1}, by_hand.Conv, remark="1x1"),
    _conv(
        "Conv2D", {**_SAME, "strides": 2}, partial(by_hand.Conv, pad=(0, 1, 0, 1), stride=2), remark="same, stride 2"
    ),
    _conv("Conv2D", {**_SAME, "groups": 4}, partial(by_hand.Conv, padding=1, groups=4), remark="groups"),
    _conv("Conv3D", _SAME, partial(by_hand.Conv, padding=1), _VOLUME),
    _conv("Conv1DTranspose", {**_SAME, "strides": 2}, by_hand.ConvTranspose, _SEQUENCE),
    _conv("Conv2DTranspose", {**_SAME, "strides": 2}, by_hand.ConvTranspose),
    _conv("Conv3DTranspose", {**_SAME, "strides": 2}, by_hand.ConvTranspose, (1, 4, 7, 7, 32)),
    _image("DepthwiseConv1D", _SAME, by_hand.DepthwiseConv, _SEQUENCE),
    _image("DepthwiseConv2D", _SAME, by_hand.DepthwiseConv, (8, 28, 28, 128)),
    _conv("SeparableConv1D", _SAME, by_hand.SeparableConv, _SEQUENCE),
    _conv("SeparableConv2D", _SAME, by_hand.SeparableConv),
)

_LARGE = (8, 56, 56, 64)
POOLING = (
    _image("MaxPooling1D", {}, partial(by_hand.OnView, torch.max_pool1d, kernel_size=2), (16, 1024, 64)),
    _image("MaxPooling2D", {}, partial(by_hand.OnView, torch.max_pool2d, kernel_size=2), _LARGE),
    _image(
        "MaxPooling2D",
        {"pool_size": 3, "strides": 2, "padding": "same"},
        partial(by_hand.OnView, torch.max_pool2d, pad=(0, 1, 0, 1), value=-float("inf"), kernel_size=3, stride=2),
        _LARGE,
        remark="same",
    ),
    _image("MaxPooling3D", {}, partial(by_hand.OnView, torch.max_pool3d, kernel_size=2), (2, 16, 28, 28, 32)),
    _image("AveragePooling1D", {"pool_size": 2}, partial(by_hand.OnView, F.avg_pool1d, kernel_size=2), (16, 1024, 64)),
    _image("AveragePooling2D", {"pool_size": 2}, partial(by_hand.OnView, F.avg_pool2d, kernel_size=2), _LARGE),
    _image(
        "AveragePooling2D",
        {"pool_size": 2, "strides": 2, "padding": "same"},
        partial(by_hand.OnView, F.avg_pool2d, kernel_size=2, ceil_mode=True, count_include_pad=False),
        (8, 55, 55, 64),
        remark="same",
    ),
    _image(
        "AveragePooling3D", {"pool_size": 2}, partial(by_hand.OnView, F.avg_pool3d, kernel_size=2), (2, 16, 28, 28, 32)
    ),
    *(
        _image(f"Global{kind}Pooling{len(shape) - 2}D", {}, work, shape)
        for kind, work in (("Average", by_hand.GlobalAverage), ("Max", by_hand.GlobalMax))
        for shape in ((16, 1024, 64), _LARGE, (2, 16, 28, 28, 32))
    ),
    *(
        _image(
            f"Adaptive{kind}Pooling{len(shape) - 2}D",
            {"output_size": 4},
            partial(
                by_hand.OnView,
                by_hand.adaptive_max_2d
                if (kind, len(shape)) == ("Max", 4)
                else getattr(torch.nn, f"Adaptive{short}Pool{len(shape) - 2}d")(4),
            ),
            shape,
        )
        for kind, short in (("Average", "Avg"), ("Max", "Max"))
        for shape in ((16, 1024, 64), _LARGE, (2, 16, 28, 28, 32))
    ),
)

NORMALIZATION = (
    _image("BatchNormalization", {}, by_hand.BatchNorm, _LARGE),
    row("BatchNormalization", {}, [(256, 1024)], by_hand.BatchNorm, [(4, 8)], remark="rank 2"),
    row("LayerNormalization", {}, [(32, 64, 256)], by_hand.LayerNorm),
    row("RMSNormalization", {}, [(32, 64, 256)], by_hand.RMSNorm),
    _image("GroupNormalization", {"groups": 8}, by_hand.GroupNorm),
    row("UnitNormalization", {}, [(256, 1024)], by_hand.UnitNorm),
    row(
        "SpectralNormalization",
        {"layer": Object("layer", "Dense", {"units": 256})},
        [(256, 1024)],
        by_hand.SpectralLinear,
        small_config={"layer": Object("layer", "Dense", {"units": 32})},
        random=True,  # each call in training changes the kernel, and not all are called as often
    ),
)

REGULARIZATION = (
    elementwise("Dropout", {"rate": 0.5}, partial(nn.Dropout, 0.5), random=True),
    elementwise("GaussianNoise", {"stddev": 0.5}, by_hand.GaussianNoise, random=True),
    elementwise("GaussianDropout", {"rate": 0.2}, by_hand.GaussianDropout, random=True),
    elementwise("AlphaDropout", {"rate": 0.5}, partial(nn.AlphaDropout, 0.5), random=True),
    *(
        _image(f"SpatialDropout{len(shape) - 2}D", {"rate": 0.5}, by_hand.SpatialDropout, shape, random=True)
        for shape in (_SEQUENCE, _IMAGE, _VOLUME)
    ),
    elementwise("ActivityRegularization", {"l1": 0.01, "l2": 0.02}, by_hand.Penalized),
)

RESIZING = (
    _image("Cropping1D", {"cropping": (1, 2)}, by_hand.Crop, _SEQUENCE),
    _image("Cropping2D", {"cropping": ((1, 2),) * 2}, by_hand.Crop, _LARGE),
    _image("Cropping3D", {"cropping": ((1, 2),) * 3}, by_hand.Crop, _VOLUME),
    _image("ZeroPadding1D", {"padding": (1, 2)}, by_hand.Pad, _SEQUENCE),
    _image("ZeroPadding2D", {"padding": ((1, 2),) * 2}, by_hand.Pad, _LARGE),
    _image("ZeroPadding3D", {"padding": ((1, 2),) * 3}, by_hand.Pad, _VOLUME),
    _image("UpSampling3D", {}, partial(by_hand.OnView, F.interpolate, scale_factor=2), _VOLUME),
    _image("CenterCrop", {"height": 3, "width": 3}, by_hand.CenterCrop),
    row("Normalization", {}, [(256, 1024)], by_hand.Normalize),
    _image("UpSampling1D", {}, by_hand.Repeat, _SEQUENCE),
    _image("UpSampling2D", {}, partial(by_hand.OnView, F.interpolate, scale_factor=2)),
    _image(
        "UpSampling2D",
        {"interpolation": "bilinear"},
        partial(by_hand.OnView, F.interpolate, scale_factor=2, mode="bilinear"),
        remark="bilinear",
    ),
    _image(
        "Resizing",
        {"height": 24, "width": 24},
        partial(by_hand.OnView, F.interpolate, size=(24, 24), mode="bilinear"),
    ),
    _image("Rescaling", {"scale": 1 / 127.5, "offset": -1.0}, by_hand.Rescale, _LARGE),
)

ROWS = (*CONVOLUTION, *POOLING, *NORMALIZATION, *REGULARIZATION, *RESIZING)
