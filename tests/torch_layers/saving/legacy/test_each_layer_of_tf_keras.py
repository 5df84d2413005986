"""Every registered layer that Keras 2 has, in an `.h5` file: saved by live tf-keras and read here, and the other way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from parity import draw
from parity.sides.base import Lacks, leaves, rebuilt
from tests.torch_layers.saving.keras3.each_layer import NAMES, around
from tests.torch_layers.test_contract import example
from torch_layers.saving.legacy.writing import KERAS_2, KERAS_3, write_h5, write_weights
from torch_layers.saving.load import load_model, load_weights

h5py = pytest.importorskip("h5py", reason="files are opened with h5py")
tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]

# What Keras 2 has not, or can't put into a functional model.
NEW = {
    *(f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
    *("GroupQueryAttention", "RMSNormalization", "ReversibleEmbedding", "SpectralNormalization"),
}
# Called with several arguments, which the two Kerases write in ways that the other can't read.
CALLED_WITH_SEVERAL = {"GRUCell", "LSTMCell", "MultiHeadAttention", "SimpleRNNCell", "StackedRNNCells"}
# TensorFlow computes these in float32 alone.
IN_FLOAT32 = {"AveragePooling3D", "MaxPooling3D", "Rescaling", "Resizing"}


@pytest.fixture(autouse=True)
def policy(request: pytest.FixtureRequest) -> Any:
    name = request.node.callspec.params["name"] if hasattr(request.node, "callspec") else ""
    dtype = "float32" if name in IN_FLOAT32 else "float64"
    tf_keras.backend.set_floatx(dtype)
    yield dtype
    tf_keras.backend.set_floatx("float32")


@pytest.fixture(scope="module")
def side() -> Any:
    from parity.sides.keras import TfKeras

    return TfKeras()


def close(ours: Any, theirs: Any) -> None:
    for a, b in zip(leaves(ours), leaves(theirs), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        error = 1e-5 if a.dtype == np.float32 else 1e-11
        np.testing.assert_allclose(a, b, rtol=error, atol=error)


@pytest.mark.parametrize("name", sorted(set(NAMES) - NEW))
@torch.no_grad()
def test_is_read_as_tf_keras_saved_it(name, side, policy, tmp_path):
    case = example(name)
    if name == "LeakyReLU":
        case = type(case)(**{**vars(case), "config": {"alpha": case.config["negative_slope"]}})
    arrays = draw.inputs(case, policy)
    starts = [tf_keras.Input(batch_shape=np.shape(a), dtype=np.asarray(a).dtype.name) for a in leaves(arrays)]
    theirs = tf_keras.Model(starts, side.make(case, case, policy)(*rebuilt(arrays, starts)))
    rng = np.random.default_rng(0)
    theirs.set_weights([rng.uniform(0.2, 1, w.shape).astype(w.dtype) for w in theirs.get_weights()])
    theirs.save(tmp_path / "m.h5")
    inputs, again = leaves(arrays), load_model(tmp_path / "m.h5")
    close(again(inputs), tf_keras.models.load_model(tmp_path / "m.h5")(inputs))
    expected = again.get_weights()
    again.set_weights([weight * 0 for weight in expected])
    theirs.save_weights(tmp_path / "w.h5")
    load_weights(again, tmp_path / "w.h5")
    for one, other in zip(again.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_is_saved_as_tf_keras_reads_it(name, policy, tmp_path):
    model, inputs = around(name)
    model.to(getattr(torch, policy))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        write_h5(model, file)
        version = file.attrs["keras_version"]
    if name in NEW | CALLED_WITH_SEVERAL:
        assert version == KERAS_3
        return
    assert version == KERAS_2
    arrays = [x.numpy().astype(policy) if x.is_floating_point() else x.numpy() for x in inputs]
    again = tf_keras.models.load_model(tmp_path / "m.h5")
    close(again(arrays), model(arrays))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(model, file)
    again.set_weights([weight * 0 for weight in again.get_weights()])
    again.load_weights(tmp_path / "w.h5")
    if name != "Normalization":  # which tf-keras sets up when it reads a whole model
        close(again(arrays), model(arrays))


def test_the_layers_that_keras_2_has_not_are_those_that_it_lacks(side):
    lacking = set()
    for name in NAMES:
        try:
            side.make(example(name), example(name), "float64")
        except Lacks:
            lacking.add(name)
    assert lacking - {"LeakyReLU"} == NEW - {"SpectralNormalization"}  # has another argument; can't be read from a file
