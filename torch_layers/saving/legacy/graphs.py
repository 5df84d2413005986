"""Functional models of Keras 1 and 2: the calls of their layers in the form of Keras 3.

An old node lists [layer, number of its call, number of the output, arguments], nested as the first argument is; the
arguments, the same beside each, hold tensors as [layer, call, output].
Source: keras/engine/topology.py, Keras 1.2 and 2.0; tf_keras/src/engine/node.py and functional.py, 2.21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch_layers.saving.legacy import merging, tf_operations
from torch_layers.saving.legacy.keras2 import Config, as_keras_2_calls_it, class_of, config_of
from torch_layers.saving.legacy.reading import ConfigError, Reading, a_dict, a_list, a_name, shown

MODELS = ("Functional", "Model", "Sequential", "Container")
_RECURRENT = {
    *("RNN", "SimpleRNN", "LSTM", "GRU", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    *("CalledAsInKeras2", "BidirectionalOfKeras2"),
}
# Stands for a layer where Keras 2 keeps a plain value among a call's tensors.
_CONSTANT = "_CONSTANT_VALUE"


def functional(config: Config, reading: Reading, path: str, inner: Callable[[Any, str], Config]) -> Config:
    """Return a functional model's config in the form of Keras 3. `inner` does that for a layer's or a model's entry."""
    graph = _Graph(config, reading, path)
    layers = []
    for number, entry in enumerate(graph.entries):
        try:
            name = graph.names[number]
            layers.append(graph.layer(entry, name, inner))
        except ConfigError as error:
            reading.problem(f"{path}/{graph.names[number]}", str(error))
    ends = {}
    for key in ("input_layers", "output_layers"):
        try:
            ends[key] = graph.ends(config.get(key), key)
        except ConfigError as error:
            reading.problem(path, str(error))
    kept = {key: config[key] for key in ("name", "trainable") if config.get(key) is not None}
    return {**kept, "layers": layers, **ends}


class _Graph:
    def __init__(self, config: Config, reading: Reading, path: str) -> None:
        self.reading, self.path = reading, path
        self.entries = [a_dict(entry, f"layer {n}") for n, entry in enumerate(a_list(config.get("layers"), "layers"))]
        self.names = [self._name(entry, number) for number, entry in enumerate(self.entries)]
        self.known = set(self.names)
        self.models = {
            name: entry.get("class_name")
            for name, entry in zip(self.names, self.entries, strict=True)
            if entry.get("class_name") in MODELS
        }
        # Keras counts the calls of a model in a model from 1 where the model was called, by itself, when it was made.
        self.first: dict[str, int] = {}
        places = list(_places([entry.get("inbound_nodes") for entry in self.entries]))
        for name, number, *_ in [*places, *_places(config.get("output_layers"))]:
            self.first[name] = min(number, self.first.get(name, number))

    def _name(self, entry: Config, number: int) -> str:
        inner = entry.get("config")
        name = entry.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
        return a_name(name, f"the name of layer {number}")

    def layer(self, entry: Config, name: str, inner: Callable[[Any, str], Config]) -> Config:
        """Return a layer's entry with its calls."""
        path = f"{self.path}/{name}"
        class_name = class_of(entry)
        nodes = a_list(entry.get("inbound_nodes", []), "inbound_nodes")
        if class_name in tf_operations.CLASSES:
            calls = [self._arguments(node) for node in nodes]
            return {**tf_operations.operation(class_name, config_of(entry), calls), "name": name}
        made = inner(entry, path)
        calls = [self._call(node) for node in nodes]
        if made["class_name"] in _RECURRENT:
            made, calls = self._with_states(made, calls)
        if made["class_name"] in merging.CLASSES and self.reading.has_masks:
            made = merging.as_keras_2_merges(made)
        nodes = [{"args": args, "kwargs": kwargs} for args, kwargs in calls]
        return {**made, "name": name, "inbound_nodes": nodes}

    def _with_states(self, made: Config, calls: list[Any]) -> tuple[Config, list[Any]]:
        if any(kwargs.pop("constants", None) is not None for _, kwargs in calls):
            raise ConfigError("constants of a call are not supported")
        if any(args[0] == [] for args, _ in calls):
            raise ConfigError("it is called with nothing")
        if made["class_name"] == "CalledAsInKeras2" or not any(isinstance(args[0], list) for args, _ in calls):
            return made, calls
        if self.reading.has_masks:
            return as_keras_2_calls_it(made, self.reading), calls
        return made, [
            ([args[0][0]], {**kwargs, "initial_state": args[0][1:]}) if isinstance(args[0], list) else (args, kwargs)
            for args, kwargs in calls
        ]

    def _call(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of a layer's call: its first, in which one tensor stands alone, and those by name."""
        first, kwargs = self._arguments(node)
        return [first[0] if isinstance(first, list) and len(first) == 1 else first], kwargs

    def _arguments(self, node: Any) -> tuple[Any, dict[str, Any]]:
        kwargs: dict[str, Any] = {}
        for leaf in _leaves(node):
            if len(leaf) == 4 and leaf[3]:
                kwargs = {key: self.read(value) for key, value in a_dict(leaf[3], "the arguments of a call").items()}
                break
        return self._first(node), kwargs

    def _first(self, node: Any) -> Any:
        if _is_leaf(node):
            return node[2] if node[0] == _CONSTANT else self.tensor(node)
        if isinstance(node, dict):
            return {key: self._first(item) for key, item in node.items()}
        return [self._first(item) for item in a_list(node, "an inbound node")]

    def read(self, value: Any) -> Any:
        """Return arguments with the tensors among them in the form of Keras 3."""
        if _is_place(value) and value[0] in self.known:
            return self.tensor(value)
        if isinstance(value, dict):
            return {key: self.read(item) for key, item in value.items()}
        return [self.read(item) for item in value] if isinstance(value, (list, tuple)) else value

    def tensor(self, place: Any) -> Config:
        """Return what stands for the output of a layer's call."""
        return {"class_name": "__keras_tensor__", "config": {"keras_history": self.place(place)}}

    def place(self, place: Any) -> list[Any]:
        """Return [layer, call, output], with the calls of models counted from 0."""
        name, number, index = place[:3]
        if name not in self.known:
            raise ConfigError(f"the layer {name!r} is the input of another, but not in the config{self._within(name)}")
        return [name, number - (self.first[name] if name in self.models else 0), index]

    def _within(self, name: str) -> str:
        """Say that a layer is one of a model in this one, if it is."""
        for entry in self.entries:
            config = entry.get("config")
            inner = config.get("layers") if entry.get("class_name") in MODELS and isinstance(config, dict) else None
            for layer in inner if isinstance(inner, list) else ():
                if isinstance(layer, dict) and layer.get("name") == name:
                    return (
                        f", but in that of the model {entry.get('name')!r}: before 2.13, Keras lost the calls of a layer "
                        "that both models have, and can't read the file either"
                    )
        return ""

    def ends(self, places: Any, key: str) -> Any:
        """Return the inputs or the outputs of the model. Here Keras 3 counts the calls of functional models from 1."""
        if isinstance(places, dict):
            return {name: self.ends(item, key) for name, item in places.items()}
        if not _is_place(places):
            return [self.ends(item, key) for item in a_list(places, key)]
        name, number, index = self.place(places)
        return [name, number + (self.models.get(name, "Sequential") != "Sequential"), index]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_place(value: Any) -> bool:
    """Tell whether a value is [layer, call, output]."""
    is_list = isinstance(value, (list, tuple)) and len(value) == 3
    return is_list and isinstance(value[0], str) and _is_count(value[1]) and _is_count(value[2])


def _is_leaf(value: Any) -> bool:
    """Tell whether a value is one tensor of a node: a place, or a plain value, and the arguments of the call."""
    if not isinstance(value, (list, tuple)) or len(value) not in (3, 4) or not isinstance(value[0], str):
        return False
    if value[0] != _CONSTANT and not _is_place(value[:3]):
        raise ConfigError(f"the inbound node {shown(value)} is not [layer, call, output]")
    return True


def _leaves(node: Any) -> Iterator[Any]:
    if _is_leaf(node):
        yield node
    elif isinstance(node, (list, tuple, dict)):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _leaves(item)


def _places(value: Any) -> Iterator[Any]:
    """Yield each [layer, call, output] in nodes and in the arguments in them."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        return
    if _is_place(value[:3]):
        yield value[:3]
        value = value[3:]
    for item in value:
        yield from _places(item)
