"""Files are written whole or not at all, and only if all of the model can be described."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from datetime import datetime

import pytest
import torch
from torch import nn

import torch_layers as tl
from tests.torch_layers.saving.keras3.each_layer import same_state
from torch_layers.saving import safetensors, save
from torch_layers.saving.keras3 import writing
from torch_layers.saving.load import load_model, load_weights
from torch_layers.saving.save import save_model, save_weights

h5py = pytest.importorskip("h5py", reason="files are written with h5py")
ENDINGS = [".keras", ".h5", ".weights.h5", ".safetensors"]


def small(value=1.0):
    model = tl.Sequential([tl.Input((3,)), tl.Dense(4, activation="relu", name="a"), tl.Dense(2, name="b")])
    model.set_weights([weight * 0 + value for weight in model.get_weights()])
    return model.eval()


def write(model, path):
    (save_model if path.name in ("m.keras", "m.h5") else save_weights)(model, path)


@pytest.fixture
def path(request, tmp_path):
    return tmp_path / f"m{request.param}"


@pytest.mark.parametrize("path", [".keras", ".h5", ".hdf5"], indirect=True)
def test_a_model_comes_back(path):
    model = small(0.5)
    model.save(path)
    again = load_model(path)
    same_state(again, model)
    assert not again.training
    x = torch.ones(2, 3)
    assert torch.equal(again(x), model(x))


@pytest.mark.parametrize("path", [".weights.h5", ".h5", ".hdf5", ".safetensors"], indirect=True)
def test_weights_come_back(path):
    model, other = small(0.5), small()
    model.save_weights(str(path))
    load_weights(other, path)
    same_state(other, model)


def test_a_model_that_was_trained_further_comes_back(tmp_path):
    model = small(0.5).train()
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras").train()
    optimizer = torch.optim.SGD(loaded.parameters(), lr=0.1)
    loaded(torch.ones(2, 3)).square().sum().backward()
    optimizer.step()
    loaded.save(tmp_path / "m.keras")
    same_state(load_model(tmp_path / "m.keras"), loaded)
    assert not torch.equal(loaded.state_dict()["b.weight"], model.state_dict()["b.weight"])


def test_an_archive_is_what_keras_writes(tmp_path):
    save_model(small(), tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        metadata = json.loads(archive.read("metadata.json"))
        assert json.loads(archive.read("config.json"))["class_name"] == "Sequential"
    assert metadata["keras_version"].startswith("3.")
    datetime.strptime(metadata["date_saved"], "%Y-%m-%d@%H:%M:%S")


def test_arguments_that_earlier_keras_lacks_are_left_out_with_their_defaults(tmp_path):
    save_model(small(), tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        text = archive.read("config.json").decode()
    assert "GlorotUniform" in text
    assert not [name for name in ("input_axes", "output_axes", "quantization_config") if name in text]


def test_bfloat16_and_integers_keep_their_dtypes(tmp_path):
    layers = [tl.Input((3,)), tl.Dense(4, dtype="bfloat16"), tl.BatchNormalization(dtype="mixed_bfloat16")]
    model = tl.Sequential([*layers, tl.Normalization()]).eval()
    with torch.no_grad():
        model.layers[0].weight.copy_(torch.randn(4, 3))
    save_model(model, tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert again.layers[0].weight.dtype is torch.bfloat16
    assert again.layers[2].count.dtype is model.layers[2].count.dtype
    same_state(again, model)


# --- whole or not at all ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDINGS, indirect=True)
def test_an_error_midway_leaves_the_old_file(path, monkeypatch):
    write(small(), path)
    before = path.read_bytes()

    def failing(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="no space left"):
        write(small(2.0), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("path", ENDINGS, indirect=True)
def test_an_error_midway_leaves_nothing_where_nothing_was(path, monkeypatch):
    monkeypatch.setattr(writing, "_write_array", lambda *args: 1 / 0)
    monkeypatch.setattr(save.legacy, "write_weights", lambda *args: 1 / 0)
    monkeypatch.setattr(safetensors, "write", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(small(), path)
    assert os.listdir(path.parent) == []


KILLED = """
import sys, time
import torch_layers as tl
from torch_layers.saving import replacing

def hang(descriptor):
    print("written", flush=True)
    time.sleep(60)

replacing.os.fsync = hang
model = tl.Sequential([tl.Input((3,)), tl.Dense(4, name="a"), tl.Dense(2, name="b")])
(model.save if sys.argv[1].endswith(("m.keras", "m.h5")) else model.save_weights)(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("path", [".keras", ".weights.h5"], indirect=True)
def test_a_killed_process_leaves_the_old_file(path):
    model = small()
    write(model, path)
    before = path.read_bytes()
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    other = small(3.0)
    load_weights(other, path)
    same_state(other, model)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_stay_and_links_are_followed(tmp_path):
    target, link = tmp_path / "real.keras", tmp_path / "link.keras"
    save_model(small(), target)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask
    target.chmod(0o640)
    link.symlink_to(target)
    save_model(small(2.0), link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    same_state(load_model(target), small(2.0))


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.pt", "m", "m.weights.h5", "keras"])
def test_refuses_endings_that_are_no_model(name, tmp_path):
    with pytest.raises(ValueError, match=r"save_model: path='.*' does not end in one of .keras, .h5, .hdf5"):
        save_model(small(), tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["m.pt", "m.keras"])
def test_refuses_endings_that_are_no_weights(name, tmp_path):
    with pytest.raises(ValueError, match=r"save_weights: path='.*' does not end in one of .weights.h5"):
        save_weights(small(), tmp_path / name)


def test_refuses_a_directory(tmp_path):
    (tmp_path / "m.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="is a directory"):
        save_model(small(), tmp_path / "m.keras")


@pytest.mark.parametrize("path", ENDINGS, indirect=True)
def test_refuses_a_model_that_is_not_built(path):
    write(small(), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="call the model once"):
        write(tl.Sequential([tl.Dense(3), tl.Dense(2)]), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "layer",
    [lambda: tl.Lambda(lambda x: x * 2, name="own"), lambda: tl.Dense(2, activation=lambda x: x * 2, name="own")],
    ids=["Lambda", "activation"],
)
def test_refuses_a_lambda_expression(layer, tmp_path):
    model = tl.Sequential([tl.Input((3,)), layer()])
    with pytest.raises(ValueError, match="'own' has a lambda expression"):
        save_model(model, tmp_path / "m.keras")
    assert os.listdir(tmp_path) == []


def test_refuses_what_has_no_config(tmp_path):
    x = tl.Input((3,))
    model = tl.Model(x, torch.cumsum(x, 1).logcumsumexp(1))
    with pytest.raises(ValueError, match="cumsum"):
        save_model(model, tmp_path / "m.keras")
    assert os.listdir(tmp_path) == []


class Mixed(tl.Model):
    def __init__(self):
        super().__init__()
        self.dense, self.plain = tl.Dense(3), nn.Linear(3, 2)

    def forward(self, x):
        return self.plain(self.dense(x))


def test_refuses_weights_that_keras_has_no_place_for(tmp_path):
    model = Mixed().eval()
    model(torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"plain is a Linear with weights \['weight', 'bias'\].*; .safetensors has"):
        save_weights(model, tmp_path / "m.weights.h5")
    assert os.listdir(tmp_path) == []
    save_weights(model, tmp_path / "m.safetensors")
    other = Mixed()
    other(torch.ones(1, 3))
    other.load_weights(tmp_path / "m.safetensors")
    same_state(other, model)


class Scaled(tl.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return x * self.scale


def test_refuses_weights_that_were_not_declared(tmp_path):
    model = tl.Sequential([tl.Input((3,)), Scaled()])
    with pytest.raises(ValueError, match=r"layers/scaled is a Scaled with weights \['scale'\] that no `add_weight`"):
        save_model(model, tmp_path / "m.keras")
    assert os.listdir(tmp_path) == []


def test_says_what_to_install_if_h5py_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(save, "find_spec", lambda name: None)
    for function, name in ((save_model, "m.keras"), (save_model, "m.h5"), (save_weights, "m.weights.h5")):
        with pytest.raises(ImportError, match=r"pip install 'torch_layers\[files\]'"):
            function(small(), tmp_path / name)
    save_weights(small(), tmp_path / "m.safetensors")
    assert os.listdir(tmp_path) == ["m.safetensors"]


def test_warns_of_what_no_keras_has(tmp_path):
    config = {"name": "d", "output_dim": 2, "batch_input_shape": [None, 3], "activation": "hard_sigmoid"}
    layers = [{"class_name": "Dense", "config": config}]
    model = tl.model_from_config({"class_name": "Sequential", "config": layers, "keras_version": "1.2.2"})
    with pytest.warns(UserWarning, match="layers or functions of Keras 1 or 2"):
        model.save(tmp_path / "old.keras")
    x = torch.linspace(-9, 9, 6).reshape(2, 3)
    assert torch.equal(load_model(tmp_path / "old.keras")(x), model(x))
