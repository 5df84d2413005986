"""UpSampling layers: configs, refusals, what no case shows; their numbers are in parity/cases/up_sampling.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torch_layers import UpSampling1D, UpSampling2D, UpSampling3D

X = torch.arange(24.0).reshape(1, 2, 3, 4)


def own(layer: Any) -> dict[str, Any]:
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}


def test_configs_are_keras_s() -> None:
    assert own(UpSampling1D(3)) == {"size": 3}
    assert own(UpSampling2D([2, 3], interpolation="BICUBIC")) == {
        "size": (2, 3),
        "data_format": "channels_last",
        "interpolation": "bicubic",
    }
    assert own(UpSampling3D(2, "channels_first")) == {"size": (2, 2, 2), "data_format": "channels_first"}


@pytest.mark.parametrize("factor", [*range(1, 130), 255, 509])
def test_every_factor_repeats(factor: int) -> None:
    x = torch.arange(130.0).reshape(1, 130, 1, 1)
    assert torch.equal(UpSampling2D((factor, 1))(x), x.repeat_interleave(factor, 1))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_keeps_the_memory_format(interpolation: str) -> None:
    assert UpSampling2D(interpolation=interpolation)(X).is_contiguous()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_maps_over_another_axis(interpolation: str) -> None:
    layer = UpSampling2D(interpolation=interpolation)
    torch.testing.assert_close(torch.func.vmap(layer)(torch.stack([X, -X]))[1], layer(-X))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UpSampling1D(0), "UpSampling1D: size=0 is not a positive int"),
        (lambda: UpSampling1D((2,)), r"UpSampling1D: size=\(2,\) is not a positive int"),
        (lambda: UpSampling1D()(X), r"UpSampling1D: input of shape \(1, 2, 3, 4\) has rank 4, allowed is 3"),
        (lambda: UpSampling2D((2, 0)), r"UpSampling2D: size=\(2, 0\) is not 2 ints of at least 1"),
        (lambda: UpSampling2D((2, 2, 2)), r"UpSampling2D: size=\(2, 2, 2\) is not 2 ints"),
        (lambda: UpSampling2D(data_format="first"), "UpSampling2D: data_format='first' is not one of"),
        (
            lambda: UpSampling2D(interpolation="bilinaer"),
            r"UpSampling2D: interpolation='bilinaer' is not one of .*\(did you mean 'bilinear'\?\)",
        ),
        (lambda: UpSampling2D(interpolation=None), "UpSampling2D: interpolation=None is not one of"),
        (lambda: UpSampling2D()(X[0]), r"UpSampling2D: input of shape \(2, 3, 4\) has rank 3, allowed is 4"),
        (
            lambda: UpSampling2D(interpolation="bilinear")(X[:, :0]),
            r"UpSampling2D: input of shape \(1, 0, 3, 4\) has no pixels",
        ),
        (lambda: UpSampling3D((1, 2)), r"UpSampling3D: size=\(1, 2\) is not 3 ints"),
        (lambda: UpSampling3D(data_format="last"), "UpSampling3D: data_format='last' is not one of"),
        (lambda: UpSampling3D()(X), r"UpSampling3D: input of shape \(1, 2, 3, 4\) has rank 4, allowed is 5"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
