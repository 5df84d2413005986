"""Every registered layer, saved here and read here: the same weights bit for bit, the same outputs.

What live Keras makes of each layer's files: `parity run 'files.*'`.
"""

from __future__ import annotations

import json

import pytest
import torch

from tests.torch_layers.saving.keras3.each_layer import NAMES, around, same, same_state
from torch_layers.saving.load import load_model, load_weights
from torch_layers.saving.save import save_model, save_weights

pytest.importorskip("h5py", reason="files are written with h5py")


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_comes_back_as_it_was(name, tmp_path):
    model, inputs = around(name)
    save_model(model, tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    # Through JSON, which makes lists of tuples.
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    same_state(again, model)
    same(again(inputs), model(inputs))


@pytest.mark.parametrize("ending", [".weights.h5", ".safetensors"])
@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_weights_come_back_as_they_were(name, ending, tmp_path):
    model, _ = around(name)
    save_weights(model, tmp_path / f"m{ending}")
    other, _ = around(name)
    other.set_weights([weight * 0 for weight in other.get_weights()])
    load_weights(other, tmp_path / f"m{ending}")
    same_state(other, model)
