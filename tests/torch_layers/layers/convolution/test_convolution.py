"""The convolutional layers: refusals, layouts, and what Keras on TensorFlow's CPU can't be asked.

Their numbers are in parity/cases/convolution*.py.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import torch_layers
from torch_layers import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)

FAMILY = [
    (Conv1D, 1, {"filters": 4}),
    (Conv2D, 2, {"filters": 4}),
    (Conv3D, 3, {"filters": 4}),
    (Conv1DTranspose, 1, {"filters": 4}),
    (Conv2DTranspose, 2, {"filters": 4}),
    (Conv3DTranspose, 3, {"filters": 4}),
    (DepthwiseConv1D, 1, {"depth_multiplier": 2}),
    (DepthwiseConv2D, 2, {"depth_multiplier": 2}),
    (SeparableConv1D, 1, {"filters": 4}),
    (SeparableConv2D, 2, {"filters": 4}),
]
every_layer = pytest.mark.parametrize("cls, rank, own", FAMILY, ids=lambda value: getattr(value, "__name__", None))


def sizes(rank: int, channels: int = 3, batch: int = 2) -> tuple[int, ...]:
    return (batch, *(7, 6, 5)[:rank], channels)


# --- refusals ----------------------------------------------------------------------------------------------------------


@every_layer
@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"padding": "smae"}, r"padding='smae' is not one of \('valid', 'same'.*\) \(did you mean 'same'\?\)"),
        ({"padding": [(1, 1)]}, r"padding=\[\(1, 1\)\] is not one of"),
        ({"kernel_size": 0}, "kernel_size=0 is not"),
        ({"kernel_size": (1, 2, 3, 4)}, r"kernel_size=\(1, 2, 3, 4\) is not"),
        ({"strides": 0}, "strides=0 is not"),
        ({"strides": 1.5}, "strides=1.5 is not"),
        ({"dilation_rate": 0}, "dilation_rate=0 is not"),
        ({"data_format": "last"}, "data_format='last' is not one of"),
        ({"activation": "rleu"}, "activation: .*'rleu'"),
    ],
)
def test_names_a_wrong_argument(cls: Any, rank: int, own: dict[str, Any], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{cls.__name__}: {message}"):
        cls(**{**own, "kernel_size": 3, **wrong})


@pytest.mark.parametrize(
    "cls, config, message",
    [
        (Conv2D, {"filters": 0}, "filters=0 is not a positive int"),
        (Conv2D, {"filters": 2.0}, "filters=2.0 is not a positive int"),
        (Conv2D, {"filters": 4, "groups": 0}, "groups=0 is not a positive int"),
        (Conv2D, {"filters": 4, "groups": 3}, "filters=4 is not divisible by groups=3"),
        (
            Conv2D,
            {"filters": 4, "strides": 2, "dilation_rate": 2},
            r"strides=\(2, 2\) can't be combined with dilation_",
        ),
        (Conv2D, {"filters": 4, "padding": "causal"}, r"padding='causal' is not one of \('valid', 'same'\)"),
        (DepthwiseConv1D, {"padding": "causal"}, r"padding='causal' is not one of \('valid', 'same'\)"),
        (Conv1D, {"filters": 4, "lora_rank": -1}, "lora_rank=-1 is neither a positive int nor None"),
        (Conv1DTranspose, {"filters": 4, "strides": 3, "dilation_rate": 2}, r"strides=\(3,\) can't be combined"),
        (Conv1DTranspose, {"filters": 4, "strides": 2, "output_padding": 2}, r"output_padding=\(2,\) is not below str"),
        (Conv1DTranspose, {"filters": 4, "output_padding": -1}, "output_padding=-1 is not an int of at least 0"),
        (DepthwiseConv2D, {"depth_multiplier": 0}, "depth_multiplier=0 is not a positive int"),
        (SeparableConv2D, {"filters": 4, "depth_multiplier": 0}, "depth_multiplier=0 is not a positive int"),
    ],
)
def test_names_what_does_not_go_together(cls: Any, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{cls.__name__}: {message}"):
        cls(**{"kernel_size": 3, **config})


@every_layer
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_other_channels_than_it_was_built_for_are_named(
    cls: Any, rank: int, own: dict[str, Any], channels: int
) -> None:
    layer = cls(**own, kernel_size=2, input_shape=sizes(rank, 4)[1:])
    with pytest.raises(ValueError, match=rf"^{cls.__name__}: input .* has size {channels} in axis -1, .*built for 4"):
        layer(torch.ones(sizes(rank, channels)))


@every_layer
def test_another_rank_is_named(cls: Any, rank: int, own: dict[str, Any]) -> None:
    layer = cls(**own, kernel_size=2)
    with pytest.raises(ValueError, match=rf"^{cls.__name__}: input .* has rank {rank + 1}, allowed is {rank + 2}"):
        layer(torch.ones(sizes(rank)[1:]))
    assert not layer.built


@pytest.mark.parametrize("build_first", [False, True])
@pytest.mark.parametrize(
    "cls, rank, own",
    [case for case in FAMILY if "Transpose" not in case[0].__name__],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_input_smaller_than_the_kernel_is_named(cls: Any, rank: int, own: dict[str, Any], build_first: bool) -> None:
    layer = cls(**own, kernel_size=3, dilation_rate=2)
    if build_first:
        layer.build((None, *(None,) * rank, 3))
    with pytest.raises(
        ValueError, match=rf"^{cls.__name__}: input of shape .* is too small for kernel_size=\(3,.*left"
    ):
        layer(torch.ones(2, *(4,) * rank, 3))
    assert layer.built is build_first


@pytest.mark.parametrize("build_first", [False, True])
def test_an_output_of_size_0_is_named(build_first: bool) -> None:
    built = {"input_shape": (None, None, 3)} if build_first else {}
    with pytest.raises(
        ValueError, match=r"^Conv2D: input of shape \(2, 0, 5, 3\) is too small .*'same' nothing is left"
    ):
        Conv2D(4, 3, padding="same", **built)(torch.ones(2, 0, 5, 3))
    with pytest.raises(ValueError, match=r"^Conv2DTranspose: nothing is left of an input of shape \(2, 1, 5, 3\)"):
        Conv2DTranspose(4, 4, padding="same", output_padding=0, **built)(torch.ones(2, 1, 5, 3))


def test_channels_that_groups_do_not_divide_are_named_and_unknown_ones() -> None:
    with pytest.raises(
        ValueError, match=r"^Conv2D: input of shape \(2, 7, 6, 5\) has 5 channels, not divisible by groups"
    ):
        Conv2D(4, 3, groups=2)(torch.ones(2, 7, 6, 5))
    with pytest.raises(ValueError, match=r"^Conv2D: input of shape .* has no known size in axis -1"):
        Conv2D(4, 3, input_shape=(7, 6, None))


# --- what TensorFlow's CPU can't be asked --------------------------------------------------------------------------------


def first(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


@every_layer
@pytest.mark.parametrize(
    "more", [{}, {"padding": "same", "strides": 2}, {"padding": "same", "dilation_rate": 2, "use_bias": False}]
)
def test_channels_first_is_channels_last_transposed(cls: Any, rank: int, own: dict[str, Any], more: Any) -> None:
    last = cls(**own, kernel_size=3, dtype="float64", **more)
    x = torch.randn(sizes(rank), dtype=torch.float64)
    expected = last(x)
    other = cls(**own, kernel_size=3, dtype="float64", data_format="channels_first", **more)
    other.set_weights(last.get_weights())
    torch.testing.assert_close(other(first(x).contiguous()), first(expected))


@every_layer
def test_an_empty_batch_has_gradients_of_zero(cls: Any, rank: int, own: dict[str, Any]) -> None:
    layer = cls(**own, kernel_size=3, strides=2, padding="same")
    y = layer(torch.ones(sizes(rank, batch=0)))
    assert y.shape == (0, *layer(torch.ones(sizes(rank))).shape[1:])
    y.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in layer.parameters())


@every_layer
def test_integers_are_computed_in_the_compute_dtype(cls: Any, rank: int, own: dict[str, Any]) -> None:
    layer, x = cls(**own, kernel_size=3), torch.randint(0, 255, sizes(rank), dtype=torch.uint8)
    assert torch.equal(layer(x), layer(x.float()))


def test_strides_of_two_sizes() -> None:
    layer, x = DepthwiseConv2D(3, strides=(2, 3), padding="same"), torch.randn(2, 7, 6, 4)
    y = layer(x)
    # 7 rows by 2: one above, one below. 6 columns by 3: none.
    expected = F.conv2d(first(x), layer.weight, layer.bias, (2, 3), (1, 0), 1, 4)
    torch.testing.assert_close(first(y), expected)


@pytest.mark.parametrize("size, kernel, stride", [(6, 3, 2), (7, 4, 2), (5, 2, 3), (6, 5, 1), (4, 4, 3)])
def test_transposed_is_the_gradient_of_the_convolution(size: int, kernel: int, stride: int) -> None:
    forward = Conv2D(3, kernel, stride, "same", use_bias=False, dtype="float64", input_shape=(None, None, 2))
    back = Conv2DTranspose(2, kernel, stride, "same", use_bias=False, dtype="float64")
    back.set_weights(forward.get_weights())
    x = torch.zeros(1, size * stride, size * stride, 2, dtype=torch.float64, requires_grad=True)
    y = torch.randn(1, size, size, 3, dtype=torch.float64)
    (expected,) = torch.autograd.grad(forward(x), x, y)
    torch.testing.assert_close(back(y), expected)


def test_transposed_without_output_padding_drops_as_much_on_both_sides() -> None:
    """TensorFlow refuses it, Keras on JAX and torch do it."""
    layer, x = Conv1DTranspose(4, 4, 2, "same", output_padding=0), torch.randn(2, 5, 3)
    y = layer(x)
    full = Conv1DTranspose(4, 4, 2)
    full.set_weights(layer.get_weights())
    torch.testing.assert_close(y, full(x)[:, 2:-2])


# --- torch's side --------------------------------------------------------------------------------------------------------


@every_layer
def test_weights_are_named_and_laid_out_as_torch_s(cls: Any, rank: int, own: dict[str, Any]) -> None:
    state = {
        name: tuple(value.shape)
        for name, value in cls(**own, kernel_size=2, input_shape=sizes(rank)[1:]).state_dict().items()
    }
    kernel = (2,) * rank
    if "Separable" in cls.__name__:
        expected = {"depthwise_weight": (3, 1, *kernel), "pointwise_weight": (4, 3, *(1,) * rank), "bias": (4,)}
    elif "Depthwise" in cls.__name__:
        expected = {"weight": (6, 1, *kernel), "bias": (6,)}
    else:
        channels = (3, 4) if "Transpose" in cls.__name__ else (4, 3)
        expected = {"weight": (*channels, *kernel), "bias": (4,)}
    assert state == expected


@every_layer
def test_symmetric_padding_copies_nothing(cls: Any, rank: int, own: dict[str, Any]) -> None:
    layer, x = cls(**own, kernel_size=3, padding="same"), torch.randn(sizes(rank))
    with mock.patch.object(F, "pad", side_effect=AssertionError("padded by a copy")):
        layer(x)


@every_layer
def test_autocast_is_not_undone_by_the_bias(cls: Any, rank: int, own: dict[str, Any]) -> None:
    layer, x = cls(**own, kernel_size=3, input_shape=sizes(rank)[1:]), torch.randn(sizes(rank))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype is torch.bfloat16


@pytest.mark.parametrize("cls, rank", [(Conv1D, 1), (Conv2D, 2), (Conv3D, 3)])
def test_lora_adds_to_a_frozen_kernel(cls: Any, rank: int) -> None:
    layer, x = cls(4, 2), torch.randn(sizes(rank))
    before = layer(x)
    layer.enable_lora(2, lora_alpha=6.0)
    assert torch.equal(layer(x), before)  # `lora_b` begins at zero
    assert [name for name, p in layer.named_parameters() if p.requires_grad] == ["bias", "lora_a", "lora_b"]
    assert tuple(layer.lora_a.shape) == (*(2,) * rank, 3, 2)
    assert tuple(layer.lora_b.shape) == (2, 4)
    with pytest.raises(ValueError, match=rf"^{cls.__name__}: enable_lora was called already, with rank 2"):
        layer.enable_lora(2)


def test_keras_s_other_names() -> None:
    assert torch_layers.Convolution2D is Conv2D
    assert torch_layers.Convolution3DTranspose is Conv3DTranspose
    assert torch_layers.SeparableConvolution1D is SeparableConv1D
