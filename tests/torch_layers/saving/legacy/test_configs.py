"""Configs of Keras 1 and 2 in the form of Keras 3: what is changed, what is refused, and that nothing else comes out."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers import deserialize, serialize
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.legacy.activations import legacy_hard_sigmoid
from torch_layers.saving.legacy.configs import modern_config
from torch_layers.saving.load import model_from_config
from torch_layers.saving.source import opened

WRITTEN = sorted((Path(__file__).parent / "written").glob("*/*.h5"))


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": class_name.lower(), **config}}


def chain(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": list(layers)}


def converted(entry: dict[str, Any], version: str | None = "2.3.1") -> dict[str, Any]:
    """Return the config of a single layer in the form of Keras 3."""
    return modern_config(chain(entry), version, None)["config"]["layers"][0]


# --- what changes ---------------------------------------------------------------------------------------------------


def test_hard_sigmoid_is_that_of_keras_2_wherever_it_stands() -> None:
    lstm = layer("LSTM", units=2, recurrent_activation="hard_sigmoid")
    wrapped = layer("TimeDistributed", layer=layer("Dense", units=2, activation="hard_sigmoid"))
    for entry in (
        layer("Activation", activation="hard_sigmoid"),
        layer("Dense", units=2, activation={"class_name": "function", "config": "hard_sigmoid"}),
    ):
        assert deserialize(converted(entry)).activation is legacy_hard_sigmoid
    assert deserialize(converted(lstm)).cell.recurrent_activation is legacy_hard_sigmoid
    assert deserialize(converted(wrapped)).layer.activation is legacy_hard_sigmoid
    x = torch.linspace(-4, 4, 33)
    np.testing.assert_allclose(legacy_hard_sigmoid(x).numpy(), np.clip(0.2 * x.numpy() + 0.5, 0, 1), rtol=1e-6)
    # It goes through a config of ours and back.
    dense = deserialize(converted(layer("Dense", units=2, activation="hard_sigmoid")))
    assert deserialize(json.loads(json.dumps(serialize(dense)))).activation is legacy_hard_sigmoid


def test_an_unknown_activation_is_asked_for() -> None:
    entry = converted(layer("Dense", units=2, activation="mine"))
    assert deserialize(entry, {"mine": torch.sin}).activation is torch.sin
    with pytest.raises(ValueError, match="mine"):
        deserialize(entry)


def test_a_lambda_is_asked_for_by_the_name_that_the_file_keeps_of_it() -> None:
    config = chain(layer("Dense", units=2, activation="<lambda>"))
    made = model_from_config({**config, "keras_version": "2.2.4-tf"}, {"<lambda>": torch.sin})
    assert made.layers[0].activation is torch.sin
    with pytest.raises(ValueError, match=r"dense/activation: '<lambda>' .* pass custom_objects=\{'<lambda>': \.\.\.\}"):
        model_from_config({**config, "keras_version": "2.2.4-tf"})


def test_what_a_layer_of_ones_own_holds_of_kerass_is_read() -> None:
    class Mine(tl.Dense):
        def __init__(self, units: int, inner: Any = None, layer: Any = None, **kwargs: Any) -> None:
            super().__init__(units, **kwargs)
            self.inner, self.layer = inner, layer

    normal = {"class_name": "VarianceScaling", "config": {"distribution": "normal"}}
    entry = layer(
        "Mine",
        units=2,
        kernel_initializer=normal,
        bias_regularizer={"class_name": "L1L2", "config": {"l1": 0.5}},
        kernel_constraint={"class_name": "MaxNorm", "config": {"max_value": 3}},
        dtype={"class_name": "Policy", "config": {"name": "float64"}},
        layer=layer("LeakyReLU", alpha=0.5),
        inner={"size": 2},
        bias_initializer="ones",
    )
    made = deserialize(converted(entry), {"Mine": Mine})
    assert made.kernel_initializer.distribution == "truncated_normal"
    assert (made.bias_regularizer.l1, made.kernel_constraint.max_value) == (0.5, 3)
    assert made.compute_dtype is torch.float64
    assert (made.layer.negative_slope, made.inner) == (0.5, {"size": 2})


@pytest.mark.parametrize(
    ("version", "gates"), [("2.0.9", legacy_hard_sigmoid), ("2.2.5", legacy_hard_sigmoid), ("2.3.1", torch.sigmoid)]
)
def test_what_a_config_leaves_out_is_the_default_of_its_version(version: str, gates: Any) -> None:
    gru = deserialize(converted(layer("GRU", units=2), version))
    x = torch.tensor([-1.0, 2.0])
    assert torch.equal(gru.cell.recurrent_activation(x), gates(x))
    assert gru.reset_after is False


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (layer("LeakyReLU", alpha=0.25), {"negative_slope": 0.25}),
        (layer("BatchNormalization", axis=[3], fused=True, renorm=False, virtual_batch_size=None), {"axis": 3}),
        (layer("BatchNormalization", axis=[1, 3], renorm=False, renorm_momentum=0.9), {"axes": [1, 3]}),
        (layer("BatchNormalization", renorm=True, renorm_momentum=0.9), {"renorm": True, "renorm_momentum": 0.9}),
        (layer("CuDNNLSTM", units=3), {"activation": "tanh", "recurrent_activation": "sigmoid"}),
        (layer("CuDNNGRU", units=3), {"reset_after": True}),
        (layer("ReLU", max_value={"type": "ndarray", "value": 6.0}), {"max_value": 6.0}),
        (layer("Dense", units=2, dtype={"class_name": "Policy", "config": {"name": "float64"}}), {"dtype": "float64"}),
        (layer("Embedding", input_dim=3, output_dim=2, input_length=4), {"input_dim": 3}),
        (layer("LSTM", units=3, time_major=False, implementation=1), {"units": 3}),
        (
            layer("DepthwiseConv2D", kernel_size=2, groups=1, filters=None, kernel_initializer="ones"),
            {"kernel_size": 2},
        ),
    ],
    ids=lambda value: value.get("class_name", ""),
)
def test_arguments_of_keras_2(entry: dict[str, Any], expected: dict[str, Any]) -> None:
    made = converted(entry)
    assert expected.items() <= made["config"].items()
    deserialize(made)


def test_a_truncated_normal_was_called_normal() -> None:
    normal = {"class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_in", "distribution": "normal"}}
    made = converted(layer("Dense", units=2, kernel_initializer=normal, bias_initializer="zero"))
    assert made["config"]["kernel_initializer"]["config"]["distribution"] == "truncated_normal"
    assert made["config"]["bias_initializer"] == "zeros"


def test_the_shape_of_the_input_counts_at_the_start_alone() -> None:
    first = layer("Dense", units=3, batch_input_shape=[None, 4])
    second = layer("Dense", units=2, batch_input_shape=[None, 9])
    second["config"]["name"] = "second"
    model = deserialize(modern_config(chain(first, second), "2.2.4", None))
    assert model.input_shape == (None, 4)
    assert model(torch.zeros(2, 4)).shape == (2, 2)


def test_a_layer_that_is_called_as_in_keras_2_keeps_its_dtype() -> None:
    made = deserialize(converted(layer("GRU", units=3, time_major=True, dtype="float64")))
    assert made.compute_dtype is torch.float64
    assert made(torch.zeros(5, 2, 4, dtype=torch.float64)).dtype is torch.float64


def test_time_comes_first_in_a_time_major_layer() -> None:
    major = layer("LSTM", units=3, time_major=True, return_sequences=True, recurrent_activation="sigmoid")
    made = deserialize(converted(major))
    x = torch.randn(5, 2, 4)
    made(x)
    plain = tl.LSTM(3, return_sequences=True, input_shape=(5, 4))
    plain.set_weights(made.get_weights())
    assert torch.allclose(made(x), plain(x.transpose(0, 1)).transpose(0, 1))
    assert torch.allclose(
        made([x, *(torch.ones(2, 3),) * 2])[0], plain(x.transpose(0, 1), [torch.ones(2, 3)] * 2)[:, 0]
    )


def test_a_users_own_class_of_a_known_name_is_not_keras() -> None:
    entry = {**layer("Dense", units=2), "module": "mine", "registered_name": "mine>Dense"}
    made = converted(entry)
    with pytest.raises(ValueError, match="Dense"):
        deserialize(made)
    assert isinstance(deserialize(made, {"Dense": _Mine}), _Mine)


class _Mine(tl.Layer):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def forward(self, x: Any) -> Any:
        return x


# --- Keras 1 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "name", "expected"),
    [
        (
            layer(
                "Convolution2D",
                nb_filter=4,
                nb_row=3,
                nb_col=2,
                subsample=[2, 1],
                border_mode="same",
                dim_ordering="th",
            ),
            "Conv2D",
            {
                "filters": 4,
                "kernel_size": [3, 2],
                "strides": [2, 1],
                "padding": "same",
                "data_format": "channels_first",
            },
        ),
        (layer("AtrousConvolution1D", nb_filter=4, filter_length=3, atrous_rate=2), "Conv1D", {"dilation_rate": 2}),
        (layer("MaxPooling1D", pool_length=3, stride=2, border_mode="valid"), "MaxPooling1D", {"strides": 2}),
        (layer("Dropout", p=0.25), "Dropout", {"rate": 0.25}),
        (layer("ZeroPadding2D", padding=[1, 2]), "ZeroPadding2D", {"padding": [[1, 1], [2, 2]]}),
        (layer("ZeroPadding2D", padding=[1, 2, 3, 4]), "ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}),
        (layer("ZeroPadding1D", padding={"left_pad": 2}), "ZeroPadding1D", {"padding": [2, 0]}),
        (layer("LSTM", output_dim=3, forget_bias_init="zero"), "LSTM", {"units": 3, "unit_forget_bias": False}),
        (layer("GRU", output_dim=3, dropout_U=0.5), "GRU", {"recurrent_dropout": 0.5, "reset_after": False}),
        (layer("TimeDistributedDense", output_dim=3), "Dense", {"units": 3}),
        (layer("Merge", mode="concat", concat_axis=1), "Concatenate", {"axis": 1}),
        (layer("BatchNormalization", mode=0, axis=1), "BatchNormalization", {"axis": 1}),
        (layer("BatchNormalization", mode=1), "BatchNormalizationOfKeras1", {"mode": 1}),
        (
            layer("Dense", output_dim=2, W_regularizer={"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.5}),
            "Dense",
            {
                "kernel_regularizer": {
                    "module": "keras.regularizers",
                    "class_name": "L1L2",
                    "config": {"l1": 0.0, "l2": 0.5},
                    "registered_name": None,
                }
            },
        ),
    ],
    ids=lambda value: value["class_name"] if isinstance(value, dict) and "class_name" in value else "",
)
def test_names_and_arguments_of_keras_1(entry: dict[str, Any], name: str, expected: dict[str, Any]) -> None:
    made = converted(entry, "1.2.2")
    assert made["class_name"] == name
    assert expected.items() <= made["config"].items()
    deserialize(made)


def test_arguments_tell_keras_1_without_a_version() -> None:
    entry = layer("Convolution2D", nb_filter=4, nb_row=3, nb_col=2, border_mode="same", dim_ordering="tf")
    assert converted(entry, None)["config"]["filters"] == 4


def test_the_order_of_axes_is_that_of_the_other_layers_where_a_config_leaves_it_out() -> None:
    pool = layer("MaxPooling2D", pool_size=[2, 2], dim_ordering="th")
    config = modern_config(chain(pool, layer("UpSampling2D", size=[2, 2])), "1.1.0", None)
    assert config["config"]["layers"][1]["config"]["data_format"] == "channels_first"
    alone = chain(layer("UpSampling2D", size=[2, 2]))
    for backend, order in (("theano", "channels_first"), ("tensorflow", "channels_last"), (None, "channels_last")):
        made = modern_config(alone, "1.1.0", backend)["config"]["layers"][0]
        assert made["config"]["data_format"] == order


@pytest.mark.parametrize(
    ("size", "border_mode", "kernel", "extra"),
    [
        (8, "same", 3, None),
        (7, "same", 3, [0, 0]),
        (10, "valid", 3, [1, 1]),
        (9, "valid", 3, None),
        (8, "valid", 2, None),
    ],
)
def test_the_size_of_a_transposed_convolution(size: int, border_mode: str, kernel: int, extra: Any) -> None:
    arguments = {"nb_filter": 1, "nb_row": kernel, "nb_col": kernel, "subsample": [2, 2], "border_mode": border_mode}
    entry = layer("Deconvolution2D", **arguments, output_shape=[None, size, size, 1], dim_ordering="tf")
    made = converted(entry, "1.2.2")
    assert made["config"].get("output_padding") == extra
    assert deserialize(made)(torch.zeros(1, 4, 4, 1)).shape == (1, size, size, 1)


# --- what is refused ------------------------------------------------------------------------------------------------


def test_every_problem_is_told_at_once() -> None:
    config = chain(
        layer("Embedding", input_dim=3, output_dim=2, sparse=True),
        layer("BatchNormalization", axis=[1, 2], virtual_batch_size=4),
        {"class_name": "Dense"},
        layer("TimeDistributed", layer={"config": {}}),
    )
    with pytest.raises(ValueError, match=r"4 parts") as caught:
        modern_config(config, "2.3.1", None)
    for told in (
        "embedding: sparse=True is not supported, only False is",
        "batchnormalization: virtual_batch_size=4 is not supported",
        "layer 2: the config is None, not a dict",
        "timedistributed: layer: the class_name is None, not a name",
    ):
        assert told in str(caught.value)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "class_name is None"),
        ({"class_name": "Sequential"}, "config is None"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "layers is 3, not a list"),
        ({"class_name": "Model", "config": {"layers": [{}]}}, "name of layer 0 is None"),
        (chain(layer("Dense", units=2, batch_input_shape="abc")), "batch_input_shape is 'abc'"),
        (chain({"class_name": 3, "config": {}}), "class_name is 3"),
    ],
)
def test_a_config_of_another_form_is_refused(config: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        modern_config(config, "2.3.1", None)


def test_a_config_that_is_too_deep_is_refused() -> None:
    entry = layer("Dense", units=2)
    for _ in range(3000):
        entry = layer("TimeDistributed", layer=entry)
    with pytest.raises(ValueError, match="too deep"):
        modern_config(chain(entry), "2.3.1", None)


def test_code_is_never_run() -> None:
    entry = layer("Lambda", function=["4wEAAAAAAAAA", None, None], function_type="lambda")
    made = converted(entry)
    with pytest.raises(ValueError, match=r"lambda.*never run"):
        deserialize(made)
    assert deserialize(made, {"lambda": torch.sin})(torch.zeros(1)) == 0


def with_functions() -> dict[str, Any]:
    """A functional model with each of the layers that TensorFlow's functions become."""
    slices = {"slice_spec": [{"start": None, "stop": None, "step": None}, {"class_name": "__ellipsis__"}, 0]}
    masks = {"begin_mask": {"i": "1"}, "end_mask": {}, "shrink_axis_mask": {"i": "2"}, "T": {"type": "DT_FLOAT"}}
    node = {"name": "slice", "op": "StridedSlice", "input": ["a", "b", "c", "d"], "attr": masks}
    constants = {"1": [0, 1], "2": [2, 2], "3": [1, 1]}
    layers = [
        {**layer("InputLayer", batch_input_shape=[None, 3, 4], dtype="float32"), "name": "a", "inbound_nodes": []},
        {
            **layer("TFOpLambda", function="math.add"),
            "name": "b",
            "inbound_nodes": [["a", 0, 0, {"y": ["a", 0, 0], "name": None}]],
        },
        {
            **layer("SlicingOpLambda", function="__operators__.getitem"),
            "name": "c",
            "inbound_nodes": [["b", 0, 0, slices]],
        },
        {
            **layer("TensorFlowOpLayer", node_def=node, constants=constants),
            "name": "d",
            "inbound_nodes": [[["b", 0, 0, {}]]],
        },
        {**layer("LSTM", units=2), "name": "e", "inbound_nodes": [[["b", 0, 0, {}], ["c", 0, 0, {}], ["c", 0, 0, {}]]]},
        {
            **layer("TFOpLambda", function="concat"),
            "name": "f",
            "inbound_nodes": [[["c", 0, 0, {"axis": 1}], ["_CONSTANT_VALUE", -1, [[1.0]], {"axis": 1}]]],
        },
    ]
    ends = {"input_layers": [["a", 0, 0]], "output_layers": [[name, 0, 0] for name in "bcde"]}
    return {"class_name": "Functional", "config": {"name": "model", "layers": layers, **ends}}


def test_functions_and_nodes_of_tensorflow() -> None:
    config = with_functions()
    config["config"]["layers"][4]["config"]["units"] = 3
    del config["config"]["layers"][5]
    model, x = deserialize(modern_config(config, "2.11.0", "tensorflow")), torch.randn(3, 3, 4)
    doubled, first, second, _ = model(x)
    assert torch.equal(doubled, x + x)
    assert torch.equal(first, doubled[..., 0])
    assert torch.equal(second, doubled[:2, 1])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of everything in a config."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, (dict, list)):
            yield from places(item)


@pytest.mark.parametrize("path", [None, *WRITTEN], ids=lambda path: path and f"{path.parent.name}-{path.stem}")
def test_a_config_with_anything_anywhere_gives_a_config_or_one_sentence(path: Path | None) -> None:
    if path is None:
        config, version = with_functions(), "2.11.0"
    else:
        with opened(path) as source:
            attributes = open_hdf5(source).attrs
            config, version = json.loads(attributes["model_config"]), str(attributes["keras_version"])
    draw, text = random.Random(0), json.dumps(config)
    for _ in range(150):
        changed = json.loads(text)
        for _ in range(draw.choice([1, 1, 3])):
            container, key = draw.choice(list(places({"all": changed}))[1:] or [({}, "all")])
            wrong = draw.choice(
                [None, 3, -1, 1.5, True, "", "abc", [], {}, [[]], {"a": 1}, [None], ["x", 0, 0], 10**30]
            )
            if draw.random() < 0.2:
                container.pop(key, None) if isinstance(container, dict) else container.pop(key)
            else:
                container[key] = copy.deepcopy(wrong)
        for said in (version, None):
            with contextlib.suppress(ValueError):
                assert isinstance(modern_config(changed, said, None), dict)
