"""`parity verify`: whole models layer by layer, and where they part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from parity.cli import app
from parity.whole import plot, report
from parity.whole.applications import maker
from parity.whole.compare import Whole, compare_models
from torch_layers import from_keras

pytestmark = pytest.mark.keras
L = keras.layers


def small() -> keras.Model:
    """A model with convolutions, statistics, a nested model and a merge."""
    x = start = keras.Input((9, 11, 3))
    x = L.Conv2D(4, 3, strides=2, padding="same", name="first")(x)
    x = L.BatchNormalization(name="statistics")(x)
    inner = keras.Sequential([keras.Input((5, 6, 4)), L.ReLU(name="relu"), L.Conv2D(4, 1, name="mix")], name="inner")
    x = L.Add(name="sum")([x, inner(x)])
    return keras.Model(start, L.Dense(2, activation="softmax", name="last")(L.GlobalAveragePooling2D()(x)))


def test_an_equal_model_is_equal_in_every_layer_and_in_training():
    whole = compare_models(small, name="small", training=True, batch=3)
    assert [step.path for step in whole.steps][:4] == ["first", "statistics", "inner/relu", "inner/mix"]
    assert max(step.own for step in whole.steps) < 1e-14
    assert whole.equal
    assert set(whole.verdicts) == {"eval", "training"}


def with_a_fault(model: keras.Model) -> nn.Module:
    module = from_keras(model)
    module.statistics.epsilon = 1e-5
    return module


@pytest.fixture(scope="module")
def faulty() -> Whole:
    return compare_models(small, name="small", convert=with_a_fault)


def test_a_changed_epsilon_is_named(faulty):
    assert faulty.first is not None
    assert faulty.first.path == "statistics"
    assert [step.path for step in faulty.steps if step.departs] == ["statistics"]
    text = "\n".join(report.sentences(faulty))
    assert "first departure: statistics (BatchNormalization): off by" in text
    assert text.splitlines()[-1].endswith("s)")
    assert ": different (" in text.splitlines()[-1]


def nested() -> keras.Model:
    """A model in a model in a model."""
    inner = keras.Sequential([keras.Input((7,)), L.Dense(7, name="mix"), L.BatchNormalization(name="bn")], name="inner")
    x = start = keras.Input((7,))
    block = keras.Model(start, L.Add()([L.LayerNormalization(name="norm")(inner(x)), start]), name="block")
    outside = keras.Input((7,))
    return keras.Model(outside, L.Dense(2, name="last")(block(outside)))


def shared() -> keras.Model:
    """Two layers that are called twice and thrice."""
    dense, bn = L.Dense(5, name="dense"), L.BatchNormalization(name="bn")
    inputs = [keras.Input((5,)), keras.Input((5,))]
    first, second = (bn(dense(x)) for x in inputs)
    return keras.Model(inputs, L.Concatenate()([first, second, dense(first)]))


class Shared(nn.Module):
    """The same by hand, with torch's epsilon."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.bn = nn.Linear(5, 5), nn.BatchNorm1d(5)

    def forward(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        first, second = (self.bn(self.dense(x)) for x in inputs)
        return torch.cat([first, second, self.dense(first)], -1)


class Nested(nn.Module):
    """The same by hand, with torch's epsilon in the innermost."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Module()
        self.block.inner = nn.Sequential()
        self.block.inner.add_module("mix", nn.Linear(7, 7))
        self.block.inner.add_module("bn", nn.BatchNorm1d(7))
        self.block.norm, self.last = nn.LayerNorm(7, eps=1e-3), nn.Linear(7, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.block.norm(self.block.inner(x)) + x)


@pytest.mark.parametrize("make, path, departing", [
    (nested, "block.inner.bn", ["block/inner/bn"]),
    (nested, "block.norm", ["block/norm"]),
    (shared, "bn", ["bn", "bn (call 2)"]),
])  # fmt: skip
def test_a_fault_in_a_nested_or_a_shared_layer_is_named(make: Any, path: str, departing: list[str]):
    def convert(model: keras.Model) -> nn.Module:
        module = from_keras(model)
        module.get_submodule(path).epsilon = 1e-5
        return module

    found = compare_models(make, name="faulty", convert=convert)
    assert [step.path for step in found.steps if step.departs] == departing
    assert compare_models(make, name="right").equal


@pytest.mark.parametrize("name, first", [("nested", "block/inner/bn"), ("shared", "bn")])
def test_a_fault_of_a_port_by_hand_is_named(name: str, first: str):
    theirs, ours = f"{__name__}:{name}", f"{__name__}:{name.capitalize()}"
    done = CliRunner().invoke(app, ["verify", "--keras", theirs, "--torch", ours])
    assert done.exit_code == 1
    assert f"first departure: {first} (BatchNormalization): off by" in done.output


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture_is_drawn(faulty, tmp_path: Path, ending: str):
    plot.plot(faulty, tmp_path / f"a.{ending}")
    start = (tmp_path / f"a.{ending}").read_bytes()[:5]
    assert start == {"png": b"\x89PNG\r", "svg": b"<?xml"}[ending]


class Port(nn.Module):
    """By hand, with a relu too many between its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(5, 6), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(torch.relu(self.a(x)))


def two_layers() -> keras.Model:
    start = keras.Input((5,))
    return keras.Model(start, L.Dense(3, name="b")(L.Dense(6, name="a")(start)))


def test_what_stands_between_layers_is_named_too():
    done = CliRunner().invoke(app, ["verify", "--keras", f"{__name__}:two_layers", "--torch", f"{__name__}:Port"])
    assert done.exit_code == 1
    assert "first departure: after a, before b (Dense), whose input is wrong while the layer is right" in done.output


@pytest.mark.parametrize("options, message", [
    (["--keras", "nothing"], "'nothing' is not of the form package.module:attribute"),
    (["--keras", "keras:Modle"], "keras has no 'Modle' (did you mean 'Model'?)"),
    (["--keras", "keras:Model", "--plot", "a.pdf"], "the name must end in .png or .svg"),
    (["--keras", "keras:Model", "--weights", "mine"], "--weights 'mine' is not one of"),
    (["--keras", "no_such_package:f"], "no_such_package can't be imported here"),
])  # fmt: skip
def test_bad_questions_are_refused(options: list[str], message: str):
    done = CliRunner().invoke(app, ["verify", *options])
    assert done.exit_code == 2
    assert message in done.output.replace("\n", " ")


def test_an_unknown_application_is_refused_with_the_nearest():
    done = CliRunner().invoke(app, ["applications", "ResNet5"])
    assert done.exit_code == 2
    assert "keras.applications has no 'ResNet5' (did you mean 'ResNet50'?)" in done.output


def test_an_application_becomes_a_module():
    model = maker("MobileNet")()
    module = from_keras(model)
    assert module.count_params() == model.count_params()
    assert "conv_dw_1_bn.running_mean" in module.state_dict()
