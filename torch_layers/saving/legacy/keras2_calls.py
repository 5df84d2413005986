"""Models in the form that Keras 2 alone reads: calls with several tensors, TensorFlow's functions between layers.

A call is written as its first argument, [layer, number of the call, number of the output, other arguments by name], in
which a tensor stands as [layer, number of the call, number of the output].
Source: tf_keras/src/engine/functional.py and node.py, 2.21.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch_layers import registry
from torch_layers.saving.legacy.keras2_form import ENDS, Form, NotInKeras2Error, is_tensor, without_shape
from torch_layers.saving.legacy.tf_writing import function_of, is_operation

# Stands for a layer where a plain value is the first argument.
_CONSTANT = "_CONSTANT_VALUE"
# Arguments of calls that Keras 2 has not.
_NEW_ARGUMENTS = {"query_mask", "value_mask", "key_mask"}


class Keras2Form(Form):
    """The form for Keras 2. Raises: NotInKeras2Error for what it has not, or computes in another way."""

    def functional(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the config of a functional model."""
        models = {layer["name"] for layer in config["layers"] if layer["class_name"] == "Functional"}
        layers = [self._called(layer, models) for layer in config["layers"]]
        found = {"name": config["name"], "layers": layers, **{key: config[key] for key in ENDS}}
        return found if config["trainable"] else {**found, "trainable": False}

    def _called(self, layer: Mapping[str, Any], models: set[str]) -> dict[str, Any]:
        """Return a layer's entry with its calls."""
        name, nodes = layer["name"], layer["inbound_nodes"]
        if is_operation(layer):
            [node] = nodes
            function, arguments = function_of(layer, node["args"])
            class_name = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
            config = {"name": name, "trainable": True, "dtype": "float32", "function": function}
            return {
                "class_name": class_name,
                "config": config,
                "name": name,
                "inbound_nodes": [_node(arguments, models)],
            }
        found = {**self.layer(layer, nested=True), "name": name}
        if found["class_name"] == "Sequential":
            found["config"]["layers"] = without_shape(name, found["config"]["layers"])
        given = [_by_name(layer, node) for node in nodes]
        if found["class_name"] == "MultiHeadAttention":
            found["config"] |= _shapes(given[0])
        calls = [_node(each, models) for each in given]
        # What a layer is called with is a list in any case.
        return {**found, "inbound_nodes": [[call] if isinstance(call[0], str) else call for call in calls]}


def _by_name(layer: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer's call by their names, which torch_layers' layers have from Keras's."""
    names = [""]
    if layer["class_name"] in registry.layers:
        names = list(inspect.signature(registry.layers.find(layer["class_name"]).forward).parameters)[1:]
    if not 1 <= len(node["args"]) <= len(names):
        raise NotInKeras2Error(f"{layer['name']!r} is called with {len(node['args'])} arguments without a name")
    found = {**dict(zip(names, node["args"], strict=False)), **node["kwargs"]}
    if not _NEW_ARGUMENTS.isdisjoint(found):
        raise NotInKeras2Error(f"{layer['name']!r} is called with masks by name")
    return found


def _shapes(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Keras 2 keeps of the inputs of a MultiHeadAttention in its config."""
    query, value, *_ = arguments.values()
    given = {"query": query, "value": value, "key": arguments.get("key") or value}
    return {f"{name}_shape": list(tensor["config"]["shape"]) for name, tensor in given.items()}


def _node(arguments: Mapping[str, Any], models: set[str]) -> Any:
    """Return a call: its first argument, with the others beside each tensor in it."""
    (_, first), *others = arguments.items()
    return _first(first, {name: _other(value, models) for name, value in others}, models)


def _first(value: Any, others: dict[str, Any], models: set[str]) -> Any:
    if is_tensor(value):
        return [*_place(value, models), others]
    if isinstance(value, (list, tuple)):
        return [_first(item, others, models) for item in value]
    if isinstance(value, Mapping):
        return {key: _first(item, others, models) for key, item in value.items()}
    return [_CONSTANT, -1, value, others]


def _other(value: Any, models: set[str]) -> Any:
    if is_tensor(value):
        return _place(value, models)
    if isinstance(value, (list, tuple)):
        return [_other(item, models) for item in value]
    return value


def _place(tensor: Mapping[str, Any], models: set[str]) -> list[Any]:
    name, number, index = tensor["config"]["keras_history"]
    # Keras 2 counts the calls of a functional model from that which it makes itself.
    return [name, number + (name in models), index]
