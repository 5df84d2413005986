"""Whole models of live Keras: trained, nested, of mixed dtypes; as files, they are what `from_keras` makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.keras3.each_layer import same, same_state
from torch_layers.saving.load import load_model, load_weights

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]
L = keras.layers
X = np.random.default_rng(0).normal(size=(8, 6, 4)).astype("float32")


def sequences():
    normalized = L.Normalization()
    normalized.adapt(X)
    x = keras.Input((6, 4))
    # TensorFlow draws no orthogonal kernel in bfloat16.
    drawn = {"recurrent_initializer": "glorot_uniform"}
    lstm = L.LSTM(3, return_sequences=True, **drawn)
    y = L.Bidirectional(lstm)(normalized(x))
    y = L.MultiHeadAttention(2, 3, dropout=0.1)(y, y)
    y = L.TimeDistributed(L.Dense(4))(y)
    y = L.BatchNormalization()(L.SpectralNormalization(L.Conv1D(4, 2))(y))
    cells = (L.LSTMCell(3, **drawn), L.GRUCell(4, **drawn), L.LSTMCell(2, **drawn))
    y = L.RNN(cells)(L.Dropout(0.3)(y))
    i = keras.Input((2,))
    inner = keras.Model(i, L.Dense(3)(L.Dense(3)(i)))
    return keras.Model(x, keras.Sequential([L.Dense(3, activation="relu"), L.Dense(2)])(inner(y)))


def chain():
    layers = [L.Conv1D(3, 2), L.PReLU(), L.SeparableConv1D(4, 2), L.LayerNormalization(), L.Flatten(), L.Dense(3)]
    return keras.Sequential([keras.Input((6, 4)), *layers, L.Dense(2), L.Activation("softmax")])


def trained(make):
    keras.utils.set_random_seed(0)
    model = make()
    # To trace a step takes longer than to take one.
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    model.fit(X, np.ones((8, 2), "float32"), verbose=0)
    return model


@pytest.fixture(params=["float32", "mixed_bfloat16", "bfloat16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("make", [sequences, chain])
@torch.no_grad()
def test_both_ways(make, policy, tmp_path):
    theirs = trained(make)
    known, x = tl.from_keras(theirs), torch.from_numpy(X)
    theirs.save(tmp_path / "theirs.keras")
    ours = load_model(tmp_path / "theirs.keras")
    same_state(ours, known)
    same(ours(x).float(), known(x).float())
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.set_weights([weight * 0 for weight in ours.get_weights()])
    load_weights(ours, tmp_path / "theirs.weights.h5")
    same_state(ours, known)
    ours.save(tmp_path / "ours.keras")
    ours.save_weights(tmp_path / "ours.weights.h5")
    again = keras.models.load_model(tmp_path / "ours.keras")
    assert_same_weights(again, theirs)
    theirs.set_weights([weight * 0 for weight in theirs.get_weights()])
    theirs.load_weights(tmp_path / "ours.weights.h5")
    assert_same_weights(again, theirs)
    same(np.asarray(again(X)).astype("float32"), np.asarray(theirs(X)).astype("float32"))


def assert_same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@torch.no_grad()
def test_a_model_written_here_and_trained_here_is_what_keras_loads(tmp_path):
    x = tl.Input((6, 4), name="steps")
    y = tl.Bidirectional(tl.GRU(3))(tl.LayerNormalization()(x))
    model = tl.Model(x, tl.Dense(2)(tl.Concatenate()([y, tl.Dense(5, activation="gelu")(y)])))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    with torch.enable_grad():
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.from_numpy(X)).square().mean().backward()
            optimizer.step()
    model.eval().save(tmp_path / "m.keras")
    theirs = keras.models.load_model(tmp_path / "m.keras")
    for a, b in zip(theirs.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(np.asarray(theirs(X)), model(torch.from_numpy(X)), rtol=1e-6, atol=1e-6)
    assert [layer.name for layer in theirs.layers if isinstance(layer, L.InputLayer)] == ["steps"]
