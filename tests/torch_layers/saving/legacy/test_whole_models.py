"""Whole models in `.h5`: read from live Keras 3 and tf-keras, and written for both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.legacy.whole_models import KERAS_3_ALONE, SHARED, close, inputs, outputs, randomized
from torch_layers.saving.legacy.activations import legacy_hard_sigmoid
from torch_layers.saving.legacy.writing import KERAS_2, KERAS_3, write_h5, write_weights
from torch_layers.saving.load import load_model, load_weights

h5py = pytest.importorskip("h5py", reason="files are opened with h5py")
keras = pytest.importorskip("keras", reason="needs live Keras")
tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning:(keras|tf_keras).*")]
PACKAGES = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])


def namespace(package: Any) -> Any:
    return SimpleNamespace(**{**vars(package.layers), "Model": package.Model, "Sequential": package.Sequential})


def written(model: Any, path: Any) -> str:
    with h5py.File(path, "w") as file:
        write_h5(model, file)
        return str(file.attrs["keras_version"])


@PACKAGES
@pytest.mark.parametrize("build", SHARED)
@torch.no_grad()
def test_is_read_as_it_was_saved(build, package, tmp_path):
    theirs = randomized(build(namespace(package)))
    theirs.save(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5")
    x = inputs(model)
    close(outputs(model, x), outputs(theirs, x))
    # Into a model that never saw the file's config, with layers of other names.
    other = randomized(build(tl)).eval()
    load_weights(other, tmp_path / "m.h5")
    close(outputs(other, x), outputs(theirs, x))


@PACKAGES
@pytest.mark.parametrize("build", SHARED)
@torch.no_grad()
def test_is_written_as_both_read_it(build, package, tmp_path):
    model = randomized(build(tl)).eval()
    assert written(model, tmp_path / "m.h5") == KERAS_2
    theirs, x = package.models.load_model(tmp_path / "m.h5"), inputs(model)
    close(outputs(theirs, x), outputs(model, x))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(model, file)
    randomized(theirs)
    theirs.load_weights(tmp_path / "w.h5")
    close(outputs(theirs, x), outputs(model, x))


@pytest.mark.parametrize("build", KERAS_3_ALONE)
@torch.no_grad()
def test_what_keras_2_lacks_is_written_for_keras_3(build, tmp_path):
    model = randomized(build(tl)).eval()
    assert written(model, tmp_path / "m.h5") == KERAS_3
    theirs, x = keras.models.load_model(tmp_path / "m.h5"), inputs(model)
    close(outputs(theirs, x), outputs(model, x))
    close(outputs(load_model(tmp_path / "m.h5"), x), outputs(model, x))


@pytest.mark.parametrize("build", SHARED)
@torch.no_grad()
def test_comes_back(build, tmp_path):
    model = randomized(build(tl)).eval()
    written(model, tmp_path / "m.h5")
    again, x = load_model(tmp_path / "m.h5"), inputs(model)
    close(outputs(again, x), outputs(model, x))
    # And once more, without becoming another model each time.
    written(again, tmp_path / "n.h5")
    assert load_model(tmp_path / "n.h5").get_config() == again.get_config()


@torch.no_grad()
def test_keras_2s_hard_sigmoid_is_written_for_keras_2_with_a_warning(tmp_path):
    model = randomized(tl.Sequential([tl.Input((4,)), tl.Dense(3, activation=legacy_hard_sigmoid)])).eval()
    with pytest.warns(UserWarning, match="Keras 3 computes another function of this name"):
        assert written(model, tmp_path / "m.h5") == KERAS_2
    x = inputs(model)
    close(outputs(tf_keras.models.load_model(tmp_path / "m.h5"), x), outputs(model, x))
    close(outputs(load_model(tmp_path / "m.h5"), x), outputs(model, x))


@PACKAGES
@torch.no_grad()
def test_weights_are_found_by_name(package, tmp_path):
    k = namespace(package)
    theirs = randomized(k.Sequential([k.Input((4,)), k.Dense(4, name="a"), k.Dense(4, name="b"), k.Dense(4, name="c")]))
    theirs.save_weights(tmp_path / "w.weights.h5") if package is keras else theirs.save_weights(tmp_path / "w.h5")
    if package is keras:  # Keras 3 writes weights in its own form, whole models in the old one
        theirs.save(tmp_path / "w.h5")
    ours = randomized(
        tl.Sequential([tl.Input((4,)), tl.Dense(4, name="c"), tl.Dense(4, name="x"), tl.Dense(4, name="a")])
    )
    kept = ours.get_layer("x").get_weights()
    load_weights(ours, tmp_path / "w.h5", by_name=True)
    for name in ("a", "c"):
        for one, other in zip(ours.get_layer(name).get_weights(), theirs.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(ours.get_layer("x").get_weights(), kept, strict=True):
        np.testing.assert_array_equal(one, other)


def test_names_beyond_64_kb_are_cut_into_pieces_that_keras_reads(tmp_path):
    long = "n" * 1500
    layers = [tl.Input((2,)), *(tl.Dense(2, name=f"{long}_{n}") for n in range(45))]
    model = tl.Sequential(layers)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(model, file)
        assert "layer_names" not in file.attrs
        assert "layer_names1" in file.attrs
    k = namespace(tf_keras)
    theirs = k.Sequential([k.Input((2,)), *(k.Dense(2, name=f"{long}_{n}") for n in range(45))])
    theirs.load_weights(tmp_path / "w.h5")
    for one, other in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    theirs.save_weights(tmp_path / "v.h5")
    again = randomized(tl.Sequential(layers[:1] + [tl.Dense(2) for _ in range(45)]))
    load_weights(again, tmp_path / "v.h5")
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
