"""Every registered layer in an `.h5` file: saved by live Keras 3 and read here, saved here and read by live Keras 3."""

from __future__ import annotations

import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.keras3.each_layer import NAMES, around, same, same_state, same_weights
from torch_layers.saving.legacy.writing import write_h5, write_weights
from torch_layers.saving.load import load_model, load_weights

h5py = pytest.importorskip("h5py", reason="files are opened with h5py")
keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning")]


# Keras 3.15 can't call a GroupQueryAttention with symbols of the example's sizes: see the models for others.
CALLED = sorted(set(NAMES) - {"GroupQueryAttention"})


@pytest.mark.parametrize("name", CALLED)
@torch.no_grad()
def test_is_read_as_keras_saved_it(name, tmp_path):
    model, inputs = around(name)
    theirs = tl.to_keras(model)
    theirs.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    same_state(again, model)
    same(again(inputs), model(inputs))
    again.set_weights([weight * 0 for weight in again.get_weights()])
    load_weights(again, tmp_path / "m.h5")
    same_state(again, model)


@pytest.mark.parametrize("name", CALLED)
@torch.no_grad()
def test_is_saved_as_keras_reads_it(name, tmp_path):
    model, inputs = around(name)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        write_h5(model, file)
    theirs, again = tl.to_keras(model), keras.models.load_model(tmp_path / "m.h5")
    same_weights(again, theirs)
    arrays = [x.numpy() for x in inputs]
    same(again(arrays), theirs(arrays))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(model, file)
    again.set_weights([weight * 0 for weight in again.get_weights()])
    again.load_weights(tmp_path / "w.h5")
    same_weights(again, theirs)
