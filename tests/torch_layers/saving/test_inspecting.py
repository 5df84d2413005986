"""What is in a file is told as it is, and without building or reading what is in it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch

import torch_layers as tl
from torch_layers.saving import assign, load_model, safetensors
from torch_layers.saving.inspecting import inspect
from torch_layers.saving.source import opened

GOLDEN = Path(__file__).parent / "golden"
CHAIN = GOLDEN / "keras-3.15.1-chain.keras"


def table(name: str) -> str:
    """Return what a golden file is shown as, but for the path and the size."""
    first, _, rest = str(inspect(GOLDEN / name)).partition("\n")
    kind = first.removeprefix(f"{GOLDEN / name}: ").rpartition(", ")[0]
    return f"{kind}\n{rest}"


def test_a_model_of_keras_3():
    assert table("keras-3.15.1-images.keras") == (
        """\
a model of Keras 3, written by Keras 3.15.1
Layer              Class               Arrays     Parameters
-----------------  ------------------  ---------  ----------
image              InputLayer
conv               Conv2D              3x3x3x4 4         112
norm               BatchNormalization  4 4 4 4            16
depthwise          DepthwiseConv2D     3x3x4x1 4          40
leaky              LeakyReLU
zero_padding2d     ZeroPadding2D
max_pooling2d      MaxPooling2D
flatten            Flatten
dense_1            Dense               16x4 4             68
more               InputLayer
shared             Dense               4x8 8              40
inner/input_layer  InputLayer
inner/dense        Dense               8x4 4              36
multiply           Multiply
concatenate        Concatenate
class              Dense               8x3 3              27
add                Add
17 layers, 7 with weights: 16 arrays, 339 parameters, 1.4 KB"""
    )


def test_a_model_of_keras_2():
    assert table("tf-keras-2.21.0-sequences.h5") == (
        """\
a model of Keras 1 or 2 in HDF5, written by Keras 2.21.0 on tensorflow
Layer      Class               Arrays                                 Parameters
---------  ------------------  -------------------------------------  ----------
words      InputLayer
embedding  Embedding           9x4                                            36
both       Bidirectional       4x12 3x12 12 4x12 3x12 12                     192
gru        GRU                 6x12 4x12 2x12                                144
each       TimeDistributed     4x4 4                                          20
attention  MultiHeadAttention  4x2x3 2x3 4x2x3 2x3 4x2x3 2x3 2x3x4 4         118
norm       LayerNormalization  4 4                                             8
cells      RNN                 4x3 3x3 3 3x8 2x8 8                            72
last       Dense               2x2 2                                           6
9 layers, 8 with weights: 30 arrays, 596 parameters, 2.4 KB"""
    )


def test_weights_alone_are_named_by_their_places():
    assert table("keras-3.15.1-chain.weights.h5") == (
        """\
weights of Keras 3 in HDF5
Layer                     Arrays  Parameters
------------------------  ------  ----------
layers/dense (dense)      3x5 5           20
layers/dense_1 (dense_1)  5x2 2           12
2 layers, 2 with weights: 4 arrays, 32 parameters, 128 bytes"""
    )


def test_a_config_alone():
    assert table("tf-keras-2.21.0-chain.json").startswith("a config of Keras 1 or 2 alone, without weights")
    found = inspect(GOLDEN / "tf-keras-2.21.0-chain.json")
    assert [layer.class_name for layer in found.layers] == ["InputLayer", "Dense", "Dropout", "Dense"]
    assert (found.keras_version, found.backend, found.parameters) == ("2.21.0", "tensorflow", 0)


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("*-images.keras")) + sorted(GOLDEN.glob("*.h5")), ids=lambda p: p.name
)
def test_every_array_of_the_model_is_counted(path):
    found = inspect(path)
    assert found.parameters > 0
    assert len({array.path for array in found.arrays}) == len(found.arrays)
    if path.name.endswith(".weights.h5"):
        whole = path.with_name(path.name.replace(".weights.h5", ".keras"))
        assert sorted(a.shape for a in found.arrays) == sorted(a.shape for a in inspect(whole).arrays)
    elif not found.refusals:
        weights = load_model(path).get_weights()
        assert sorted(array.shape for array in found.arrays) == sorted(weight.shape for weight in weights)


def test_nothing_is_built_or_read(monkeypatch):
    monkeypatch.setattr(assign, "read_values", lambda *_: pytest.fail("an array is read"))
    monkeypatch.setattr(tl.Dense, "build", lambda *_: pytest.fail("a layer is built"))
    assert inspect(CHAIN).parameters == 32
    with open(CHAIN, "rb") as file:
        assert inspect(file).parameters == 32
        assert not file.closed


def test_safetensors(tmp_path):
    model = tl.Sequential([tl.Input((3,)), tl.Dense(4, name="a"), tl.BatchNormalization(name="b")]).half()
    model.save_weights(tmp_path / "m.safetensors")
    found = inspect(tmp_path / "m.safetensors")
    assert found.kind == "weights in safetensors"
    assert {layer.path: [array.shape for array in layer.arrays] for layer in found.layers} == {
        "a": [(4, 3), (4,)],
        "b": [(4,)] * 4,
    }
    assert "4x3:float16 4:float16" in str(found)
    assert found.parameters == sum(tensor.numel() for tensor in model.state_dict().values())


def changed(tmp_path: Path, change) -> Path:
    """Return a copy of a golden file whose config `change` has changed."""
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(CHAIN) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            new.writestr(name, content)
    return path


def test_what_would_be_refused(tmp_path):
    def change(config):
        layers = config["config"]["layers"]
        layers[1].update(module="mine.layers", class_name="Mine", registered_name="Mine>Mine")
        layers[3]["config"]["activation"] = {"module": "builtins", "class_name": "function", "config": "mine>swishy"}

    path = changed(tmp_path, change)
    found = inspect(path)
    assert found.custom_objects == ("Mine", "swishy")
    assert [(r.layer, r.argument, r.missing) for r in found.refusals] == [
        ("dense", "", "Mine"),
        ("dense_1", "activation", "swishy"),
    ]
    assert str(found).endswith("needed: custom_objects={'Mine': ..., 'swishy': ...}")
    assert [array.shape for array in found.refusals[0].arrays] == [(3, 5), (5,)]
    with pytest.raises(ValueError, match="2 layers can't be taken") as error:
        load_model(path)
    for refusal in found.refusals:
        assert str(refusal) in str(error.value)


def test_an_optimizer_is_said_to_be_left_out(tmp_path):
    path = changed(tmp_path, lambda config: config.update(compile_config={"optimizer": "adam", "loss": "mse"}))
    assert "not loaded: the losses, metrics and optimizer's settings" in str(inspect(path))


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is empty"),
        (b"PK\x03\x04 no archive", "no readable zip archive"),
        (b"\x89HDF\r\n\x1a\n" + b"\xff" * 100, "superblock"),
        (b"\x80\x04\x95 a pickle", "a pickle, which is never loaded"),
        (b"{", "is no JSON"),
        (b"[1, 2]", "not an object"),
        (b'{"class_name": ["x"], "config": {"layers": [1, {}]}, "keras_version": 3}', None),
        (b'{"class_name": "Functional", "config": {"layers": [{"class_name": 1}, {"config": {"name": {}}}]}}', None),
        ((300).to_bytes(8, "little") + b"{}", "said to have 300 bytes"),
        (b"import os\n", "neither a zip archive nor HDF5"),
    ],
)
def test_files_that_are_nothing(tmp_path, content, said):
    path = tmp_path / "file"
    path.write_bytes(content)
    if said is None:
        assert inspect(path).refusals
    else:
        with pytest.raises((ValueError, NotImplementedError), match=said) as error:
            inspect(path)
        assert str(path) in str(error.value)


def test_directories_and_files_that_are_not_there(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(NotImplementedError, match="is a SavedModel"):
        inspect(tmp_path)
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "none")


def header(**tensors) -> bytes:
    text = json.dumps(tensors).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content, said",
    [
        (header(a={"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}) + bytes(7), "its tensors end at byte"),
        (
            header(a={"dtype": "F32", "shape": [2], "data_offsets": [0, 9]}) + bytes(9),
            "not those behind the tensor before",
        ),
        (header(a={"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}) + bytes(12), "not those behind"),
        (header(a={"dtype": "F32", "shape": [2, 10**30], "data_offsets": [0, 8]}) + bytes(8), "no sizes"),
        (header(a={"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}) + bytes(8), "no sizes"),
        (header(a={"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}) + bytes(8), "dtype 'F99'"),
        (header(a={"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]}) + bytes(8), "dtype"),
        (header(a=3), "dtype None"),
        (header(__metadata__={"a": 1}), "no mapping of texts"),
    ],
)
def test_headers_of_safetensors_that_lie(tmp_path, content, said):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        inspect(path)


def test_tensors_that_do_not_fit_change_nothing(tmp_path):
    model = tl.Sequential([tl.Input((3,)), tl.Dense(4, name="a"), tl.Dense(2, name="b")])
    other = tl.Sequential([tl.Input((3,)), tl.Dense(4, name="a"), tl.Dense(3, name="c")])
    other.save_weights(tmp_path / "m.safetensors")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"'b\.weight' is missing\n.*'b\.bias' is missing\n.*'c\.weight' is no weight"):
        model.load_weights(tmp_path / "m.safetensors")
    wide = tl.Sequential([tl.Input((3,)), tl.Dense(5, name="a"), tl.Dense(2, name="b")])
    wide.save_weights(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"'a\.weight' has shape \(5, 3\), expected is \(4, 3\)"):
        model.load_weights(tmp_path / "m.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_safetensors_are_those_of_the_library(tmp_path):
    library = pytest.importorskip("safetensors.torch")
    state = {
        "a": torch.randn(2, 3),
        "b.c": torch.arange(4),
        "d": torch.tensor(True),
        "e": torch.randn(3).bfloat16(),
        "f": torch.zeros(0, 2),
    }
    with open(tmp_path / "ours", "wb") as stream:
        safetensors.write(state, stream, {"format": "pt"})
    read = library.load_file(tmp_path / "ours")
    library.save_file(state, tmp_path / "theirs")
    with opened(tmp_path / "theirs") as source:
        found = safetensors.read_header(source)
        back = {name: found.read(name) for name in found.tensors}
    for name, tensor in state.items():
        assert torch.equal(read[name], tensor)
        assert torch.equal(back[name], tensor)
        assert back[name].dtype is read[name].dtype is tensor.dtype


def test_an_unbuilt_model_takes_its_sizes_from_safetensors(tmp_path):
    built = tl.Sequential([tl.Input((3,)), tl.Dense(4, name="a"), tl.Dense(2, name="b")])
    built.save_weights(tmp_path / "m.safetensors")
    unbuilt = tl.Sequential([tl.Dense(4, name="a"), tl.Dense(2, name="b")])
    unbuilt.load_weights(tmp_path / "m.safetensors")
    x = torch.randn(5, 3)
    assert torch.equal(unbuilt(x), built(x))
