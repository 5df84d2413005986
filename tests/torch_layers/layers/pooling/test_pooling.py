"""Pooling layers: configs, refusals, what no case shows; their numbers are in parity/cases/pooling.py."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import pytest
import torch

import torch_layers
from torch_layers import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)

IMAGE = torch.arange(-60.0, 60.0).reshape(2, 5, 4, 3).sin()
SIZES = {1: (2, 7, 3), 2: (2, 7, 6, 3), 3: (2, 5, 4, 6, 3)}
EVERY = [
    *((f"{kind}Pooling{rank}D", {"pool_size": 2}) for kind in ("Max", "Average") for rank in (1, 2, 3)),
    *((f"{kind}Pooling{rank}D", {"pool_size": 4, "strides": 1, "padding": "same"})
      for kind in ("Max", "Average") for rank in (1, 2, 3)),
    *((f"Global{kind}Pooling{rank}D", {"keepdims": True}) for kind in ("Max", "Average") for rank in (1, 2, 3)),
    *((f"Adaptive{kind}Pooling{rank}D", {"output_size": 3}) for kind in ("Max", "Average") for rank in (1, 2, 3)),
]  # fmt: skip
every = pytest.mark.parametrize(("name", "config"), EVERY, ids=lambda part: str(part))


def drawn(name: str, batch: int = 2) -> torch.Tensor:
    return torch.randn((batch, *SIZES[int(name[-2])][1:]), generator=torch.Generator().manual_seed(0))


def own(layer: Any) -> dict[str, Any]:
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}


def test_configs_are_keras_s() -> None:
    assert own(MaxPooling2D([2, 3], padding="SAME", data_format="Channels_First")) == {
        "pool_size": (2, 3),
        "padding": "SAME",
        "strides": (2, 3),
        "data_format": "channels_first",
    }
    assert own(AveragePooling1D(2, 1)) == {
        "pool_size": (2,),
        "padding": "valid",
        "strides": (1,),
        "data_format": "channels_last",
    }
    assert own(GlobalMaxPooling2D(keepdims=True)) == {"data_format": "channels_last", "keepdims": True}
    assert own(AdaptiveMaxPooling3D([1, 2, 3])) == {"output_size": (1, 2, 3), "data_format": "channels_last"}


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_short_names(rank: int) -> None:
    for short, long in (("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling")):
        for scope in ("", "Global"):
            short_name, long_name = f"{scope}{short}{rank}D", f"{scope}{long}{rank}D"
            assert getattr(torch_layers, short_name) is getattr(torch_layers, long_name)


@every
@pytest.mark.parametrize("batch", [1, 2])
def test_channels_first_is_the_transpose_and_both_come_out_contiguous(
    name: str, config: dict[str, Any], batch: int
) -> None:
    x, cls = drawn(name, batch), getattr(torch_layers, name)
    last, first = cls(**config)(x), cls(**config, data_format="channels_first")(x.movedim(-1, 1).contiguous())
    torch.testing.assert_close(first.movedim(1, -1), last)
    if config != {"pool_size": 4, "strides": 1, "padding": "same"}:  # its first outputs are dropped
        assert last.is_contiguous()
        assert first.is_contiguous()


@every
def test_maps_over_another_axis(name: str, config: dict[str, Any]) -> None:
    layer, x = getattr(torch_layers, name)(**config), drawn(name)
    torch.testing.assert_close(torch.func.vmap(layer)(torch.stack([x, -x]))[1], layer(-x))


@every
def test_second_derivatives(name: str, config: dict[str, Any]) -> None:
    layer, x = getattr(torch_layers, name)(**config), drawn(name, 1)[..., :1].double().requires_grad_()
    layer = layer.double()
    assert torch.autograd.gradgradcheck(lambda x: layer(x.tanh()), x, fast_mode=True)


@pytest.mark.parametrize("layer", [MaxPooling1D(2), MaxPooling1D(2, padding="same"), AdaptiveMaxPooling2D((1, 3))])
def test_maxima_keep_infinities_and_nan(layer: Any) -> None:
    """TensorFlow's CPU kernels have -3.4e38 for -inf, and skip most NaNs."""
    x = torch.tensor([-inf, -inf, 1.0, -inf, nan, 1.0]).reshape((1, 6, 1) if layer.rank == 1 else (1, 1, 6, 1))
    least, one, unknown = layer(x).flatten().tolist()
    assert (least, one) == (-inf, 1.0)
    assert isnan(unknown)


def test_adaptive_maximum_of_size_1() -> None:
    """TensorFlow's CPU kernel kills the process."""
    assert torch.equal(AdaptiveMaxPooling2D(1)(IMAGE), GlobalMaxPooling2D(keepdims=True)(IMAGE))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64, torch.bool])
@pytest.mark.parametrize("layer", [AveragePooling2D(2), AdaptiveAveragePooling2D(2), GlobalAveragePooling2D()])
def test_integers_are_averaged_as_floats(layer: Any, dtype: torch.dtype) -> None:
    x = (IMAGE * 9).abs().to(dtype)
    assert torch.equal(layer(x), layer(x.float()))


def test_masked_mean_of_integers_is_a_float() -> None:
    """Keras on TensorFlow divides two integers, which gives float64."""
    x, mask = torch.tensor([[[1], [2], [9]]]), torch.tensor([[True, True, False]])
    assert torch.equal(GlobalAveragePooling1D()(x, mask=mask), torch.tensor([[1.5]]))


def test_half_precision_of_volumes() -> None:
    """TensorFlow's CPU kernels of volumes lack float16."""
    x = drawn("AveragePooling3D").half()
    for layer in (AveragePooling3D(2, padding="same"), MaxPooling3D(2, padding="same"), AdaptiveMaxPooling3D(3)):
        torch.testing.assert_close(layer.half()(x).float(), layer.float()(x.float()), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("cls", [MaxPooling1D, AveragePooling2D])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pool_size": 0}, "pool_size=0 is not .* of at least 1"),
        ({"pool_size": 2.0}, "pool_size=2.0 is not .* of at least 1"),
        ({"pool_size": (2, 2, 2)}, r"pool_size=\(2, 2, 2\) is not .* of at least 1"),
        ({"pool_size": 2, "strides": 0}, "strides=0 is not .* of at least 1"),
        (
            {"pool_size": 2, "padding": "smae"},
            r"padding='smae' is not one of \('valid', 'same'\) \(did you mean 'same'",
        ),
        ({"pool_size": 2, "padding": "causal"}, r"padding='causal' is not one of \('valid', 'same'\)"),
        ({"pool_size": 2, "padding": None}, r"padding=None is not one of \('valid', 'same'\)"),
        ({"pool_size": 2, "data_format": "last"}, "data_format='last' is not one of"),
    ],
)
def test_refuses_arguments(cls: type, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{cls.__name__}: {message}"):
        cls(**arguments)


@pytest.mark.parametrize("value", [0, -1, 2.0, "2", None, True, (2, 2, 2), (0, 2)])
def test_refuses_output_sizes(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^AdaptiveMaxPooling2D: output_size=.* is not 2 ints of at least 1$"):
        AdaptiveMaxPooling2D(value)


def test_refuses_data_formats() -> None:
    for cls in (GlobalMaxPooling1D, GlobalAveragePooling1D):
        with pytest.raises(ValueError, match=f"^{cls.__name__}: data_format='first' is not one of"):
            cls("first")
    with pytest.raises(ValueError, match=r"^AdaptiveAveragePooling1D: data_format=3 is not one of"):
        AdaptiveAveragePooling1D(2, 3)


@every
def test_refuses_other_ranks(name: str, config: dict[str, Any]) -> None:
    rank = int(name[-2]) + 2
    with pytest.raises(ValueError, match=rf"^{name}: input of shape \(.*\) has rank {rank - 1}, allowed is {rank}$"):
        getattr(torch_layers, name)(**config)(drawn(name)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_refuses_inputs_that_give_nothing(dtype: torch.dtype) -> None:
    x = IMAGE.to(dtype)
    with pytest.raises(
        ValueError, match=r"^MaxPooling2D: input of shape \(2, 5, 4, 3\) is smaller than pool_size=\(5, 5\)"
    ):
        MaxPooling2D(5)(x)
    with pytest.raises(ValueError, match=r"^AveragePooling2D: input of shape \(2, 5, 4, 3\) is smaller than"):
        AveragePooling2D((1, 4), data_format="channels_first")(x)
    with pytest.raises(
        ValueError, match=r"^AveragePooling2D: input of shape \(2, 0, 4, 3\) is empty, which only a batch"
    ):
        AveragePooling2D(2, padding="same")(x[:, :0])
    with pytest.raises(ValueError, match=r"^GlobalMaxPooling2D: input of shape \(2, 0, 4, 3\) has nothing to take"):
        GlobalMaxPooling2D()(x[:, :0])
    with pytest.raises(
        ValueError, match=r"^AdaptiveMaxPooling2D: input of shape \(2, 5, 0, 3\) is empty, which only a batch"
    ):
        AdaptiveMaxPooling2D(2)(x[:, :, :0])
