"""`.h5` files of live Keras 3 with operations between layers, which Keras refuses itself, or takes for layers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers.saving.keras3.configs import plain_config
from torch_layers.saving.load import load_model

h5py = pytest.importorskip("h5py", reason="files are opened with h5py")
keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]
L, ops = keras.layers, keras.ops


def arithmetic():
    x = keras.Input((4,))
    y = x + 2 * L.Dense(4)(x) - 1
    z = ops.concatenate([y, ops.mean(y, axis=1, keepdims=True)], axis=-1)[:, 1:]
    return keras.Model(x, ops.softmax(ops.reshape(ops.clip(z, 0, 1), (-1, 2, 2)), axis=1))


def namesakes_of_layers():
    x = keras.Input((4,))
    added, both = L.Add()([x, x]), ops.add(x, x)
    relu, softmax = ops.relu(added), L.Softmax()(both)
    return keras.Model(x, ops.multiply(L.Multiply()([relu, softmax]), ops.maximum(added, relu)))


def inner_graph():
    start, x = keras.Input((5,)), keras.Input((3, 5))
    inner = keras.Model(start, ops.exp(L.Dense(5)(start)) * start)
    return keras.Model(x, L.TimeDistributed(inner)(x))


def masks():
    x = keras.Input((5,))
    return keras.Model(x, L.GRU(3)(L.Embedding(9, 4, mask_zero=True)(ops.abs(x))))


@pytest.mark.parametrize("build", [arithmetic, namesakes_of_layers, inner_graph, masks])
@torch.no_grad()
def test_is_read_and_written_so_that_keras_reads_it(build, tmp_path):
    theirs = build()
    theirs.save(tmp_path / "m.h5")
    with pytest.raises((ValueError, TypeError)):
        keras.models.load_model(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5")
    x = np.random.default_rng(0).normal(size=(2, *theirs.input_shape[1:])).astype("float32")
    expected = theirs(x).numpy()
    np.testing.assert_allclose(model(torch.from_numpy(x)), expected, rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "n.h5")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "n.h5")(x), expected, rtol=1e-5, atol=1e-6)


def test_what_is_no_operation_of_keras_stays(tmp_path):
    arithmetic().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        config = json.loads(file.attrs["model_config"])
    found = plain_config(config)
    told = {layer["class_name"] for layer in found["config"]["layers"] if "module" in layer}
    assert told == {"Add", "Clip", "Concatenate", "GetItem", "Mean", "Multiply", "Reshape", "Softmax", "Subtract"}
    mine = {"class_name": "Mine", "config": {"size": 2}, "name": "mine", "inbound_nodes": []}
    strange = {"class_name": ["Add"], "config": {}, "inbound_nodes": []}
    assert plain_config([mine, strange]) == [mine, strange]


@pytest.mark.parametrize("layer", ["LayerNormalization", "UnitNormalization", "Softmax"])
@torch.no_grad()
def test_several_axes_stay_several(layer, tmp_path):
    model = tl.Sequential([tl.Input((4, 3, 2)), getattr(tl, layer)(axis=[1, -1])])
    model.save(tmp_path / "m.h5")
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 2)).astype("float32")
    expected = model(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "m.h5")(x), expected, rtol=1e-5, atol=1e-6)
    tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
    np.testing.assert_allclose(tf_keras.models.load_model(tmp_path / "m.h5")(x), expected, rtol=1e-5, atol=1e-6)
