"""Weights as Keras 3 and tf-keras write them, each array and attribute as h5py reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.torch_layers.saving.hdf5 import walking
from torch_layers.saving.hdf5 import Dataset, open_hdf5
from torch_layers.saving.source import opened

h5py = pytest.importorskip("h5py", reason="needs h5py")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]


def model(keras: Any, count: int = 1) -> Any:
    inside = keras.Sequential([keras.layers.Dense(3, name="inside")], name="nested")
    layers = [keras.layers.Dense(4, name=f"dense_{i}_{'x' * 60 if count > 1 else ''}") for i in range(count)]
    layers += [inside, keras.layers.BatchNormalization(), keras.layers.Reshape((1, 3)), keras.layers.GRU(2)]
    made = keras.Sequential([keras.Input((4,)), *layers])
    made.compile("adam", "mse", run_eagerly=True)
    made.fit(np.zeros((4, 4)), np.zeros((4, 2)), verbose=0)
    return made


def check(path: Path) -> int:
    with opened(path) as source, h5py.File(path) as file:
        return walking.check_equal(open_hdf5(source), file, h5py)


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_keras_3(tmp_path: Path, name: str) -> None:
    keras = pytest.importorskip("keras")
    made = model(keras)
    path = tmp_path / name
    (made.save_weights if "weights" in name else made.save)(path)
    assert check(path) > 20


@pytest.mark.parametrize("whole", [True, False], ids=["model", "weights"])
def test_tf_keras(tmp_path: Path, whole: bool) -> None:
    keras = pytest.importorskip("tf_keras")
    made = model(keras)
    path = tmp_path / "a.h5"
    (made.save if whole else made.save_weights)(str(path))
    assert check(path) > 20


def test_names_that_fill_several_attributes(tmp_path: Path) -> None:
    keras = pytest.importorskip("tf_keras")
    made = keras.Sequential([keras.Input((1,))])
    for i in range(70):
        made.add(keras.layers.Activation("relu", name=f"layer_{i:04}_" + "x" * 1000))
    path = tmp_path / "a.h5"
    made.save_weights(str(path))
    assert check(path) > 70
    with opened(path) as source:
        attributes = open_hdf5(source).attrs
        assert len(attributes["layer_names0"]) + len(attributes["layer_names1"]) == 70


def test_bfloat16(tmp_path: Path) -> None:
    """Keras writes it as two bytes without meaning, and the attribute that says which."""
    keras = pytest.importorskip("keras")
    layer = keras.layers.Dense(3, dtype="bfloat16", name="dense")
    made = keras.Sequential([keras.Input((2,)), layer])
    values = np.array([[1, 2, 3], [-1, 0.5, 0]], np.float32)
    layer.set_weights([values, np.zeros(3)])
    path = tmp_path / "a.weights.h5"
    made.save_weights(path)
    with opened(path) as source:
        kernel = open_hdf5(source)["layers/dense/vars/0"]
        assert isinstance(kernel, Dataset)
        assert kernel.attrs["dtype"] == "bfloat16"
        assert kernel.dtype == "V2"
        target = torch.empty(2, 3, dtype=torch.bfloat16)
        kernel.read_into(target.view(torch.uint16).numpy().view("V2"))
    assert torch.equal(target.float(), torch.from_numpy(values))
