"""Models whose meaning Keras 2 alone has: from live tf-keras, through torch_layers, back to tf-keras."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import torch_layers as tl
from tests.torch_layers.saving.legacy.whole_models import close, inputs, outputs, randomized
from torch_layers.saving.legacy.keras1_layers import Highway
from torch_layers.saving.legacy.writing import KERAS_2, KERAS_3, write_h5
from torch_layers.saving.load import load_model

h5py = pytest.importorskip("h5py", reason="files are opened with h5py")
tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning:tf_keras.*")]
K = tf_keras.layers


def states_from_elsewhere() -> Any:
    ids = K.Input((5,), dtype="int32")
    x = K.Embedding(9, 4, mask_zero=True)(ids)
    _, *states = K.LSTM(3, return_state=True)(x)
    return tf_keras.Model(ids, K.LSTM(3, return_sequences=True)(x, initial_state=states))


def steps_first() -> Any:
    x = K.Input((5, 4))
    return tf_keras.Model(x, K.GRU(3, time_major=True, return_sequences=True)(x))


def steps_first_both_ways() -> Any:
    x = K.Input((5, 4))
    return tf_keras.Model(x, K.Bidirectional(K.GRU(3, time_major=True, return_sequences=True))(x))


def masked_sum() -> Any:
    ids = K.Input((5,), dtype="int32")
    embed = K.Embedding(9, 4, mask_zero=True)
    return tf_keras.Model(ids, K.GRU(3)(K.Add()([embed(ids), K.Embedding(9, 4)(ids)])))


def threshold() -> Any:
    return tf_keras.Sequential([K.Input((4,)), K.Dense(3), K.ThresholdedReLU(0.25)])


def kernels_of_their_own() -> Any:
    layers = [K.LocallyConnected2D(3, (2, 3), strides=(1, 2), activation="relu"), K.Reshape((-1, 3))]
    return tf_keras.Sequential([K.Input((5, 6, 2)), *layers, K.LocallyConnected1D(2, 3)])


def statistics_of_several_axes() -> Any:
    x = K.Input((5, 4))
    y = K.BatchNormalization(axis=[1, 2], epsilon=0.01)(x)
    y = K.BatchNormalization(axis=(-1, 1, 2), scale=False, renorm=True)(K.Reshape((5, 2, 2))(y))
    return tf_keras.Model(x, K.BatchNormalization(axis=[3, 1], center=False)(y))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (statistics_of_several_axes, "has a BatchNormalization of several axes"),
        (states_from_elsewhere, "calls a recurrent layer with its first states"),
        (steps_first, "calls a recurrent layer with its first states, or steps first"),
        (steps_first_both_ways, "steps first"),
        (masked_sum, "merges inputs that have masks"),
        (threshold, "holds a ThresholdedReLU, which Keras 2 and torch_layers have; Keras 3 has none"),
        (kernels_of_their_own, "holds a LocallyConnected[12]D"),
    ],
)
@torch.no_grad()
def test_goes_back_to_keras_2_with_a_warning(build, message, tmp_path):
    theirs = randomized(build())
    theirs.save(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5")
    x = inputs(model)
    close(outputs(model, x), outputs(theirs, x))
    with h5py.File(tmp_path / "n.h5", "w") as file:
        with pytest.warns(UserWarning, match=message):
            write_h5(model, file)
        assert file.attrs["keras_version"] == KERAS_2
    close(outputs(tf_keras.models.load_model(tmp_path / "n.h5"), x), outputs(theirs, x))
    close(outputs(load_model(tmp_path / "n.h5"), x), outputs(theirs, x))


@torch.no_grad()
def test_what_no_keras_has_any_more_is_told(tmp_path):
    model = randomized(tl.Sequential([tl.Input((4,)), Highway(activation="tanh")])).eval()
    with h5py.File(tmp_path / "m.h5", "w") as file:
        with pytest.warns(UserWarning, match="torch_layers reads it, no Keras"):
            write_h5(model, file)
        assert file.attrs["keras_version"] == KERAS_3
    x = inputs(model)
    close(outputs(load_model(tmp_path / "m.h5"), x), outputs(model, x))
