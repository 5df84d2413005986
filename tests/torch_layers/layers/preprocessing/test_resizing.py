"""Resizing: configs, refusals, what no case shows; its numbers are in parity/cases/resizing.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from torch_layers import Resizing, UpSampling2D
from torch_layers.layers.interpolation import INTERPOLATIONS, _kept_weights

X = torch.arange(60.0).sin().reshape(1, 4, 5, 3)


def weighted(interpolation: str, antialias: bool = True, **kwargs: Any) -> Resizing:
    return Resizing(3, 7, interpolation, antialias=antialias, **kwargs)


def test_config_is_keras_s() -> None:
    config = Resizing(3, 4, "area", pad_to_aspect_ratio=True, fill_value=2, antialias=1).get_config()
    assert {k: v for k, v in config.items() if k not in ("name", "trainable", "dtype")} == {
        "height": 3,
        "width": 4,
        "interpolation": "area",
        "crop_to_aspect_ratio": False,
        "pad_to_aspect_ratio": True,
        "fill_mode": "constant",
        "fill_value": 2,
        "antialias": True,
        "data_format": "channels_last",
    }


def test_config_has_a_bounding_box_format_if_it_was_given() -> None:
    layer = Resizing(3, 4, bounding_box_format="xyxy")
    assert layer.get_config()["bounding_box_format"] == "xyxy"
    assert Resizing.from_config(layer.get_config()).bounding_box_format == "xyxy"


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_gradients_are_right_where_tensorflow_has_none(interpolation: str) -> None:
    x = X[:, :3, :2, :1].double().requires_grad_()
    for antialias in (False, True):
        layer = weighted(interpolation, antialias, dtype="float64")
        assert torch.autograd.gradcheck(layer, x)
        assert torch.autograd.gradgradcheck(layer, x)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_constant_image_stays_constant(interpolation: str) -> None:
    for antialias in (False, True):
        y = weighted(interpolation, antialias, dtype="float64")(torch.full((2, 9, 4, 1), 7.0, dtype=torch.float64))
        torch.testing.assert_close(y, torch.full_like(y, 7.0))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint8, torch.int16])
def test_the_largest_integer_does_not_wrap(dtype: torch.dtype) -> None:
    limits = torch.iinfo(dtype)
    for value in (limits.min, limits.max):
        y = weighted("bilinear", False)(torch.full((2, 9, 4, 1), value, dtype=dtype))
        assert y.dtype is dtype
        assert (y.double() - value).abs().max() <= limits.max * 2.0**-22


def test_float16_stays_finite_where_a_cubic_overshoots() -> None:
    x = torch.tensor([0.0, 0.0, 6e4, 6.5e4, 6.5e4, 0.0], dtype=torch.float16).reshape(1, 1, 6, 1)
    assert weighted("bicubic", False, dtype="float16")(x).isfinite().all()


def test_weights_are_kept_but_not_those_of_an_inference_or_a_transform() -> None:
    layer, x = weighted("bicubic"), X.clone().requires_grad_()
    for first in (torch.inference_mode(), torch.no_grad(), torch.device("meta")):
        _kept_weights.cache_clear()
        with first:
            layer(X)
        layer(x).sum().backward()
    _kept_weights.cache_clear()
    torch.func.grad(lambda t: layer(t).square().sum())(X)
    layer(x).sum().backward()
    misses = _kept_weights.cache_info().misses
    layer(x)
    layer(X.to("meta"))
    assert _kept_weights.cache_info().misses == misses == 2


def test_autocast_leaves_the_weights_alone() -> None:
    layer = weighted("bicubic")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(X), layer(X.clone()))
        y = layer(X)
    assert y.dtype is torch.float32
    assert torch.equal(y, layer(X))


# The code of "lanczos5" is that of "lanczos3".
@pytest.mark.parametrize("interpolation", [name for name in INTERPOLATIONS if name != "lanczos5"])
def test_compiles_for_images_of_any_size(interpolation: str) -> None:
    layer = weighted(interpolation, crop_to_aspect_ratio=True)
    torch._dynamo.reset()
    compiled: Any = torch.compile(layer, fullgraph=True, backend="eager", dynamic=True)
    for x in (X, torch.cat([X, X, X], 2)):  # one is cropped in height, one in width
        torch.testing.assert_close(compiled(x), layer(x))


def test_is_the_function_of_up_sampling() -> None:
    assert torch.equal(Resizing(8, 15, "bicubic")(X), UpSampling2D((2, 3), interpolation="bicubic")(X))


def image(*shape: int) -> Tensor:
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resizing(0, 3), "Resizing: height=0 is not a positive int"),
        (lambda: Resizing(3, 2.0), "Resizing: width=2.0 is not a positive int"),
        (
            lambda: Resizing(2, 3, "lanczos4"),
            r"Resizing: interpolation='lanczos4' is not one of .*\(did you mean 'lanczos[35]'\?\)",
        ),
        (
            lambda: Resizing(2, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio are both True, allowed is one",
        ),
        (lambda: Resizing(2, 3, fill_mode="reflect"), r"Resizing: fill_mode='reflect' is not one of \('constant',\)"),
        (lambda: Resizing(2, 3, fill_value="0"), "Resizing: fill_value='0' is not a number"),
        (lambda: Resizing(2, 3, factor=0.5), "Resizing: factor=0.5 is given, allowed is None"),
        (lambda: Resizing(2, 3, data_format="last"), "Resizing: data_format='last' is not one of"),
        (lambda: Resizing(2, 3)(image(4, 6)), r"Resizing: input of shape \(4, 6\) has rank 2, allowed is 3 to 4"),
        (lambda: Resizing(2, 3)(image(1, 2, 4, 6, 3)), "Resizing: input of shape .* has rank 5, allowed is 3 to 4"),
        (lambda: Resizing(2, 3)(image(2, 0, 6, 3)), r"Resizing: input of shape \(2, 0, 6, 3\) has no pixels"),
        (
            lambda: Resizing(2, 3, "bicubic")(image(2, 5, 6, 0)),
            r"Resizing: input of shape \(2, 5, 6, 0\) has no pixels",
        ),
        (
            lambda: Resizing(2, 3, "nearest", data_format="channels_first")(image(3, 4, 0)),
            r"Resizing: input of shape \(3, 4, 0\) has no pixels",
        ),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
