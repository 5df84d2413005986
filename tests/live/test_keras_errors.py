"""Each row of parity.whole.keras_errors is shown by a file: that Keras is silently wrong, torch_layers is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import torch_layers
from parity.whole import report
from parity.whole.files import PACKAGES, FileReport, _known, read
from parity.whole.keras_errors import KERAS_ERRORS, KerasError
from torch_layers.saving.content import read_model_file
from torch_layers.saving.source import opened

pytestmark = pytest.mark.keras

Model = Any
TOKENS = np.array([[1, 2, 0, 0], [3, 0, 4, 0]], "float32"), np.array([[5, 0, 6, 0], [1, 1, 0, 0]], "float32")


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 2, shape).astype("float32")


def hard_sigmoid(keras: Any) -> tuple[Model, list[np.ndarray]]:
    layers = keras.layers
    inner = layers.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True)
    return keras.Sequential([keras.Input((6, 5)), inner, layers.Dense(3, activation="hard_sigmoid")]), [
        _numbers(2, 6, 5)
    ]


def reset_after(keras: Any) -> tuple[Model, list[np.ndarray]]:
    gru = keras.layers.GRU(4, use_bias=False, reset_after=False)
    return keras.Sequential([keras.Input((6, 5)), gru]), [_numbers(2, 6, 5)]


def theano(keras: Any) -> tuple[Model, list[np.ndarray]]:
    return keras.Sequential([keras.Input((6, 7, 2)), keras.layers.Conv2D(3, (2, 3))]), [_numbers(2, 6, 7, 2)]


def masks(keras: Any) -> tuple[Model, list[np.ndarray]]:
    layers = keras.layers
    inputs = [keras.Input((4,)), keras.Input((4,))]
    left, right = (layers.Embedding(9, 3, mask_zero=True)(x) for x in inputs)
    merged = layers.Multiply()([left, right])
    return keras.Model(inputs, [merged, layers.SimpleRNN(2, activation="tanh")(merged)]), list(TOKENS)


def several_axes(keras: Any) -> tuple[Model, list[np.ndarray]]:
    layers = keras.layers
    x = keras.Input((4, 3))
    normalized = layers.LayerNormalization(axis=[1, 2], center=False, scale=False)(x)
    both = [layers.UnitNormalization(axis=[1, 2])(x), layers.Softmax(axis=[1, 2])(x)]
    return keras.Model(x, [normalized, *both]), [_numbers(2, 4, 3)]


def border_of_theano(keras: Any) -> tuple[Model, list[np.ndarray]]:
    layers = [keras.layers.ZeroPadding2D(((1, 0), (1, 0)), name="border"), keras.layers.MaxPooling2D(2)]
    return keras.Sequential([keras.Input((5, 7, 2)), *layers]), [np.abs(_numbers(2, 5, 7, 2))]


def _as_it_is(file: h5py.File) -> None:
    pass


def _without_reset_after(file: h5py.File) -> None:
    _changed(file, lambda config: config.pop("reset_after", None))


def _of_theano(file: h5py.File) -> None:
    weights = file["model_weights"]
    weights.attrs["backend"] = file.attrs["backend"] = b"theano"
    kernel = weights["conv2d"]["conv2d"]["kernel:0"]
    kernel[...] = kernel[()][::-1, ::-1]


def _with_the_border_within(file: h5py.File) -> None:
    config = json.loads(file.attrs["model_config"])
    layers = [layer for layer in config["config"]["layers"] if layer["config"]["name"] != "border"]
    layers[-1]["config"]["padding"] = "same"
    config["config"]["layers"] = layers
    file.attrs["model_config"] = json.dumps(config).encode()
    file["model_weights"].attrs["backend"] = file.attrs["backend"] = b"theano"


def _changed(file: h5py.File, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads(file.attrs["model_config"])
    for layer in config["config"]["layers"]:
        change(layer["config"])
    file.attrs["model_config"] = json.dumps(config).encode()


# In the order of the rows. Keras 2 writes each file, which is then made older by hand.
SHOWN: list[tuple[Callable[[Any], tuple[Model, list[np.ndarray]]], Callable[[h5py.File], None]]] = [
    (hard_sigmoid, _as_it_is),
    (reset_after, _without_reset_after),
    (theano, _of_theano),
    (masks, _as_it_is),
    (several_axes, _as_it_is),
    (border_of_theano, _with_the_border_within),
]


@pytest.fixture(scope="module")
def tf_keras() -> Any:
    return pytest.importorskip("tf_keras", reason="files of Keras 2 are made by tf-keras")


def _written(tf_keras: Any, row: int, path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Write the file of a row; return inputs, and the outputs of the model when it was saved."""
    make, change = SHOWN[row]
    tf_keras.backend.clear_session()
    model, inputs = make(tf_keras)
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.7, w.shape).astype("float32") for w in model.weights])
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    with pytest.warns(UserWarning, match="saving your model as an HDF5 file"):
        model.save(path)
    with h5py.File(path, "r+") as file:
        # What Keras 2.2 did not write yet, and no Keras 3 takes.
        _changed(file, lambda config: config.pop("time_major", None))
        change(file)
        for group in (file, file["model_weights"]):
            group.attrs["keras_version"] = b"2.2.4"
    return inputs, [y.numpy() for y in (outputs if isinstance(outputs, list) else [outputs])]


@pytest.mark.parametrize("row", range(len(KERAS_ERRORS)), ids=[make.__name__ for make, _ in SHOWN])
def test_a_row_is_true(row, tf_keras, keras, tmp_path):
    path = tmp_path / "old.h5"
    inputs, outputs = _written(tf_keras, row, path)
    model = torch_layers.load_model(path)
    tensors = [torch.from_numpy(x) for x in inputs]
    with torch.no_grad():
        found = model(tensors if len(tensors) > 1 else tensors[0])
    for ours, expected in zip(found if isinstance(found, list) else [found], outputs, strict=True):
        np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=1e-6)
    with opened(path) as source:
        file = read_model_file(source)
    readings = []
    for side, package in PACKAGES.items():
        reading = read(path, side, inputs)
        assert reading.whole is not None, reading.refusal
        reading.errors = list(_known(reading.whole, package, file))
        wrong = package in KERAS_ERRORS[row].packages
        assert reading.status == ("keras wrong" if wrong else "equal"), report.sentences(reading.whole)
        assert {error for _, error in reading.errors} == ({KERAS_ERRORS[row]} if wrong else set())
        readings.append(reading)
    said = report.file_sentences(FileReport(path, "Keras 2.2.4", readings=readings))
    assert any("believed wrong at" in line and KERAS_ERRORS[row].why in line for line in said)


def test_every_row_has_a_file():
    assert len(SHOWN) == len(KERAS_ERRORS)


@pytest.mark.parametrize("row", KERAS_ERRORS, ids=lambda row: row.classes[0])
def test_every_row_says_why_and_where_to_read_it(row: KerasError):
    assert len(row.why) > 40
    assert ".py" in row.evidence
    assert set(row.packages) <= set(PACKAGES.values())
