"""The initializers' names and configs."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.torch_layers.test_initializers import SCALED, _make
from torch_layers import initializers
from torch_layers.registry import initializers as registry

CONFIGS: dict[str, dict[str, Any]] = {
    **{name: {"seed": None, "input_axes": None, "output_axes": None} for name in SCALED},
    "Constant": {"value": 0.0},
    "Identity": {},
    "Initializer": {},
    "Ones": {},
    "Orthogonal": {"gain": 1.0, "seed": None},
    "RandomNormal": {"mean": 0.0, "stddev": 0.05, "seed": None},
    "RandomUniform": {"minval": -0.05, "maxval": 0.05, "seed": None},
    "STFT": {"side": "real", "window": "hann", "scaling": "density", "periodic": False},
    "TruncatedNormal": {"mean": 0.0, "stddev": 0.05, "seed": None},
    "VarianceScaling": {
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": None,
        "input_axes": None,
        "output_axes": None,
    },
    "Zeros": {},
}


def test_the_table_of_configs_is_complete() -> None:
    assert set(CONFIGS) == set(registry.unique())


@pytest.mark.parametrize("name", list(CONFIGS))
def test_config_round_trip(name: str) -> None:
    made = _make(name)
    assert made.get_config() == CONFIGS[name]
    config = {"module": "keras.initializers", "class_name": name, "config": CONFIGS[name], "registered_name": None}
    assert initializers.serialize(made) == config
    for again in (
        initializers.deserialize(config),
        made.clone(),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
    ):
        assert type(again) is type(made)
        assert again.get_config() == CONFIGS[name]


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("Constant", {"value": [1, 2]}),
        ("HeNormal", {"seed": 3, "input_axes": [0], "output_axes": [1, 2]}),
        ("Orthogonal", {"gain": 2.0, "seed": 1}),
        ("RandomNormal", {"mean": 1.0, "stddev": 2.0, "seed": 1}),
        ("RandomUniform", {"minval": 1.0, "maxval": 2.0, "seed": 1}),
        ("STFT", {"side": "imag", "window": None, "scaling": None, "periodic": True}),
        (
            "VarianceScaling",
            {
                "scale": 2.0,
                "mode": "fan_avg",
                "distribution": "uniform",
                "seed": 1,
                "input_axes": [0],
                "output_axes": [1],
            },
        ),
    ],
)
def test_config_holds_the_arguments(name: str, arguments: dict[str, Any]) -> None:
    assert _make(name, **arguments).get_config() == arguments
    assert _make(name).from_config(arguments).get_config() == arguments


def test_constant_keeps_an_array_in_its_config() -> None:
    config = initializers.serialize(initializers.Constant(np.arange(3.0)))
    assert config["config"] == {
        "value": {"class_name": "__numpy__", "config": {"value": [0.0, 1.0, 2.0], "dtype": "float64"}}
    }
    assert_close(initializers.deserialize(config)((3,)), torch.tensor([0.0, 1.0, 2.0]))


def test_identity_forgets_its_gain_as_keras_does() -> None:
    assert initializers.Identity(2.0).get_config() == {}


def test_reads_the_config_of_a_seed_generator_and_of_tensorflow_1() -> None:
    generator = {"module": "keras.random", "class_name": "SeedGenerator", "config": {"seed": 3, "name": "g"}}
    assert initializers.RandomNormal.from_config({"seed": generator}).get_config()["seed"] == 3
    assert initializers.Zeros.from_config({"dtype": "float32"}).get_config() == {}


ALIASES = {
    "glorot_uniform": "GlorotUniform",
    "glorot_normal": "GlorotNormal",
    "he_uniform": "HeUniform",
    "he_normal": "HeNormal",
    "lecun_uniform": "LecunUniform",
    "lecun_normal": "LecunNormal",
    "zeros": "Zeros",
    "zero": "Zeros",
    "ones": "Ones",
    "one": "Ones",
    "constant": "Constant",
    "identity": "Identity",
    "IdentityInitializer": "Identity",
    "initializer": "Initializer",
    "orthogonal": "Orthogonal",
    "OrthogonalInitializer": "Orthogonal",
    "stft": "STFT",
    "STFTInitializer": "STFT",
    "random_normal": "RandomNormal",
    "normal": "RandomNormal",
    "random_uniform": "RandomUniform",
    "uniform": "RandomUniform",
    "truncated_normal": "TruncatedNormal",
    "variance_scaling": "VarianceScaling",
}


def test_names() -> None:
    assert {name: registry.find(name).__name__ for name in registry} == {**ALIASES, **{name: name for name in CONFIGS}}


@pytest.mark.parametrize("name", sorted(ALIASES.keys() - {"normal", "one", "uniform", "zero", "initializer"}))
def test_module_holds_the_names_that_keras_exports(name: str) -> None:
    assert getattr(initializers, name) is registry.find(name)
    assert name in initializers.__all__


def test_get() -> None:
    made = initializers.Zeros()
    assert initializers.get(made) is made
    assert initializers.get(None) is None
    assert type(initializers.get("glorot_uniform")) is initializers.GlorotUniform
    assert type(initializers.get(initializers.Ones)) is initializers.Ones
    config = {"class_name": "RandomNormal", "config": {"mean": 1.0, "stddev": 2.0, "seed": None}}
    assert initializers.get(config).get_config() == config["config"]  # type: ignore[union-attr]


def test_get_takes_functions() -> None:
    def halves(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        return torch.full(shape, 0.5, dtype=dtype)

    assert initializers.get(halves) is halves
    assert initializers.get("halves", {"halves": halves}) is halves


@pytest.mark.parametrize("value", [np.arange(6.0).reshape(2, 3), torch.arange(6.0).view(2, 3)], ids=type)
def test_get_takes_values_for_one_shape(value: Any) -> None:
    initializer = initializers.get(value)
    assert initializer is not None
    assert_close(initializer((2, 3)), torch.arange(6.0).view(2, 3))
    with pytest.raises(ValueError, match=r"Constant: value has the shape \(2, 3\), the weight \(4, 2, 3\)"):
        initializer((4, 2, 3))


@pytest.mark.parametrize(
    "given, message",
    [
        ("glorot_unifrom", "unknown initializer 'glorot_unifrom' .did you mean 'glorot_uniform'"),
        (3, "initializer 3 is neither a name"),
        ({"class_name": "Zeross", "config": {}}, "'Zeross' .* is not an initializer .*did you mean 'Zeros'"),
    ],
)
def test_get_refuses(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initializers.get(given)


@pytest.mark.parametrize("name", list(CONFIGS))
def test_says_where_it_comes_from(name: str) -> None:
    assert f"Source: keras.initializers.{name}, Keras 3.15" in (inspect.getdoc(getattr(initializers, name)) or "")
