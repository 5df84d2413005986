"""Files whose groups are called as older Keras calls them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import torch_layers as tl
from torch_layers.saving.errors import FileError
from torch_layers.saving.load import load_model, load_weights

GOLDEN = Path(__file__).parent / "golden"


def assert_close(result, expected):
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("version", ["2_12", "2_13", "2_14"])
@torch.no_grad()
def test_golden_files_give_the_outputs_that_they_were_saved_with(version):
    """2.12 and 2.13 count each layer with weights twice, 2.14 once, all under `_layer_checkpoint_dependencies`."""
    known = np.load(GOLDEN / f"keras_{version}.npz")
    model = load_model(GOLDEN / f"keras_{version}.keras")
    assert_close(model(torch.from_numpy(known["inputs"])), known["outputs"])


@pytest.mark.parametrize("version", ["2_12", "2_13", "2_14"])
@pytest.mark.parametrize("order", ["first", "later"])
@torch.no_grad()
def test_golden_files_of_a_layer_of_two_models(version, order):
    """Its weights are in the file once, or twice, in one of the models; Keras can't read it."""
    path = GOLDEN / f"keras_{version}_shared_{order}"
    if (version, order) == ("2_12", "first"):
        told = r"'inner': before 2\.13, Keras lost the calls of a layer that both models have"
        with pytest.raises(FileError, match=told):
            load_model(path.with_suffix(".keras"))
        return
    known = np.load(path.with_suffix(".npz"))
    model = load_model(path.with_suffix(".keras"))
    assert_close(model(torch.from_numpy(known["inputs"])), known["outputs"])


class Ours(tl.Model):
    """As `of_tf_keras`."""

    def __init__(self):
        super().__init__()
        self.out, self._private, self.norm = tl.Dense(3), tl.Dense(3), tl.BatchNormalization()
        self.listed = nn.ModuleList([tl.Dense(3), tl.Dense(3)])
        self.named = nn.ModuleDict({"a": tl.Dense(3), "b": tl.GRU(3, return_sequences=True)})
        self.encoder = tl.Sequential([tl.Dense(3), tl.Dense(3)])

    def forward(self, x):
        for layer in (*self.listed, self._private, *self.named.values(), self.norm, self.encoder):
            x = layer(x)
        return self.out(x)


def theirs(keras):
    """A model of another Keras, with the same attributes."""

    class Theirs(keras.Model):
        def __init__(self):
            super().__init__()
            layers = keras.layers
            self.out, self._private, self.norm = layers.Dense(3), layers.Dense(3), layers.BatchNormalization()
            self.listed = [layers.Dense(3), layers.Dense(3)]
            self.named = {"a": layers.Dense(3), "b": layers.GRU(3, return_sequences=True)}
            self.encoder = keras.Sequential([layers.Dense(3), layers.Dense(3)])

        def call(self, x):
            for layer in (*self.listed, self._private, *self.named.values(), self.norm, self.encoder):
                x = layer(x)
            return self.out(x)

    return Theirs()


def randomized(model):
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.2, 1, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@torch.no_grad()
def test_a_model_of_attributes_takes_the_weights_of_its_like(package, tmp_path):
    keras = pytest.importorskip(package)
    model, x = theirs(keras), np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    model(x)
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    model.fit(x, x, verbose=0)  # what an optimizer and metrics keep is left out
    randomized(model).save_weights(tmp_path / "m.weights.h5")
    ours = Ours().eval()
    ours(torch.from_numpy(x))
    load_weights(ours, tmp_path / "m.weights.h5")
    assert_close(ours(torch.from_numpy(x)), model(x))


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore")
@torch.no_grad()
def test_a_model_of_attributes_gives_its_weights_to_its_like(tmp_path):
    keras, x = pytest.importorskip("keras"), np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    ours = Ours().eval()
    ours(torch.from_numpy(x))
    randomized(ours).save_weights(tmp_path / "m.weights.h5")
    model = theirs(keras)
    model(x)
    model.load_weights(tmp_path / "m.weights.h5")
    assert_close(model(x), ours(torch.from_numpy(x)))


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@pytest.mark.parametrize("shared_first", [True, False])
@torch.no_grad()
def test_a_layer_of_two_models_gets_its_weights_in_both(package, shared_first, tmp_path):
    """Their weights are in the file once, and Keras can't load it."""
    keras = pytest.importorskip(package)
    layers = keras.layers
    shared, other, third = (layers.Dense(3, name=name) for name in ("shared", "other", "third"))
    x, i = keras.Input((3,)), keras.Input((3,))
    inner = keras.Model(i, third(shared(i)), name="inner")
    model = keras.Model(x, inner(other(shared(x))) if shared_first else other(shared(inner(x))))
    randomized(model).save(tmp_path / "m.keras")
    x = np.random.default_rng(1).normal(size=(2, 3)).astype("float32")
    assert_close(load_model(tmp_path / "m.keras")(torch.from_numpy(x)), model(x))
