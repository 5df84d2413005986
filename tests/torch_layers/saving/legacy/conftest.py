"""Live Keras 2, without what it makes for GPUs."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def _no_kernels_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    # With each recurrent layer in a graph Keras 2 traces cuDNN's kernel too, in case the graph comes to a GPU.
    if kernels := sys.modules.get("tf_keras.src.layers.rnn.gru_lstm_utils"):
        monkeypatch.setattr(kernels, "function_register", lambda *_, **__: None)
