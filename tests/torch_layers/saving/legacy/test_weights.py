"""Which array of a legacy `.h5` file goes where, and what is said if some don't fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers.saving.errors import FileError
from torch_layers.saving.legacy.writing import write_h5, write_weights
from torch_layers.saving.load import load_weights

h5py = pytest.importorskip("h5py", reason="files are made with h5py")


def saved(model: Any, path: Any) -> Any:
    """Write a model's weights, which become random, and return the path."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.2, 1, w.shape).astype(w.dtype) for w in model.get_weights()])
    with h5py.File(path, "w") as file:
        write_weights(model, file)
    return path


def same(a: Any, b: Any) -> None:
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def dense(*sizes: int, name: str | None = None) -> Any:
    layers = [tl.Dense(size, name=None if name is None else f"{name}{n}") for n, size in enumerate(sizes)]
    return tl.Sequential([tl.Input((4,)), *layers])


def nested(frozen: str | None = None, prefix: str = "") -> Any:
    x = tl.Input((4,))
    layers = [tl.BatchNormalization(name=f"{prefix}{n}") for n in ("one", "two")]
    for layer in layers:
        layer.trainable = layer.name != f"{prefix}{frozen}"
    inner = tl.Model(x, layers[1](layers[0](x)), name=f"{prefix}inner")
    y = tl.Input((4,))
    return tl.Model(y, inner(y))


# --- pairing --------------------------------------------------------------------------------------------------------


def test_layers_without_weights_do_not_count(tmp_path):
    path = saved(dense(3, 2), tmp_path / "w.h5")
    model = tl.Sequential([tl.Input((4,)), tl.Dense(3), tl.Dropout(0.5), tl.ReLU(), tl.Dense(2)])
    load_weights(model, path)
    source = dense(3, 2)
    load_weights(source, path)
    same(model, source)


def test_places_count_not_names(tmp_path):
    source = dense(4, 4, name="layer_")
    saved(source, tmp_path / "w.h5")
    model = tl.Sequential([tl.Input((4,)), tl.Dense(4, name="layer_1"), tl.Dense(4, name="layer_0")])
    load_weights(model, tmp_path / "w.h5")
    same(model, source)
    load_weights(model, tmp_path / "w.h5", by_name=True)
    same(model.layers[0], source.layers[1])


def test_names_tell_the_order_in_a_model_that_was_trained_otherwise_when_it_was_saved(tmp_path):
    source = nested()
    saved(source, tmp_path / "w.h5")
    for frozen in ("one", "two"):
        model = nested(frozen)
        load_weights(model, tmp_path / "w.h5")
        same(model, source)


def test_without_names_the_order_is_that_of_what_is_trained(tmp_path):
    source = nested("one")
    saved(source, tmp_path / "w.h5")
    model = nested("one", "other_")
    load_weights(model, tmp_path / "w.h5")
    same(model, source)
    with h5py.File(tmp_path / "w.h5") as file:
        names = [name.rpartition("/")[2] for name in file["inner"].attrs["weight_names"]]
    statistics = ["moving_mean:0", "moving_variance:0"]
    assert names == ["gamma:0", "beta:0", "gamma:0", "beta:0", *statistics, *statistics]


def test_layers_of_an_inner_model_stand_in_its_place_as_keras_1_saved_branches(tmp_path):
    source = tl.Sequential([tl.Input((4,)), *(tl.Dense(4, name=name) for name in ("a", "b", "last"))])
    saved(source, tmp_path / "w.h5")
    inner = tl.Sequential([tl.Dense(4, name="a"), tl.Dense(4, name="b")], name="inner")
    model = tl.Sequential([tl.Input((4,)), inner, tl.Dense(4, name="last")])
    load_weights(model, tmp_path / "w.h5")
    same(model, source)


def test_names_in_several_pieces(tmp_path):
    source = dense(3, 2, 2)
    saved(source, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        names = list(file.attrs["layer_names"])
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:2], names[2:]
    model = dense(3, 2, 2)
    load_weights(model, tmp_path / "w.h5")
    same(model, source)


def test_a_model_is_filled_that_knows_no_sizes_yet(tmp_path):
    source = dense(3, 2)
    saved(source, tmp_path / "w.h5")
    model = tl.Sequential([tl.Dense(3), tl.Dense(2)])
    load_weights(model, tmp_path / "w.h5")
    same(model, source)


class Scaled(tl.Model):
    """A model with a weight of its own, beside that of its layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = tl.Dense(3, input_shape=(4,))
        self.add_weight("scale", initializer="ones")
        self.create_weights(scale=(3,))

    def forward(self, x: Any) -> Any:
        return self.inner(x) * self.scale


def test_a_models_own_weights(tmp_path):
    source, model = Scaled(), Scaled()
    saved(source, tmp_path / "w.h5")
    load_weights(model, tmp_path / "w.h5")
    same(model, source)
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        del file["top_level_model_weights"]
    with pytest.raises(FileError, match=r"'the model itself' takes scale \(3,\); .* holds nothing"):
        load_weights(model, tmp_path / "w.h5")


def test_adapters_are_kept_beside_their_kernel(tmp_path):
    source = dense(4, 4)
    model = dense(4, 4)
    for each in (source, model):
        each.layers[0].enable_lora(2)
    saved(source, tmp_path / "w.h5")
    load_weights(model, tmp_path / "w.h5")
    same(model, source)
    with h5py.File(tmp_path / "w.h5") as file:  # the frozen kernel comes last, as Keras has it
        names = [name.rpartition("/")[2] for name in file["dense"].attrs["weight_names"]]
    assert names == ["bias:0", "lora_kernel_a:0", "lora_kernel_b:0", "kernel:0"]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_every_wrong_shape_is_listed(tmp_path):
    path = saved(dense(3, 2, name="old_"), tmp_path / "w.h5")
    model = dense(5, 2, name="new_")
    before = model.get_weights()
    with pytest.raises(FileError) as error:
        load_weights(model, path)
    message = str(error.value)
    assert (
        "'new_0' takes kernel (4, 5), bias (5,); 'old_0' in the file holds old_0/kernel:0 (4, 3), old_0/bias:0 (3,)"
        in message
    )
    assert "'new_1' takes kernel (5, 2), bias (2,); 'old_1' in the file holds" in message
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_layer_without_a_counterpart_is_listed(tmp_path):
    path = saved(dense(3, 3, name="a"), tmp_path / "w.h5")
    with pytest.raises(FileError) as error:
        load_weights(tl.Sequential([tl.Input((4,)), tl.Dense(3, name="a0")]), path)
    message = str(error.value)
    assert "the model has 1 layers with weights, the file has 2" in message
    assert "only in the file: 'a1' with a1/kernel:0 (3, 3), a1/bias:0 (3,)" in message
    assert "'a0'" not in message
    longer = tl.Sequential([tl.Input((4,)), *(tl.Dense(3, name=name) for name in ("a0", "a1", "b"))])
    with pytest.raises(FileError, match=r"only in the model: 'b' with kernel \(3, 3\), bias \(3,\)"):
        load_weights(longer, path)


def test_another_number_of_arrays(tmp_path):
    path = saved(dense(3), tmp_path / "w.h5")
    model = tl.Sequential([tl.Input((4,)), tl.Dense(3, use_bias=False, name="alone")])
    with pytest.raises(FileError, match=r"'alone' takes kernel \(4, 3\); 'dense' in the file holds dense/kernel:0"):
        load_weights(model, path)


def test_a_gru_with_one_row_of_biases_is_not_one_with_two(tmp_path):
    path = saved(tl.Sequential([tl.Input((5, 4)), tl.GRU(3, reset_after=False)]), tmp_path / "w.h5")
    with pytest.raises(FileError, match=r"bias \(2, 9\); 'gru' in the file holds .*bias:0 \(9,\)"):
        load_weights(tl.Sequential([tl.Input((5, 4)), tl.GRU(3)]), path)


@pytest.mark.parametrize("reset_after", [True, False])
def test_biases_of_cudnn_fit_a_gru_that_keeps_two(reset_after, tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        group = file.create_group("gru")
        file.attrs["layer_names"], file.attrs["keras_version"] = [b"gru"], b"2.1.6"
        group.attrs["weight_names"] = [b"kernel:0", b"recurrent_kernel:0", b"bias:0"]
        for name, shape in (("kernel:0", (4, 9)), ("recurrent_kernel:0", (3, 9)), ("bias:0", (18,))):
            group.create_dataset(name, data=np.zeros(shape, "float32"))
    model = tl.Sequential([tl.Input((5, 4)), tl.GRU(3, reset_after=reset_after)])
    if reset_after:
        load_weights(model, tmp_path / "w.h5")
        return
    with pytest.raises(FileError, match=r"bias \(9,\); 'gru' in the file holds .*bias:0 \(18,\)"):
        load_weights(model, tmp_path / "w.h5")


def damaged(path: Any, change: Any) -> Any:
    saved(dense(3), path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def without_layer_group(file: Any) -> None:
    del file["dense"]


def without_array(file: Any) -> None:
    del file["dense/dense/kernel:0"]


def group_for_array(file: Any) -> None:
    del file["dense/dense/kernel:0"]
    file.create_group("dense/dense/kernel:0")


def array_for_group(file: Any) -> None:
    del file["dense"]
    file["dense"] = np.zeros(3)


def numbers_for_names(file: Any) -> None:
    file.attrs["layer_names"] = np.arange(3)


def one_name(file: Any) -> None:
    file["dense"].attrs["weight_names"] = "dense/kernel:0"


def many_layers(file: Any) -> None:
    file.attrs["nb_layers"] = 10**12


def no_count(file: Any) -> None:
    file.attrs["nb_layers"] = "three"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_layer_group, "the layer 'dense' is named, but has no group"),
        (without_array, "the weight 'dense/kernel:0' is named, but has no array"),
        (group_for_array, "the weight 'dense/kernel:0' is named, but has no array"),
        (array_for_group, "the layer 'dense' is named, but has no group"),
        (numbers_for_names, "its attribute layer_names is no list of names"),
        (one_name, "its attribute weight_names is no list of names"),
        (many_layers, "its attribute nb_layers is 1000000000000, but it has 2 members"),
        (no_count, "its attribute nb_layers is 'three', not a count"),
    ],
)
def test_refuses_a_file_whose_names_lead_nowhere(change, message, tmp_path):
    path = damaged(tmp_path / "w.h5", change)
    with pytest.raises(FileError, match=message) as error:
        load_weights(dense(3), path)
    assert str(path) in str(error.value)


def test_weights_without_sizes_are_not_written(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file, pytest.raises(ValueError, match="dense/kernel:0 has no size yet"):
        write_weights(tl.Sequential([tl.Dense(3)]), file)


def test_names_of_weights_are_unique(tmp_path):
    model = tl.Sequential([tl.Input((5, 4)), tl.RNN([tl.LSTMCell(3), tl.LSTMCell(3)])])
    saved(model, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        names = list(file["rnn"].attrs["weight_names"])
    assert len(names) == len(set(names)) == 6
    again = tl.Sequential([tl.Input((5, 4)), tl.RNN([tl.LSTMCell(3), tl.LSTMCell(3)])])
    load_weights(again, tmp_path / "w.h5")
    same(again, model)


def test_keras_3s_form_names_no_argument_of_its_last_version_that_changes_nothing(tmp_path):
    x = tl.Input((5, 4))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        write_h5(tl.Model(x, tl.MultiHeadAttention(2, 3)(x, x)), file)
        config = file.attrs["model_config"]
    assert "MultiHeadAttention" in config
    assert not [name for name in ("use_gate", "sliding_window", "input_axes", "output_axes") if name in config]
    with h5py.File(tmp_path / "m.h5", "w") as file:
        write_h5(tl.Model(x, tl.MultiHeadAttention(2, 3, use_gate=True)(x, x)), file)
        assert '"use_gate": true' in file.attrs["model_config"]


def test_bfloat16_is_read_from_two_bytes_without_meaning(tmp_path):
    values = torch.tensor([1.5, -2.0, 1e30]).bfloat16()
    with h5py.File(tmp_path / "w.h5", "w") as file:
        group = file.create_group("dense")
        file.attrs["layer_names"], file.attrs["keras_version"] = [b"dense"], b"3.15.0"
        group.attrs["weight_names"] = [b"kernel", b"bias"]
        for name, tensor in (("kernel", torch.ones(4, 3).bfloat16()), ("bias", values)):
            group.create_dataset(name, data=tensor.view(torch.int16).numpy().view("V2"))
    model = tl.Sequential([tl.Input((4,)), tl.Dense(3, dtype="bfloat16")])
    load_weights(model, tmp_path / "w.h5")
    assert torch.equal(model.layers[0].bias, values)
