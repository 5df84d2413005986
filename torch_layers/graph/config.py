"""Models as Keras's configs describe them, and back.

Source: keras/src/models/functional.py (get_config, functional_from_config) and sequential.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from torch_layers import dtypes
from torch_layers.graph.drawing import Slice, keras_order, unique_names
from torch_layers.graph.input import input_symbol
from torch_layers.graph.operations import is_operation, read_operation, write_operation
from torch_layers.graph.symbols import Call, Symbol, SymbolicSize, SymbolicTensor, flatten, map_structure
from torch_layers.layers.core.input_layer import InputLayer
from torch_layers.layers.preprocessing.center_crop import CenterCrop
from torch_layers.layers.preprocessing.resizing import Resizing
from torch_layers.registry import layers as layer_registry
from torch_layers.registry import snake_case
from torch_layers.serialization import CustomObjects, deserialize, serialize

_TENSOR = "__keras_tensor__"
# Keras calls these, which compute the same, with training=True whatever the model does.
_SAME_IN_TRAINING = (CenterCrop, Resizing)


class Writer:
    """The config of a functional model."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.starts = {id(start): start.call for start in model.inputs}
        self.part = Slice(model.inputs, model.outputs)
        # Sizes are no operations: a shape that holds one is written with -1 in its place.
        self.order = [call for call in keras_order(self.part, with_functions=True) if not _is_size(call)]
        self.operations = {call: write_operation(call) for call in self.order if call.kind in ("function", "method")}
        self.names = self._names()
        # The how-manieth call of its layer each call is.
        self.numbers: dict[Call, int] = {}
        self.nodes: dict[Any, list[dict[str, Any]]] = {}
        for call in self.part.calls:
            if call.kind != "mask" and not _is_size(call):
                nodes = self.nodes.setdefault(_key(call), [])
                self.numbers[call] = len(nodes)
                args = self.operations[call][3] if call in self.operations else call.args
                kwargs = {} if call in self.operations else {**call.kwargs, **self._spelled_masks(call)}
                nodes.append({"args": self.written(args), "kwargs": self.written(kwargs)})

    def _spelled_masks(self, call: Call) -> dict[str, Any]:
        """Return the masks that nobody passed, but operations of the model compute.

        Keras would compute its own, by operations of the same names, and refuse to have two of a name.
        """
        masks = self.part.masks(call)
        return {name: mask for name, mask in masks.items() if isinstance(mask, Symbol) and mask.call in self.operations}

    def _names(self) -> dict[Any, str]:
        model = self.model
        wanted = [(call, name, True) for call, name in zip(self.starts.values(), model.input_names, strict=True)]
        for call in self.order:
            if call.kind == "module":
                wanted.append((call.target, model._paths[call.target].replace(".", "_"), True))
            elif call in self.operations:
                wanted.append((call, snake_case(self.operations[call][1]), False))
        return unique_names(wanted, lambda name: False)

    def config(self) -> dict[str, Any]:
        """Return the config."""
        model = self.model
        middle = [start.call for start in model.inputs if start.call.kind != "input"]
        return {
            "name": model.name,
            "trainable": model.trainable,
            "layers": [self.input_layer(call) for call in middle] + [self.layer(call) for call in self.order],
            "input_layers": map_structure(self.end, model.input),
            "output_layers": map_structure(self.end, model.output),
        }

    def layer(self, call: Call) -> dict[str, Any]:
        """Return what the config says of a layer or operation, given its first call."""
        if call.kind == "input":
            return self.input_layer(call)
        if call in self.operations:
            module, cls, config, _ = self.operations[call]
            described = {"module": f"keras.src.ops.{module}", "class_name": cls, "config": serialize(config)}
            described["registered_name"] = cls
        else:
            described = serialize(self.model.get_submodule(self.model._paths[call.target]))
        return self._named(described, _key(call))

    def input_layer(self, call: Call) -> dict[str, Any]:
        """Return what the config says of an input."""
        symbol = next(symbol for symbol in self.model.inputs if symbol.call is call)
        layer = call.target
        if not isinstance(layer, InputLayer):
            layer = InputLayer(batch_shape=symbol.shape, dtype=dtypes.name_of(symbol.dtype))
        return self._named(serialize(layer), call)

    def _named(self, described: dict[str, Any], key: Any) -> dict[str, Any]:
        name = self.names[key]
        described["config"] = {**described["config"], "name": name}
        return {**described, "name": name, "inbound_nodes": self.nodes.get(key, [])}

    def written(self, value: Any) -> Any:
        """Return the arguments of a call as plain values."""
        if isinstance(value, SymbolicTensor):
            config = {"shape": value.shape, "dtype": dtypes.name_of(value.dtype), "keras_history": self.place(value)}
            return {"class_name": _TENSOR, "config": config}
        if isinstance(value, (list, tuple)):
            return type(value)(self.written(item) for item in value)
        if isinstance(value, dict):
            return {key: self.written(item) for key, item in value.items()}
        if isinstance(value, Symbol) or (isinstance(value, slice) and str(value).count("Symbolic")):
            raise ValueError(f"get_config: {value!r} among the arguments of a call can't be written in Keras's form")
        return dtypes.name_of(value) if isinstance(value, torch.dtype) else serialize(value)

    def place(self, symbol: Symbol) -> list[Any]:
        """Return [name of the layer, number of its call, number of the output] for a symbol."""
        if id(symbol) in self.starts:
            return [self.names[self.starts[id(symbol)]], 0, 0]
        call = symbol.call
        index = next(i for i, output in enumerate(flatten(call.outputs)) if output is symbol)
        return [self.names[_key(call)], self.numbers[call], index]

    def end(self, symbol: Symbol) -> list[Any]:
        """Return the place of an input or output of the model."""
        name, number, index = self.place(symbol)
        # Here alone, Keras counts the calls of nested functional models from 1: node 0 is their own.
        from_one = id(symbol) not in self.starts and _is_functional(symbol.call.target)
        return [name, number + from_one, index]


def _key(call: Call) -> Any:
    """What has one entry in a config: a layer, or a single call of a function."""
    return call.target if call.kind == "module" else call


def _is_size(call: Call) -> bool:
    return isinstance(call.outputs, SymbolicSize)


def _is_functional(layer: Any) -> bool:
    """Tell whether Keras's namesake of a layer is a `Functional`; a `Sequential` is none."""
    return hasattr(layer, "input_names") and not hasattr(layer, "add")


class Reader:
    """A functional model, from its config; Keras 3's form or that of Keras 1 and 2."""

    def __init__(self, config: Mapping[str, Any], custom_objects: CustomObjects | None) -> None:
        self.custom = custom_objects
        self.layers: dict[str, Any] = {}
        self.made: dict[tuple[str, int], list[Any]] = {}  # what each call returned
        nodes: list[tuple[str, int, Any]] = []
        for data in config["layers"]:
            name = data.get("name") or data["config"]["name"]
            if not isinstance(name, str) or name in self.layers:
                raise ValueError(f"from_config: the name {name!r} of a layer is no text, or that of another layer")
            self.layers[name] = self._layer(data, name)
            if isinstance(self.layers[name], InputLayer):
                self.made[name, 0] = [input_symbol(self.layers[name])]
            else:
                nodes += [(name, number, node) for number, node in enumerate(data["inbound_nodes"])]
        self.first = self._first_numbers(config)
        self._call_all(nodes)

    def _layer(self, data: Mapping[str, Any], name: str) -> Any:
        if is_operation(data):
            return read_operation({**data, "config": deserialize(data["config"], self.custom)})
        layer = deserialize(dict(data), self.custom, layer_registry)
        if isinstance(layer, nn.Module):
            layer.name, layer.has_own_name = name, True  # type: ignore[assignment]
        elif not self.custom:
            raise ValueError(f"from_config: {name!r} is no layer, but {layer!r}")
        return layer

    def _call_all(self, nodes: list[tuple[str, int, Any]]) -> None:
        """Make the calls, each as soon as its inputs are there, in an order as near to the given one as that allows."""
        blocked: dict[tuple[str, int], list[Any]] = {}  # by the call that they wait for
        for node in nodes:
            ready = [(node, iter(self._needed(*node)))]
            while ready:
                (name, number, description), needed = ready.pop()
                missing = next((place for place in needed if place not in self.made), None)
                if missing is not None:
                    blocked.setdefault(missing, []).append(((name, number, description), needed))
                    continue
                self._call(name, number, description)
                ready += reversed(blocked.pop((name, number), []))
        if blocked:
            names = sorted({name for waiting in blocked.values() for (name, _, _), _ in waiting})
            raise ValueError(f"from_config: the inputs of the layers {names} are never computed")

    def _needed(self, name: str, number: int, node: Any) -> list[tuple[str, int]]:
        """List the calls that have to be made before this one: the layer's last one and those of its inputs."""
        if isinstance(node, dict):
            found = [self._place(*place) for place in _histories((node["args"], node["kwargs"]))]
        else:
            arguments = list(_old_keywords(node).values())
            places = [value for value in arguments if _is_place(value) and value[0] in self.layers]
            found = [self._place(*item[:3], old=True) for item in [*_old_references(node), *places]]
        before = [(name, number - 1)] if number else []
        return before + [(name, number) for name, number, _ in found]

    def _first_numbers(self, config: Mapping[str, Any]) -> dict[str, int]:
        """Return where the count of each layer's calls begins: at 1 for the models inside models of Keras 1 and 2."""
        nodes = [node for data in config["layers"] for node in data["inbound_nodes"]]
        places = [place for node in nodes for place in _old_references(node)] + _places(config["output_layers"])
        first: dict[str, int] = {}
        for name, number, *_ in places:
            first[name] = min(number, first.get(name, number))
        return first

    def _call(self, name: str, number: int, node: Any) -> None:
        """Call a layer as a node says."""
        if isinstance(node, dict):
            args, kwargs = self.read(node["args"]), self.read(node["kwargs"])
        else:
            args, kwargs = self._old_arguments(node)
        layer = self.layers[name]
        kwargs = self._without_context(name, kwargs)
        self.made[name, number] = flatten(layer(*args, **kwargs))

    def _without_context(self, name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Leave out arguments that Keras fills in by itself."""
        if kwargs.get("training") and not isinstance(self.layers[name], _SAME_IN_TRAINING):
            raise ValueError(f"from_config: layer {name!r} is called with training=True, which no torch module takes")
        kept = {key: value for key, value in kwargs.items() if key != "training"}
        if kept.get("mask", ...) is None:
            del kept["mask"]
        return kept

    def read(self, value: Any) -> Any:
        """Return arguments with symbols in the place of their descriptions."""
        if isinstance(value, dict):
            if value.get("class_name") == _TENSOR:
                return self.symbol(*_history(value))
            if "class_name" in value and "config" in value:
                return deserialize(value, self.custom)
            return {key: self.read(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.read(item) for item in value)
        return value

    def symbol(self, name: Any, number: Any, index: Any, *, old: bool = False) -> Any:
        """Return an output of a layer's call; `old` says that calls are counted as Keras 1 and 2 count them.

        Raises: ValueError if the model has no such layer, call or output.
        """
        name, number, index = self._place(name, number, index, old=old)
        outputs = self.made.get((name, number), [])
        if index >= len(outputs):
            raise ValueError(f"from_config: layer {name!r} has no call {number} with an output {index}")
        return outputs[index]

    def _place(self, name: Any, number: Any, index: Any, *, old: bool = False) -> tuple[str, int, int]:
        if not isinstance(name, str) or name not in self.layers:
            raise ValueError(f"from_config: the layer {name!r} is the input of another, but not in the config")
        if not isinstance(number, int) or not isinstance(index, int) or index < 0:
            raise ValueError(f"from_config: layer {name!r} has no call {number!r} with an output {index!r}")
        # Keras 1 and 2 count the calls of nested models from their own.
        return name, number - (self.first.get(name, 0) if old and self._is_model(name) else 0), index

    def _old_arguments(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        tensors = [self.symbol(*item[:3], old=True) for item in _old_references(node)]
        kwargs = {key: self._old_value(value) for key, value in _old_keywords(node).items()}
        return [tensors[0] if len(tensors) == 1 else tensors], kwargs

    def _old_value(self, value: Any) -> Any:
        return self.symbol(*value, old=True) if _is_place(value) and value[0] in self.layers else value

    def _is_model(self, name: str) -> bool:
        return hasattr(self.layers.get(name), "input_names")

    def end(self, place: Any, old: bool) -> Any:
        """Return the symbols of the model's inputs or outputs, in their structure."""
        if isinstance(place, dict):
            return {key: self.end(item, old) for key, item in place.items()}
        if not _is_place(place):
            return type(place)(self.end(item, old) for item in _items(place))
        name, number, index = place
        if not old:
            number = max(number - _is_functional(self.layers.get(name)), 0)
        return self.symbol(name, number, index, old=old)


def _is_place(value: Any) -> bool:
    """Tell whether a value is a [layer, call, output]."""
    return isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str)


def _places(value: Any) -> list[Any]:
    """List each [layer, call, output] in a structure."""
    if isinstance(value, dict):
        return [place for item in value.values() for place in _places(item)]
    return [value] if _is_place(value) else [place for item in _items(value) for place in _places(item)]


def _items(value: Any) -> Any:
    """Return what is no [layer, call, output] itself, if it can hold some. Raises: ValueError for anything but a list."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"from_config: {value!r:.100} is no [layer, call, output]")
    return value


def _history(tensor: Mapping[str, Any]) -> Any:
    """Return the [layer, call, output] that the description of a tensor names."""
    place = tensor["config"]["keras_history"]
    if not _is_place(place):
        raise ValueError(f"from_config: the keras_history {place!r} is no [layer, call, output]")
    return place


def _histories(value: Any) -> list[Any]:
    """List the [layer, call, output] of each tensor that is described in the arguments of a call."""
    if isinstance(value, dict):
        if value.get("class_name") == _TENSOR:
            return [_history(value)]
        return [] if "class_name" in value and "config" in value else _histories(list(value.values()))
    return [place for item in value for place in _histories(item)] if isinstance(value, (list, tuple)) else []


def _old_keywords(node: Any) -> dict[str, Any]:
    """Return the further arguments that a node of Keras 1 or 2 names."""
    return dict(node[0][3]) if node and isinstance(node[0], (list, tuple)) and len(node[0]) > 3 else {}


def _old_references(node: Any) -> list[Any]:
    """List the [layer, call, output] that a node of Keras 1 or 2 names."""
    if isinstance(node, dict) or not node:
        return []
    return [node] if isinstance(node[0], str) else list(node)


def functional_from_config(cls: Any, config: Mapping[str, Any], custom_objects: CustomObjects | None) -> Any:
    """Make a functional model from its config."""
    reader = Reader(config, custom_objects)
    old = any(data["inbound_nodes"] and not isinstance(data["inbound_nodes"][0], dict) for data in config["layers"])
    ends = [reader.end(config[key], old) for key in ("input_layers", "output_layers")]
    model = cls(*ends, name=config.get("name"), trainable=config.get("trainable"))
    # The config's order of layers, which is that of the weights.
    places = {id(layer): number for number, layer in enumerate(reader.layers.values())}
    model._order.sort(key=lambda item: places[id(item if isinstance(item, InputLayer) else model.get_submodule(item))])
    return model


def sequential_config(model: Any) -> dict[str, Any]:
    """Return the config of a chain of layers."""
    described = [] if model._implied else [serialize(layer) for layer in model._entry]
    for name, layer in zip(model._names, model.layers, strict=True):
        data = serialize(layer)
        described.append({**data, "config": {**data["config"], "name": name}})
    config = {"name": model.name, "trainable": model.trainable, "dtype": serialize(model.dtype_policy)}
    config["layers"] = described
    if model._symbols is not None:
        config["build_input_shape"] = model._entry[0].batch_shape
    return config


def sequential_from_config(cls: Any, config: Any, custom_objects: CustomObjects | None) -> Any:
    """Make a chain of layers from its config."""
    if isinstance(config, (list, tuple)):
        config = {"layers": config}
    model = cls(name=config.get("name"), trainable=config.get("trainable", True))
    for data in config["layers"]:
        layer = deserialize(dict(data), custom_objects, layer_registry)
        if isinstance(layer, nn.Module):
            layer.has_own_name = "name" in data["config"] or layer.has_own_name  # type: ignore[assignment]
        model._push(layer)
    shape = config.get("build_input_shape")
    if shape and not model._entry and model._names:
        model._imply(shape, model.layers[0].compute_dtype)
    model._draw_again()
    return model
