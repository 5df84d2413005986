"""Quantized models that live Keras saved as `.h5`: the same weights come of them as of its `.keras` files."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.torch_layers.saving.keras3.each_layer import same_state
from torch_layers.saving.load import load_model, load_weights

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning")]


def layers_of_a_chain() -> Any:
    k = keras.layers
    return [keras.Input((6,)), k.Dense(4, activation="relu"), k.BatchNormalization(), k.Dense(3, use_bias=False)]


def chain() -> Any:
    return keras.Sequential(layers_of_a_chain())


def indices() -> Any:
    k = keras.layers
    return keras.Sequential([keras.Input((5,), dtype="int32"), k.Embedding(8, 6), k.LSTM(3), k.Dense(2)])


def attention() -> Any:
    x = keras.Input((5, 8))
    return keras.Model(x, keras.layers.Dense(2)(keras.layers.MultiHeadAttention(2, 4)(x, x)))


def model_in_a_model() -> Any:
    x = keras.Input((6,))
    return keras.Model(x, keras.layers.Dense(2)(keras.Sequential(layers_of_a_chain())(x)))


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("build", [chain, indices, attention, model_in_a_model])
@torch.no_grad()
def test_is_dequantized(build, mode, tmp_path):
    theirs = build()
    theirs.quantize(mode)
    theirs.save(tmp_path / "m.keras")
    theirs.save(tmp_path / "m.h5")
    model, expected = load_model(tmp_path / "m.h5"), load_model(tmp_path / "m.keras")
    same_state(model, expected)
    for parameter in model.parameters():
        parameter.zero_()
    load_weights(model, tmp_path / "m.h5")
    same_state(model, expected)
