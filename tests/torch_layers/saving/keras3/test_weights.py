"""Which array is which weight, and what is said of those that fit nowhere."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

import torch_layers as tl
from tests.torch_layers.saving.keras3.each_layer import randomize, same_state
from torch_layers.saving.errors import FileError
from torch_layers.saving.load import load_model, load_weights

h5py = pytest.importorskip("h5py", reason="files are written with h5py")


def nested():
    """A model with layers of one class, in it and in a model in it."""
    i = tl.Input((3,))
    inner = tl.Model(i, tl.Dense(4)(tl.Dense(4)(i)))
    x = tl.Input((3,))
    model = tl.Model(x, tl.Dense(4)(tl.BatchNormalization()(tl.Dense(4)(inner(x))))).eval()
    randomize(model)
    return model


@pytest.fixture
def path(tmp_path):
    nested().save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5"


def arrays_of(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def test_groups_are_called_as_keras_calls_them(path):
    names = {name.rpartition("/")[0] for name in arrays_of(path)}
    assert names == {
        "layers/batch_normalization/vars",
        "layers/dense/vars",
        "layers/dense_1/vars",
        "layers/functional/layers/dense/vars",
        "layers/functional/layers/dense_1/vars",
    }


def test_all_that_is_missing_or_too_much_is_listed(path):
    with h5py.File(path, "a") as file:
        del file["layers/dense_1"]
        del file["layers/batch_normalization/vars/3"]
        file["layers/functional/extra/vars/0"] = np.zeros((2, 5), "f")
        file["layers/dense/vars/2"] = np.zeros(7, "f")
    model = nested()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(FileError) as caught:
        load_weights(model, path)
    lines = str(caught.value).split("\n")
    assert lines[0].endswith("its weights are not those of the model:")
    assert sorted(line.strip() for line in lines[1:]) == [
        "/layers/dense/vars/2 of shape (7,): no weight of the model is kept there",
        "/layers/functional/extra/vars/0 of shape (2, 5): no weight of the model is kept there",
        "layers/batch_normalization/vars/3 is missing: 'moving_variance' of BatchNormalization 'batch_normalization', "
        "of shape (4,)",
        "layers/dense_1/vars/0 is missing: 'kernel' of Dense 'dense', of shape (4, 4)",
        "layers/dense_1/vars/1 is missing: 'bias' of Dense 'dense', of shape (4,)",
    ]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_wrong_shapes_are_listed_with_their_places(path):
    with h5py.File(path, "a") as file:
        for name in ("layers/dense/vars/0", "layers/functional/layers/dense/vars/1"):
            del file[name]
            file[name] = np.zeros(5, "f")
    places = r"/layers/functional/layers/dense/vars/1.*\(5,\).*\n.*/layers/dense/vars/0.*\(5,\)"
    with pytest.raises(FileError, match=places):
        load_weights(nested(), path)


@pytest.mark.parametrize(
    "values", [["a", "b", "c", "d"], np.zeros(4, "V2"), np.zeros(4, "c8")], ids=["text", "void", "complex"]
)
def test_what_is_no_numbers_is_refused(values, path):
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = values
    with pytest.raises((FileError, NotImplementedError), match="/layers/dense/vars/1"):
        load_weights(nested(), path)


@pytest.mark.parametrize(
    "name",
    ["optimizer/vars/0", "layers/functional/seed_generator/vars/0", "metrics/mean/vars/1", "loss_tracker/vars/0"],
)
def test_what_training_needs_is_left_out(name, path):
    with h5py.File(path, "a") as file:
        file[name] = np.zeros(3, "f")
    model = nested()
    model.set_weights([weight * 0 for weight in model.get_weights()])
    load_weights(model, path)
    same_state(model, nested())


def test_groups_that_say_their_layers_names_are_found_by_them(tmp_path):
    """A class of custom_objects has another name than the one that Keras called the group after."""
    layers = [tl.Dense(3, name="a"), tl.Dense(3, name="b"), tl.Dense(3, name="c")]
    model = tl.Sequential([tl.Input((3,)), *layers])
    randomize(model)
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5", "a") as file:
        file.move("layers/dense_1", "layers/my_dense")
        file.move("layers/dense_2", "layers/dense_1")
    other = tl.Sequential([tl.Input((3,)), *(tl.Dense(3, name=name) for name in "abc")])
    load_weights(other, tmp_path / "m.weights.h5")
    same_state(other, model)


def test_a_layer_at_two_places_is_written_for_both_and_read_once(tmp_path):
    """Keras makes two layers of a config that has it twice."""
    shared, i, x = tl.Dense(3, name="shared"), tl.Input((3,)), tl.Input((3,))
    inner = tl.Model(i, shared(i), name="inner")
    model = tl.Model(x, shared(inner(x))).eval()
    randomize(model)
    model.save_weights(tmp_path / "m.weights.h5")
    assert len(arrays_of(tmp_path / "m.weights.h5")) == 4
    before = model.get_weights()
    model.set_weights([weight * 0 for weight in before])
    load_weights(model, tmp_path / "m.weights.h5")
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "m.keras")
    again, x = load_model(tmp_path / "m.keras"), torch.randn(2, 3)
    assert torch.equal(again(x), model(x))


class Listing(tl.Model):
    """A graph that lists some of its layers in an attribute, too."""

    def __init__(self):
        blocks = nn.ModuleList([tl.Dense(3, name="a"), tl.Dense(3, name="b")])
        x = tl.Input((3,))
        super().__init__(x, blocks[1](blocks[0](x)))
        self.blocks = blocks


def test_layers_of_a_graph_are_written_as_its_layers_alone(tmp_path):
    model, other = Listing(), Listing()
    randomize(model)
    model.save_weights(tmp_path / "m.weights.h5")
    names = {name.rpartition("/")[0] for name in arrays_of(tmp_path / "m.weights.h5")}
    assert names == {"layers/dense/vars", "layers/dense_1/vars"}
    load_weights(other, tmp_path / "m.weights.h5")
    same_state(other, model)


def test_lora_is_merged_into_the_kernel(tmp_path):
    model = tl.Sequential([tl.Input((3,)), tl.Dense(4, lora_rank=2)]).eval()
    randomize(model)
    model.save(tmp_path / "m.keras")
    names = arrays_of_archive(tmp_path / "m.keras", tmp_path)
    assert {name: value.shape for name, value in names.items()} == {
        "layers/dense/vars/0": (3, 4),
        "layers/dense/vars/1": (4,),
    }
    again, x = load_model(tmp_path / "m.keras"), torch.randn(2, 3)
    torch.testing.assert_close(again(x), model(x), rtol=1e-6, atol=1e-6)
    assert again.layers[0].lora_enabled
    assert not again.layers[0].lora_b.any()


def arrays_of_archive(path, folder):
    import zipfile

    with zipfile.ZipFile(path) as archive:
        archive.extract("model.weights.h5", folder)
    return arrays_of(folder / "model.weights.h5")


def test_a_model_that_was_never_built_takes_its_sizes_from_the_file(path):
    i = tl.Sequential([tl.Dense(4, name="a"), tl.Dense(2, name="b")])
    built = tl.Sequential([tl.Input((3,)), tl.Dense(4, name="a"), tl.Dense(2, name="b")])
    randomize(built)
    built.save_weights(path)
    load_weights(i, path)
    same_state(i, built)


class Own(tl.Layer):
    """y = x * scale."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.add_weight("scale", initializer="ones")

    def build(self, input_shape):
        self.create_weights(scale=(input_shape[-1],))

    def forward(self, x):
        return x * self.scale


class Other(Own):
    """A class of another name than in the file."""


@pytest.fixture
def with_own(tmp_path):
    layers = [tl.Dense(3), Own(name="mine"), tl.Dense(3), Own(name="mine_too")]
    model = tl.Sequential([tl.Input((3,)), *layers]).eval()
    randomize(model)
    i = tl.Input((3,))
    model = tl.Model(i, model.layers[3](model.layers[2](model.layers[1](model.layers[0](i))))).eval()
    model.save(tmp_path / "m.keras")
    return model, tmp_path / "m.keras"


@pytest.mark.parametrize("cls", [Own, Other])
def test_a_class_of_your_own_takes_its_weights(cls, with_own):
    model, path = with_own
    same_state(load_model(path, custom_objects={"Own": cls}), model)


@pytest.mark.parametrize("stand_in", [torch.sin, tl.ReLU], ids=["function", "layer"])
def test_what_stands_for_a_layer_without_its_weights_keeps_its_own(stand_in, with_own):
    model, path = with_own
    again = load_model(path, custom_objects={"Own": stand_in})
    dense = [layer for layer in again.layers if isinstance(layer, tl.Dense)]
    for layer, known in zip(dense, (model.layers[1], model.layers[3]), strict=True):
        same_state(layer, known)


def test_sharded_weights_are_not_followed(tmp_path):
    (tmp_path / "m.weights.json").write_text('{"metadata": {"total_size": 4}, "weight_map": {"/vars": "../x.h5"}}')
    with pytest.raises(NotImplementedError, match=re.escape("save_weights without max_shard_size")):
        load_weights(nested(), tmp_path / "m.weights.json")
