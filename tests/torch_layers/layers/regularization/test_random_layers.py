"""The layers that draw: seeds, generators, masks, compilers, refusals. Distributions: parity/cases/regularization.py."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.devices import run_on
from torch_layers import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Sequential,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)

SHAPES: dict[type, tuple[int, ...]] = {
    Dropout: (40, 30),
    AlphaDropout: (40, 30),
    GaussianDropout: (40, 30),
    GaussianNoise: (40, 30),
    SpatialDropout1D: (40, 3, 30),
    SpatialDropout2D: (40, 3, 2, 30),
    SpatialDropout3D: (40, 3, 2, 1, 30),
}
every_layer = pytest.mark.parametrize("cls", SHAPES)


def ones(cls: type) -> Tensor:
    return torch.ones(SHAPES[cls])


def state() -> Tensor:
    return torch.get_rng_state()


@every_layer
def test_evaluation_is_the_identity_and_draws_nothing(cls: type) -> None:
    layer, x, before = cls(0.5).eval(), ones(cls), state()
    assert layer(x) is x
    assert torch.equal(state(), before)
    seeded = cls(0.5, seed=1).eval()
    seeded(x)
    assert not seeded._generators


@every_layer
def test_a_strength_of_0_is_the_identity_in_training_and_draws_nothing(cls: type) -> None:
    x, before = ones(cls), state()
    assert cls(0)(x) is x
    assert torch.equal(state(), before)


@every_layer
def test_a_seed_says_the_numbers_and_leaves_torch_s_generator_alone(cls: type) -> None:
    layer, again, x = cls(0.5, seed=7), cls(0.5, seed=7), ones(cls)
    before = state()
    first, second = layer(x), layer(x)
    assert torch.equal(state(), before)
    assert not torch.equal(first, second)
    assert torch.equal(again(x), first)
    assert torch.equal(again(x), second)
    assert not torch.equal(cls(0.5, seed=8)(x), first)


@every_layer
def test_without_a_seed_torch_s_generator_says_the_numbers(cls: type) -> None:
    layer, x = cls(0.5), ones(cls)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def through_torch_save(layer: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


@every_layer
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer)), through_torch_save],
    ids=["deepcopy", "pickle", "save"],
)
def test_a_copy_goes_on_where_the_layer_stands(cls: type, copied: Any) -> None:
    layer, x = cls(0.5, seed=7), ones(cls)
    layer(x)
    other = copied(copied(layer))
    expected = layer(x)
    assert torch.equal(other(x), expected)
    assert torch.equal(other(x), layer(x))


def test_a_copy_from_a_device_that_is_not_here_can_be_used_here() -> None:
    layer = Dropout(0.5, seed=7)
    layer._generators[torch.device("cuda")] = torch.Generator().get_state()
    assert pickle.loads(pickle.dumps(layer))(torch.ones(4)).shape == (4,)


@every_layer
@pytest.mark.parametrize("seed", [None, 7])
def test_trains_in_one_compiled_graph(cls: type, seed: int | None) -> None:
    layer, x = cls(0.5, seed=seed), ones(cls)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.manual_seed(3)
    first, second = compiled(x), compiled(x)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(compiled(x), first)


@every_layer
@pytest.mark.parametrize("seed", [None, 7])
def test_exports_in_training_and_draws_anew_at_each_call(cls: type, seed: int | None) -> None:
    dims = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(cls(0.5, seed=seed), (ones(cls),), dynamic_shapes=dims).module()
    x = torch.cat([ones(cls), ones(cls)])
    assert not torch.equal(program(x), program(x))


@every_layer
@pytest.mark.parametrize("device", ["meta", "cuda", "pretended"])
@pytest.mark.parametrize("seed", [None, 7])
def test_trains_on_a_device_without_a_stray_cpu_tensor(cls: type, device: str, seed: int | None) -> None:
    run_on(device, cls(0.5, seed=seed), ones(cls))


@every_layer
@pytest.mark.parametrize("seed", [None, 7])
def test_works_under_vmap(cls: type, seed: int | None) -> None:
    layer, x = cls(0.5, seed=seed), torch.stack([ones(cls)] * 3)
    y = torch.vmap(layer, randomness="different")(x)
    assert not torch.equal(y[0], y[1])
    same = torch.vmap(layer, randomness="same")(x)
    assert torch.equal(same[0], same[1])


@pytest.mark.parametrize("size", [20, 2000])
@pytest.mark.parametrize("seed", [None, 7])
def test_dropout_scales_what_it_keeps_and_its_gradient_alike(size: int, seed: int | None) -> None:
    x = torch.randn(size, dtype=torch.float64, requires_grad=True)
    y = Dropout(0.25, seed=seed, dtype="float64")(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    kept = y != 0
    assert 0 < kept.sum() < size
    torch.testing.assert_close(y, torch.where(kept, x / 0.75, 0))
    torch.testing.assert_close(gradient, kept.double() / 0.75)


def test_rate_1_leaves_zeros_that_take_a_gradient() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    y = Dropout(1)(x)
    assert torch.equal(y, torch.zeros(3, 4))
    assert torch.equal(torch.autograd.grad(y.sum(), x)[0], torch.zeros(3, 4))


def test_rates_are_met_in_narrow_dtypes() -> None:
    # bfloat16 has no number between 0.296875 and 0.30078125: a uniform draw in it would drop 30.5 %.
    for seed in (None, 7):
        y = Dropout(0.3, seed=seed, dtype="bfloat16")(torch.ones(1_000_000, dtype=torch.bfloat16))
        assert abs((y == 0).double().mean().item() - 0.3) < 0.0025


def test_dropped_channels_follow_the_data_format() -> None:
    x = torch.ones(50, 4, 5, 6)
    last, first = SpatialDropout2D(0.5, seed=1)(x), SpatialDropout2D(0.5, "channels_first", seed=1)(x)
    assert torch.equal(last, last[:, :1, :1].expand_as(x))
    assert torch.equal(first, first[:, :, :1, :1].expand_as(x))


def test_configs_are_keras_s() -> None:
    rate = np.float32(0.5)
    assert Dropout(rate, (None, 1), 7, name="d").get_config() == {
        "name": "d",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "rate": 0.5,
        "noise_shape": (None, 1),
        "seed": 7,
    }
    spatial = {"rate": 0.5, "seed": None, "name": "s", "dtype": "float32"}
    assert SpatialDropout1D(0.5, name="s").get_config() == spatial
    assert SpatialDropout3D(0.5, name="s").get_config() == {**spatial, "data_format": "channels_last"}


def test_takes_numpy_s_numbers() -> None:
    assert Dropout(np.float32(0.5), seed=1)(torch.ones(4)).shape == (4,)
    assert GaussianNoise(np.float64(0.5))(torch.ones(4)).shape == (4,)


def test_takes_keras_2_s_input_shape() -> None:
    model = Sequential([SpatialDropout1D(0.5, input_shape=(3, 4)), Dropout(0.5, input_shape=(3, 4))])
    assert model.eval()(torch.ones(2, 3, 4)).shape == (2, 3, 4)


REFUSED: list[tuple[Any, str]] = [
    (lambda: Dropout(1.5), "Dropout: rate=1.5 is not a number from 0 to 1"),
    (lambda: SpatialDropout2D(-0.1), "SpatialDropout2D: rate=-0.1 is not a number from 0 to 1"),
    (lambda: AlphaDropout("0.5"), "AlphaDropout: rate='0.5' is not a number from 0 to 1"),
    (lambda: GaussianDropout(float("nan")), "GaussianDropout: rate=nan is not a number from 0 to 1"),
    (lambda: GaussianNoise(2), "GaussianNoise: stddev=2 is not a number from 0 to 1"),
    (lambda: Dropout(0.5, seed=1.5), "Dropout: seed=1.5 is neither an int of 64 bits nor None"),
    (lambda: Dropout(0.5, seed=2**63), r"Dropout: seed=\d+ is neither an int of 64 bits nor None"),
    (lambda: Dropout(0.5, noise_shape=3), "Dropout: noise_shape=3 is not a tuple of positive ints and None"),
    (lambda: AlphaDropout(0.5, (2, 0)), r"AlphaDropout: noise_shape=\(2, 0\) is not a tuple of positive ints and None"),
    (lambda: SpatialDropout3D(0.5, "last"), "SpatialDropout3D: data_format='last' is not one of"),
    (
        lambda: Dropout(0.5, (3, 1))(torch.ones(2, 4)),
        r"Dropout: noise_shape=\(3, 1\) does not broadcast to an input of shape \(2, 4\)",
    ),
    (
        lambda: Dropout(0.5, (1, 2, 4))(torch.ones(2, 4)),
        r"Dropout: noise_shape=\(1, 2, 4\) does not broadcast to an input of shape \(2, 4\)",
    ),
    (
        lambda: AlphaDropout(0.5, (None, 4))(torch.ones(2, 3, 4)),
        r"AlphaDropout: noise_shape=\(None, 4\) does not broadcast to an input of shape \(2, 3, 4\)",
    ),
    (
        lambda: SpatialDropout1D(0.5)(torch.ones(2, 3)),
        r"SpatialDropout1D: input of shape \(2, 3\) has rank 2, allowed is 3",
    ),
    (lambda: AlphaDropout(1)(torch.ones(2)), "AlphaDropout: rate=1 leaves no value from which"),
    (lambda: GaussianDropout(1)(torch.ones(2)), "GaussianDropout: rate=1 would multiply by noise of infinite"),
    (
        lambda: Dropout(0.5)(torch.ones(2, dtype=torch.int64)),
        "Dropout: input of dtype torch.int64: in training it must be a float",
    ),
    (
        lambda: GaussianNoise(0.5)(torch.ones(2, dtype=torch.bool)),
        "GaussianNoise: input of dtype torch.bool: in training it must be a float",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_refuses_in_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
