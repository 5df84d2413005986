"""What a model does with files: the methods of Keras's models, which `torch_layers.saving` carries out."""

from __future__ import annotations

import json

import pytest
import torch

import torch_layers as tl
from torch_layers.saving import FileError, reading

h5py = pytest.importorskip("h5py", reason="Keras files are written with h5py")


def small() -> tl.Model:
    x = tl.Input((6, 4))
    y = tl.Conv1D(5, 3, activation="relu", name="conv")(x)
    model = tl.Model(x, tl.Dense(2, name="dense")(tl.LSTM(3, name="lstm")(y)), name="small")
    model.set_weights([torch.randn(weight.shape) for weight in model.get_weights()])
    return model.eval()


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5"])
def test_save(ending, tmp_path):
    model, x = small(), torch.randn(2, 6, 4)
    model.save(tmp_path / f"m{ending}")
    loaded = tl.load_model(tmp_path / f"m{ending}")
    assert torch.equal(loaded(x), model(x))
    assert not loaded.training
    other = small()
    other.load_weights(tmp_path / f"m{ending}")
    assert torch.equal(other(x), model(x))


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".safetensors"])
def test_save_weights(ending, tmp_path):
    model, other, x = small(), small(), torch.randn(2, 6, 4)
    model.save_weights(tmp_path / f"m{ending}")
    assert not torch.equal(other(x), model(x))
    other.load_weights(str(tmp_path / f"m{ending}"))
    assert torch.equal(other(x), model(x))


def test_load_weights_by_name(tmp_path):
    model = small()
    model.save_weights(tmp_path / "m.h5")
    other = tl.Sequential([tl.Input((3,)), tl.Dense(2, name="dense"), tl.Dense(2, name="new")])
    before = other.get_weights()
    other.load_weights(tmp_path / "m.h5", by_name=True)
    torch.testing.assert_close(other.layers[0].weight, model.get_layer("dense").weight)
    assert (other.layers[1].get_weights()[0] == before[2]).all()
    model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(FileError, match="does not name its layers"):
        other.load_weights(tmp_path / "m.weights.h5", by_name=True)


@pytest.mark.parametrize(
    "model", [small(), tl.Sequential([tl.Input((3,)), tl.Dense(2)])], ids=lambda m: type(m).__name__
)
def test_to_json(model):
    text = model.to_json(indent=2)
    assert text.startswith('{\n  "')
    made = tl.model_from_json(text)
    assert json.loads(made.to_json()) == json.loads(text)
    made.set_weights(model.get_weights())
    x = torch.randn(2, *model.input_shape[1:])
    assert torch.equal(made(x), model(x))
    assert json.loads(tl.model_from_config(json.loads(text)).to_json()) == json.loads(text)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_arrays_are_read_a_few_rows_at_a_time(ending, tmp_path, monkeypatch):
    model, x = small(), torch.randn(2, 6, 4)
    model.save(tmp_path / f"m{ending}")
    monkeypatch.setattr(reading, "_TURNED", 40)
    monkeypatch.setattr(reading, "_read_whole", lambda *_: pytest.fail("an array is read at once"))
    assert torch.equal(tl.load_model(tmp_path / f"m{ending}")(x), model(x))


@pytest.mark.keras
def test_keras_reads_what_to_json_says(tmp_path):
    keras = pytest.importorskip("keras")
    model, x = small(), torch.randn(2, 6, 4)
    made = keras.models.model_from_json(model.to_json())
    made.set_weights(model.get_weights())
    torch.testing.assert_close(
        torch.tensor(made.predict(x.numpy(), verbose=0)), model(x).detach(), rtol=1e-5, atol=1e-5
    )
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    torch.testing.assert_close(
        torch.tensor(loaded.predict(x.numpy(), verbose=0)), model(x).detach(), rtol=1e-5, atol=1e-5
    )
