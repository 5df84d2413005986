"""Cropping and zero padding: views, configs, refusals; their numbers are in parity/cases/cropping_padding.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torch_layers import Cropping1D, Cropping2D, Cropping3D, Input, Model, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D


def own(layer: Any) -> dict[str, Any]:
    """Return what a layer's config says beside every layer's own entries."""
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}


def test_configs_hold_pairs_as_keras_s() -> None:
    assert own(Cropping1D(2)) == {"cropping": (2, 2)}
    assert own(Cropping1D([0, 3])) == {"cropping": (0, 3)}
    assert own(Cropping2D()) == {"cropping": ((0, 0), (0, 0)), "data_format": "channels_last"}
    assert own(Cropping2D((1, [2, 3]), "CHANNELS_FIRST")) == {
        "cropping": ((1, 1), (2, 3)),
        "data_format": "channels_first",
    }
    assert own(Cropping3D()) == {"cropping": ((1, 1), (1, 1), (1, 1)), "data_format": "channels_last"}
    assert own(ZeroPadding1D()) == {"padding": (1, 1), "data_format": "channels_last"}
    assert own(ZeroPadding2D((1, 2))) == {"padding": ((1, 1), (2, 2)), "data_format": "channels_last"}
    assert own(ZeroPadding3D(3)) == {"padding": ((3, 3), (3, 3), (3, 3)), "data_format": "channels_last"}


@pytest.mark.parametrize("layer", [Cropping1D(), Cropping2D(1), Cropping3D()], ids=lambda e: e.name)
def test_a_crop_copies_nothing(layer: Any) -> None:
    x = torch.zeros(2, *(5, 6, 7)[: layer.rank], 3)
    assert layer(x).untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


def test_cropping_undoes_padding() -> None:
    x = torch.randn(2, 3, 4, 5)
    edges = ((1, 2), (0, 3))
    for data_format in ("channels_last", "channels_first"):
        assert torch.equal(Cropping2D(edges, data_format)(ZeroPadding2D(edges, data_format)(x)), x)


def test_padding_keeps_torch_s_channels_last_layout() -> None:
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    y = ZeroPadding2D(1, "channels_first")(x)
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_sizes_that_a_model_does_not_know_are_no_error() -> None:
    inputs = Input((None, 3))
    model = Model(inputs, Cropping1D(2)(inputs))
    assert model(torch.zeros(2, 9, 3)).shape == (2, 5, 3)
    with pytest.raises(
        ValueError, match=r"Cropping1D: cropping=\(2, 2\) leaves nothing of an input of shape \(2, 4, 3\)"
    ):
        model(torch.zeros(2, 4, 3))


REFUSED: list[tuple[Any, str]] = [
    (lambda: Cropping1D(-1), "Cropping1D: cropping=-1 is not 2 ints of at least 0"),
    (lambda: Cropping1D((1, 2, 3)), r"Cropping1D: cropping=\(1, 2, 3\) is not 2 ints of at least 0"),
    (lambda: Cropping2D((1, -2)), "Cropping2D: cropping=-2 is not 2 ints of at least 0"),
    (lambda: Cropping2D((1, 2, 3)), r"Cropping2D: cropping=\(1, 2, 3\) is neither an int nor 2 ints or pairs of ints"),
    (lambda: Cropping3D("123"), "Cropping3D: cropping='123' is neither an int nor 3 ints or pairs of ints"),
    (lambda: Cropping3D(1, "last"), "Cropping3D: data_format='last' is not one of"),
    (
        lambda: Cropping2D(((2, 1), 0))(torch.zeros(2, 3, 9, 1)),
        r"Cropping2D: cropping=\(\(2, 1\), \(0, 0\)\) leaves nothing of an input of shape \(2, 3, 9, 1\)",
    ),
    (
        lambda: Cropping3D(((1, 1), (0, 0), (0, 5)), "channels_first")(torch.zeros(2, 1, 3, 9, 4)),
        "Cropping3D: .* leaves nothing of an input of shape",
    ),
    (lambda: Cropping1D()(torch.zeros(2, 9)), r"Cropping1D: input of shape \(2, 9\) has rank 2, allowed is 3"),
    (lambda: ZeroPadding1D((1, -2)), r"ZeroPadding1D: padding=\(1, -2\) is not 2 ints of at least 0"),
    (lambda: ZeroPadding2D(None), "ZeroPadding2D: padding=None is neither an int nor 2 ints or pairs of ints"),
    (lambda: ZeroPadding3D(((1, 2, 3), 1, 1)), r"ZeroPadding3D: padding=\(1, 2, 3\) is not 2 ints of at least 0"),
    (lambda: ZeroPadding1D(1, "last"), "ZeroPadding1D: data_format='last' is not one of"),
    (
        lambda: ZeroPadding2D()(torch.zeros(2, 9, 1)),
        r"ZeroPadding2D: input of shape \(2, 9, 1\) has rank 3, allowed is 4",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_refuses_in_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
