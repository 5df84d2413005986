"""Honest models as Keras 3 and Keras 2 write them, made by hand: what the hostile ones are made from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]
Arrays = Mapping[str, Any]

METADATA = {"keras_version": "3.15.1", "date_saved": "2026-11-28@10:00:00"}


# --- configs of Keras 3 ----------------------------------------------------------------------------------------------


def layer(class_name: str, name: str | None = None, **config: Any) -> Config:
    """A layer by itself, such as in a Sequential."""
    if name is not None:
        config["name"] = name
    return {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None}


def input_layer(shape: Sequence[int | None], name: str = "i", dtype: str = "float32") -> Config:
    """An input, as it stands in a functional model and in a Sequential."""
    entry = layer("InputLayer", name, batch_shape=list(shape), dtype=dtype, sparse=False, ragged=False)
    return {**entry, "name": name, "inbound_nodes": []}


def tensor(name: str, call: int = 0, output: int = 0) -> Config:
    """An output of a call, as the arguments of another name it."""
    history = {"shape": [None, 3], "dtype": "float32", "keras_history": [name, call, output]}
    return {"class_name": "__keras_tensor__", "config": history}


def node(*inputs: Config, **kwargs: Any) -> Config:
    """A call with one tensor, or with a list of several."""
    return {"args": [inputs[0] if len(inputs) == 1 else list(inputs)], "kwargs": kwargs}


def called(entry: Config, name: str, *nodes: Config) -> Config:
    """A layer or model in a functional model, with its calls."""
    return {**entry, "config": {**entry["config"], "name": name}, "name": name, "inbound_nodes": list(nodes)}


def sequential(*layers: Config, shape: Sequence[int | None] | None = (None, 3), name: str = "s") -> Config:
    """A Sequential, with an input unless `shape` is None."""
    start = [] if shape is None else [input_layer(shape)]
    return {"module": "keras", "class_name": "Sequential", "config": {"name": name, "layers": [*start, *layers]}}


def functional(layers: Sequence[Config], inputs: Any, outputs: Any, name: str = "m") -> Config:
    """A functional model between [name, call, output] and another."""
    config = {"name": name, "trainable": True, "layers": list(layers), "input_layers": inputs, "output_layers": outputs}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def small(units: Any = 4) -> Config:
    """Two inputs that meet: enough kinds of nodes for a small model."""
    return functional(
        [
            input_layer([None, 3], "a"),
            input_layer([None, 3], "b"),
            called(layer("Dense", units=units, activation="relu"), "first", node(tensor("a")), node(tensor("b"))),
            called(layer("Concatenate", axis=-1), "join", node(tensor("first"), tensor("first", 1))),
            called(layer("Dense", units=2), "last", node(tensor("join"))),
        ],
        [["a", 0, 0], ["b", 0, 0]],
        [["last", 0, 0]],
    )


def small_weights() -> dict[str, np.ndarray]:
    """The arrays of `small`, as Keras 3 places them."""
    generator = np.random.default_rng(0)
    shapes = {"dense/vars/0": (3, 4), "dense/vars/1": (4,), "dense_1/vars/0": (8, 2), "dense_1/vars/1": (2,)}
    return {f"layers/{path}": generator.normal(size=shape).astype("float32") for path, shape in shapes.items()}


def old_small() -> Config:
    """A Sequential as Keras 2 describes it."""
    dense = {
        "class_name": "Dense",
        "config": {"name": "d", "units": 4, "activation": "hard_sigmoid", "dtype": "float32"},
    }
    start = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "dtype": "float32", "name": "i"}}
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [start, dense]}}


def old_weights() -> dict[str, dict[str, np.ndarray]]:
    """The arrays of `old_small` by layer and name."""
    generator = np.random.default_rng(0)
    kernel, bias = generator.normal(size=(3, 4)).astype("float32"), np.ones(4, "float32")
    return {"d": {"d/kernel:0": kernel, "d/bias:0": bias}}


# --- files -----------------------------------------------------------------------------------------------------------


def h5(arrays: Arrays) -> bytes:
    """An HDF5 file of arrays by path."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, value in arrays.items():
            file[path] = value
    return buffer.getvalue()


def as_json(config: Any) -> bytes:
    """A config as JSON, unless it is bytes already."""
    return config if isinstance(config, bytes) else json.dumps(config).encode()


def keras_file(config: Any, weights: Any = None, metadata: Any = METADATA, compressed: bool = False) -> bytes:
    """A `.keras` file of a config and weights, each an object, arrays by path, or bytes."""
    weights = small_weights() if weights is None else weights
    members = {
        "metadata.json": as_json(metadata),
        "config.json": as_json(config),
        "model.weights.h5": weights if isinstance(weights, bytes) else h5(weights),
    }
    return archive(members, compressed)


def archive(members: Mapping[str, bytes], compressed: bool = False) -> bytes:
    """A zip archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def old_file(
    config: Any = None, layers: Mapping[str, Arrays] | None = None, version: str = "2.15.0", **attributes: Any
) -> bytes:
    """A whole model in `.h5` as Keras 2 writes it, with further attributes of its group of weights."""
    layers = old_weights() if layers is None else layers
    text, buffer = as_json(old_small() if config is None else config), io.BytesIO()
    with h5py.File(buffer, "w") as file:
        # HDF5 keeps texts of any length, and shorter ones with zeros in them, in two ways.
        file.attrs["model_config"] = np.bytes_(text) if b"\0" in text else text
        file.attrs["keras_version"], file.attrs["backend"] = version, "tensorflow"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([name.encode() for name in layers])
        group.attrs["keras_version"], group.attrs["backend"] = version, "tensorflow"
        for name, value in attributes.items():
            group.attrs[name] = value
        for name, arrays in layers.items():
            inner = group.create_group(name)
            inner.attrs["weight_names"] = np.array([weight.encode() for weight in arrays])
            for weight, value in arrays.items():
                inner[weight] = value
    return buffer.getvalue()
