"""A converted file computes what the file did, and `python -m torch_layers` says in one line why there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers import __main__ as cli
from torch_layers.saving import converting
from torch_layers.saving.converting import convert
from torch_layers.saving.load import load_model, model_from_json

GOLDEN = Path(__file__).parent / "golden"
NAMES = ["keras-3.15.1-chain", "keras-3.15.1-images", "keras-3.15.1-sequences", "tf-keras-2.21.0-images"]
needs_h5py = pytest.mark.needs("h5py")
needs_onnx = pytest.mark.needs("onnx", "onnxscript")


def inputs_of(name: str) -> list[torch.Tensor]:
    arrays = np.load(GOLDEN / f"{name}.npz")
    return [torch.from_numpy(arrays[key]) for key in arrays if key.startswith("input")]


def outputs_of(model, inputs) -> list[torch.Tensor]:
    with torch.no_grad():
        outputs = model(*inputs)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def same(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(torch.as_tensor(one), other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_config(name, tmp_path):
    made = convert(GOLDEN / f"{name}.keras", tmp_path / "m.safetensors")
    assert made == [tmp_path / "m.json", tmp_path / "m.safetensors"]
    model = model_from_json(made[0].read_text())
    model.load_weights(made[1])
    inputs = inputs_of(name)
    same(outputs_of(model.eval(), inputs), outputs_of(load_model(GOLDEN / f"{name}.keras"), inputs))


@needs_h5py
@pytest.mark.filterwarnings(
    "ignore:the file holds layers or functions of Keras 1 or 2",
    "ignore:Keras 2 and torch_layers read the file",
    "ignore:the file says 'hard_sigmoid', as Keras 2 does",
)
@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5"])
def test_another_keras_file(ending, tmp_path):
    (made,) = convert(GOLDEN / "tf-keras-2.21.0-images.h5", tmp_path / f"m{ending}")
    inputs = inputs_of("tf-keras-2.21.0-images")
    same(outputs_of(load_model(made), inputs), outputs_of(load_model(GOLDEN / "tf-keras-2.21.0-images.h5"), inputs))


@pytest.mark.parametrize("name", NAMES)
def test_a_program_for_any_batch(name, tmp_path):
    (made,) = convert(GOLDEN / f"{name}.keras", tmp_path / "m.pt2")
    program = torch.export.load(made).module()
    inputs = inputs_of(name)
    for batch in (len(inputs[0]), 7):
        given = [x[torch.arange(batch) % len(x)] for x in inputs]
        same(outputs_of(program, given), outputs_of(load_model(GOLDEN / f"{name}.keras"), given))


@needs_onnx
@pytest.mark.filterwarnings("ignore")
def test_a_graph_of_onnx(tmp_path):
    import onnx.reference

    name = "keras-3.15.1-images"
    (made,) = convert(GOLDEN / f"{name}.keras", tmp_path / "m.onnx")
    session = onnx.reference.ReferenceEvaluator(str(made))
    model = load_model(GOLDEN / f"{name}.keras")
    assert session.input_names == model.input_names
    graph = onnx.load(made).graph
    assert {value.type.tensor_type.shape.dim[0].dim_param for value in graph.input} == {"batch"}
    inputs = [x[torch.arange(5) % len(x)] for x in inputs_of(name)]
    given = {name: x.numpy() for name, x in zip(model.input_names, inputs, strict=True)}
    same(session.run(None, given), outputs_of(model, inputs))


@needs_onnx
@pytest.mark.filterwarnings("ignore")
def test_what_onnx_has_not_is_named_in_one_line(tmp_path):
    # Masked sequences are sorted by their lengths.
    with pytest.raises(ValueError, match=r"^convert: torch can't write '\w+' in ONNX: .*aten\.sort[^\n]*$"):
        convert(GOLDEN / "keras-3.15.1-sequences.keras", tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_axes_without_a_size_stay_open(tmp_path):
    x = tl.Input((None, 3), name="x")
    model = tl.Model(x, tl.GlobalAveragePooling1D()(tl.Conv1D(4, 20, name="c")(x)))
    program, _ = converting._exported(model.eval(), lambda step: None)
    for sizes in ((2, 22, 3), (5, 33, 3)):
        given = torch.randn(sizes)
        same([program.module()(given)], [model(given).detach()])


def test_what_torch_can_not_export_is_refused_in_one_line(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("data dependent\nand so on")

    monkeypatch.setattr(torch.export, "export", fail)
    with pytest.raises(ValueError, match=r"^convert: torch can't export 'chain': data dependent$"):
        convert(GOLDEN / "keras-3.15.1-chain.keras", tmp_path / "m.pt2")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "m.safetensors").write_text("old")

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="disk full"):
        convert(GOLDEN / "keras-3.15.1-chain.keras", tmp_path / "m.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]
    assert (tmp_path / "m.safetensors").read_bytes() == b"old"


@pytest.mark.parametrize(
    "to, error, said",
    [
        ("m.xyz", ValueError, "'m.xyz' ends in '.xyz', allowed are .safetensors, .pt2, .onnx, .keras, .h5, .hdf5"),
        ("none/m.pt2", FileNotFoundError, "there is no folder"),
    ],
)
def test_what_is_asked_for_is_checked_before_a_file_is_read(to, error, said, tmp_path):
    with pytest.raises(error, match=said):
        convert("no such file", tmp_path / to)


def test_onnx_without_its_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(converting, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs onnx and onnxscript: pip install 'torch_layers\[onnx\]'"):
        convert("no such file", tmp_path / "m.onnx")


# --- the command ----------------------------------------------------------------------------------------------------


def test_convert_in_a_process_of_its_own(tmp_path):
    root = Path(tl.__file__).parent.parent
    code = f"import sys; sys.path[:0] = [{str(root)!r}, '']; from torch_layers.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "convert", str(GOLDEN / "keras-3.15.1-chain.keras"), "m.safetensors"]
    made = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"m\.json  [\d,]+ bytes\nm\.safetensors  [\d,]+ bytes\n", made.stdout)
    assert made.stderr.startswith("reading ")
    assert made.stderr.splitlines()[1] == "writing weights and config ..."


def test_inspect_of_a_class_that_is_missing(tmp_path, capsys):
    x = tl.Input((3,))
    config = json.loads(tl.Model(x, tl.Dense(2)(tl.Identity(name="mine")(x))).to_json())
    mine = next(layer for layer in config["config"]["layers"] if layer["name"] == "mine")
    mine.update(module="mine", class_name="Mine")
    (tmp_path / "m.json").write_text(json.dumps(config))
    assert cli.main(["inspect", str(tmp_path / "m.json")]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[-1] == "needed: custom_objects={'Mine': ...}"


def test_inspect_of_a_file_that_is_taken(capsys):
    assert cli.main(["inspect", str(GOLDEN / "keras-3.15.1-chain.keras")]) == 0
    assert "4 layers, 2 with weights: 4 arrays, 32 parameters" in capsys.readouterr().out


CHAIN = str(GOLDEN / "keras-3.15.1-chain.keras")


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (["inspect", "none.keras"], 2, "none.keras"),
        (["inspect", __file__], 1, "is neither a zip archive nor HDF5"),
        (["inspect", str(GOLDEN)], 1, "is a directory"),
        (["convert", CHAIN, "m.xyz"], 2, "ends in '.xyz'"),
        (["convert", CHAIN, "none/m.pt2"], 2, "there is no folder"),
        (["convert", "none.keras", "m.pt2"], 2, "none.keras"),
        (["convert", __file__, "m.pt2"], 1, "not a Keras model"),
        (["convert", CHAIN, "m.pt2", "-c", "Mine"], 2, "is not of the form"),
        (["convert", CHAIN, "m.pt2", "-c", "no_such_module:Mine"], 2, "No module named 'no_such_module'"),
        (["convert", CHAIN, "m.pt2", "-c", "json:Mine"], 2, "has no attribute 'Mine'"),
    ],
)
def test_errors_are_one_line(arguments, code, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("torch_layers: ")
    assert said in err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_there_is_not(capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["show"])
    assert exit.value.code == 2
    assert "invalid choice: 'show'" in capsys.readouterr().err


def test_custom_objects_are_named_on_the_command_line():
    assert cli._custom_object("torch_layers.layers:Dense") == ("Dense", tl.Dense)
    assert cli._custom_object("double=torch:nn.Linear") == ("double", torch.nn.Linear)
