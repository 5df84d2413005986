"""Live models of Keras 2 keep its meaning when `from_keras` takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import from_keras

pytest.importorskip("tensorflow", reason="needs live Keras 2")
keras = pytest.importorskip("tf_keras", reason="needs live Keras 2")
pytestmark = pytest.mark.keras

L = keras.layers


def gates() -> Any:
    lstm = L.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True, time_major=False)
    return keras.Sequential([L.Input((5, 4)), lstm, L.LeakyReLU(alpha=0.2), L.Dense(2, activation="hard_sigmoid")])


def operators() -> Any:
    x = L.Input((5, 4))
    dense = L.Dense(4)
    return keras.Model(x, dense(dense(x))[:, 1:] * 2.0 + 1.0)


@pytest.mark.parametrize("make", [gates, operators])
def test_a_model_keeps_its_meaning(make: Callable[[], Any]) -> None:
    x = np.random.default_rng(0).normal(scale=3.0, size=(2, 5, 4)).astype("float32")
    model = make()
    np.testing.assert_allclose(from_keras(model)(torch.tensor(x)).detach(), model(x), rtol=1e-5, atol=1e-6)


def test_a_layer_keeps_its_meaning() -> None:
    x = np.linspace(-4, 4, 40, dtype="float32").reshape(8, 5)
    layer = L.Dense(3, activation="hard_sigmoid")
    expected = layer(x)
    np.testing.assert_allclose(from_keras(layer)(torch.tensor(x)).detach(), expected, rtol=1e-5, atol=1e-6)
