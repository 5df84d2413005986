"""Every registered layer, saved by live Keras and read here, saved here and read by live Keras."""

from __future__ import annotations

import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.keras3.each_layer import NAMES, around, same, same_state, same_weights
from torch_layers.saving.load import load_model, load_weights
from torch_layers.saving.save import save_model, save_weights

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_is_read_as_keras_saved_it(name, tmp_path):
    model, inputs = around(name)
    theirs = tl.to_keras(model)
    theirs.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    same_state(again, model)
    same(again(inputs), model(inputs))
    theirs.save_weights(tmp_path / "m.weights.h5")
    again.set_weights([weight * 0 for weight in again.get_weights()])
    load_weights(again, tmp_path / "m.weights.h5")
    same_state(again, model)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_is_saved_as_keras_reads_it(name, tmp_path):
    model, inputs = around(name)
    theirs = tl.to_keras(model)
    save_model(model, tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    same_weights(again, theirs)
    arrays = [x.numpy() for x in inputs]
    same(again(arrays), theirs(arrays))
    save_weights(model, tmp_path / "m.weights.h5")
    again.set_weights([weight * 0 for weight in again.get_weights()])
    again.load_weights(tmp_path / "m.weights.h5")
    same_weights(again, theirs)
