"""Stateful layers of files: they begin as new ones do, and remember from then on."""

from __future__ import annotations

import pytest
import torch

import torch_layers as tl
from torch_layers.saving.errors import FileError
from torch_layers.saving.load import load_model
from torch_layers.saving.save import save_model

h5py = pytest.importorskip("h5py", reason="files are written with h5py")


LAYERS = {
    "lstm": lambda: tl.LSTM(3, stateful=True),
    "both ways": lambda: tl.Bidirectional(tl.GRU(3, stateful=True, return_sequences=True)),
    "cells": lambda: tl.RNN([tl.LSTMCell(3), tl.GRUCell(2)], stateful=True),
}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_begin_with_zeros_and_remember(name, ending, tmp_path):
    model = tl.Sequential([tl.Input(batch_shape=(2, 5, 4)), LAYERS[name]()]).eval()
    x = torch.randn(2, 5, 4)
    model(x)
    save_model(model, tmp_path / f"m{ending}")
    for inner in model.modules():
        if getattr(inner, "stateful", False) and hasattr(inner, "cell"):
            inner.reset_state()
    again = load_model(tmp_path / f"m{ending}")
    for _ in range(2):
        torch.testing.assert_close(again(x), model(x), rtol=0, atol=0)


def test_a_batch_in_no_proportion_to_the_file_is_refused(tmp_path):
    model = tl.Sequential([tl.Input(batch_shape=(2, 5, 4)), tl.LSTM(3, stateful=True)])
    save_model(model, tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = file.attrs["model_config"]
        assert "[2, 5, 4]" in config
        file.attrs["model_config"] = config.replace("[2, 5, 4]", "[999999999999, 5, 4]")
    with pytest.raises(FileError, match="stateful layers keep 23999999999976 bytes of states"):
        load_model(tmp_path / "m.h5")
