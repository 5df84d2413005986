"""CenterCrop: views, config, refusals; its numbers are in parity/cases/preprocessing.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torch_layers import CenterCrop

X = torch.arange(2.0 * 5 * 6 * 3).reshape(2, 5, 6, 3)


def test_a_crop_copies_nothing() -> None:
    y = CenterCrop(2, 3)(X)
    assert torch.equal(y, X[:, 1:3, 1:4])
    assert y.untyped_storage().data_ptr() == X.untyped_storage().data_ptr()


def test_config_is_keras_s() -> None:
    config = CenterCrop(2, 3, "CHANNELS_FIRST").get_config()
    own = {k: v for k, v in config.items() if k not in ("name", "trainable", "dtype")}
    assert own == {"height": 2, "width": 3, "data_format": "channels_first"}
    assert CenterCrop(2, 3, bounding_box_format="xyxy").get_config()["bounding_box_format"] == "xyxy"


def test_what_is_resized_is_float32_or_wider() -> None:
    half, double = CenterCrop(7, 3, dtype="float16"), CenterCrop(7, 3, dtype="float64")
    assert half(X.half()).dtype is torch.float32
    assert double(X.double()).dtype is torch.float64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CenterCrop(0, 3), "CenterCrop: height=0 is not a positive int"),
        (lambda: CenterCrop(2, 3.0), "CenterCrop: width=3.0 is not a positive int"),
        (lambda: CenterCrop(2, 3, "last"), "CenterCrop: data_format='last' is not one of"),
        (lambda: CenterCrop(2, 3, factor=0.5), "CenterCrop: factor=0.5 is given, allowed is None"),
        (lambda: CenterCrop(2, 3)(X[0, 0]), r"CenterCrop: input of shape \(6, 3\) has rank 2, allowed is 3 to 4"),
        (lambda: CenterCrop(2, 3)(X[:, :, :0]), r"CenterCrop: input of shape \(2, 5, 0, 3\) has no pixels"),
        (lambda: CenterCrop(2, 3)([X, X]), "CenterCrop: input is a list, allowed is one tensor of images, or a dict"),
    ],
)
def test_refuses_in_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
