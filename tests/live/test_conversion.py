"""from_keras and to_keras: whole objects, there and back."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
import torch

import torch_layers as tl

pytestmark = pytest.mark.keras

L = keras.layers


def shaken(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def with_everything() -> keras.Model:
    """Two inputs, a shared layer, a nested model used twice, and operations that Keras records as layers."""
    shared = L.Dense(6, activation="relu", name="shared")
    nested = keras.Sequential([keras.Input((6,)), L.Dense(4), L.LeakyReLU()], name="nested")
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    x, y = shared(a), shared(b)
    z = nested(x) + keras.ops.mean(nested(y), axis=-1, keepdims=True) * 2.0
    z = L.Concatenate()([z, x[:, 1:3], keras.ops.reshape(y, (-1, 3, 2))[:, :, 0]])
    return shaken(keras.Model([a, b], [z, keras.ops.relu(x)], name="everything"))


def given(rng_seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(rng_seed)
    return [rng.normal(size=(3, 5)).astype("float32") for _ in range(2)]


def test_a_functional_model_goes_there_and_back():
    model, inputs = with_everything(), given()
    module = tl.from_keras(model)
    assert not module.training
    assert not any(key.startswith("keras") for key in module.state_dict())
    assert module.count_params() == model.count_params()
    back = tl.to_keras(module)
    for expected, ours, again in zip(model(inputs), module(inputs), back(inputs), strict=True):
        np.testing.assert_allclose(ours.detach(), expected, rtol=2e-6, atol=2e-6)
        np.testing.assert_array_equal(again, expected)


def test_a_shared_layer_stays_one():
    module = tl.from_keras(with_everything())
    assert module.code.count("self.shared(") == 2
    assert len([key for key in module.state_dict() if key.startswith("shared.")]) == 2


def test_frozen_layers_stay_frozen():
    model = with_everything()
    model.get_layer("shared").trainable = False
    module = tl.from_keras(model)
    assert [p.requires_grad for p in module.shared.parameters()] == [False, False]
    assert [p.requires_grad for p in module.nested.parameters()] == [True, True]


@pytest.mark.parametrize("thing", [
    keras.losses.Huber(delta=2.0), keras.initializers.HeNormal(seed=3), keras.regularizers.L2(0.1), keras.activations.gelu,
], ids=lambda thing: getattr(thing, "__name__", type(thing).__name__))  # fmt: skip
def test_other_objects(thing: object):
    made = tl.from_keras(thing)
    assert getattr(made, "__name__", type(made).__name__) == getattr(thing, "__name__", type(thing).__name__)
    assert getattr(made, "delta", 2.0) == 2.0  # Keras's config of Huber leaves it out


def test_a_layer_that_is_not_built_comes_without_weights():
    module = tl.from_keras(L.Dense(3))
    assert not module.built
    assert module(torch.zeros(2, 5)).shape == (2, 3)


class Scaled(L.Layer):
    """A user's own layer."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name="scale")

    def call(self, x: object) -> object:
        return x * self.scale


class OurScaled(tl.Layer):
    """The same for torch."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.add_weight("weight", initializer="ones", keras_name="scale")

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.create_weights(weight=input_shape[-1:])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


def with_own_layers() -> keras.Model:
    x = keras.Input((4,))
    return shaken(keras.Model(x, L.Dense(3)(Scaled(name="second")(keras.ops.relu(Scaled(name="first")(x))))))


def test_all_layers_that_can_t_be_taken_are_listed():
    with pytest.raises(ValueError, match=r"(?s)2 layers can't be taken:.*first: .*'Scaled'.*custom_objects=.*second: "):
        tl.from_keras(with_own_layers())


def test_own_layers_come_from_custom_objects():
    model, x = with_own_layers(), given()[0][:, :4]
    module = tl.from_keras(model, custom_objects={"Scaled": OurScaled})
    np.testing.assert_allclose(module(x).detach(), model(x), rtol=2e-6, atol=2e-6)


def test_weights_that_do_not_fit_name_the_layer():
    class Wrong(OurScaled):
        def build(self, input_shape: tuple[int, ...]) -> None:
            self.create_weights(weight=(1,))

    with pytest.raises(ValueError, match=r"layer 'first': Wrong: .*'scale'.* has shape \(4,\), expected is \(1,\)"):
        tl.from_keras(with_own_layers(), custom_objects={"Scaled": Wrong})


def test_what_is_not_keras_s_is_refused():
    with pytest.raises(TypeError, match="from_keras: Linear is not a layer, model or other object of Keras's"):
        tl.from_keras(torch.nn.Linear(2, 3))


def test_to_keras_needs_keras():
    code = "import torch_layers as tl; tl.to_keras(tl.Dense(2))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "RuntimeError: to_keras: keras is not imported; `import keras` first" in done.stderr


def test_to_keras_takes_layers_losses_and_what_was_trained():
    layer = tl.Dense(3, activation="tanh")
    x = torch.from_numpy(given()[0])
    layer(x).square().mean().backward()
    torch.optim.SGD(layer.parameters(), 0.5).step()
    np.testing.assert_allclose(tl.to_keras(layer)(x.numpy()), layer(x).detach(), rtol=2e-6, atol=2e-6)
    assert tl.to_keras(tl.losses.Huber(delta=3.0))._fn_kwargs["delta"] == 3.0
