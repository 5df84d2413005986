"""How large a model a config may describe, to the last call and level."""

from __future__ import annotations

from typing import Any

import pytest

from torch_layers.saving.errors import FileError
from torch_layers.saving.limits import check_size

TENSOR = {"class_name": "__keras_tensor__", "config": {"keras_history": ["i", 0, 0]}}


def called(class_name: str, calls: int, inputs: int = 0, config: Any = ()) -> dict[str, Any]:
    node = {"args": [[TENSOR] * inputs], "kwargs": {}}
    return {"class_name": class_name, "config": dict(config), "inbound_nodes": [node] * calls}


def nested(depth: int) -> dict[str, Any]:
    model: dict[str, Any] = {"class_name": "ReLU", "config": {}}
    for _ in range(depth):
        model = {"class_name": "Sequential", "config": {"layers": [model]}}
    return model


@pytest.mark.parametrize(
    ("most", "one_more"),
    [
        (called("ReLU", 8000), called("ReLU", 8001)),
        (called("ReLU", 4000, inputs=1), called("ReLU", 4001, inputs=1)),
        (called("BatchNormalization", 2000), called("BatchNormalization", 2001)),
        (called("LSTM", 500), called("LSTM", 501)),
        (called("MultiHeadAttention", 500), called("MultiHeadAttention", 501)),
        # Each call of a model is one of it, which is no layer of the registry's, and of all within.
        (
            called("Mine", 4000, config={"layers": [called("ReLU", 1)]}),
            called("Mine", 4001, config={"layers": [called("ReLU", 1)]}),
        ),
    ],
    ids=["calls", "inputs", "normalization", "recurrent", "attention", "models"],
)
def test_eight_thousand_calls_are_the_most(most: dict[str, Any], one_more: dict[str, Any]):
    check_size(most, "config")
    with pytest.raises(FileError, match=r"config.* 80\d\d calls of layers and their inputs, not 8000 at most"):
        check_size(one_more, "config")


def test_twelve_levels_are_the_deepest():
    check_size(nested(12), "config")
    with pytest.raises(FileError, match=r"config.*more than 12 deep"):
        check_size(nested(13), "config")


def test_calls_of_models_that_call_models_multiply():
    model = called("ReLU", 1)
    for _ in range(11):
        model = called("Mine", 3, config={"layers": [model]})
    with pytest.raises(FileError, match=r"\d{6} calls"):
        check_size(model, "config")
