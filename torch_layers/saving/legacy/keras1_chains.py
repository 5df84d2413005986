"""`Merge` of Keras 1, and the chains that begin with one: as merging layers and functional models of Keras 2.

Source: keras/engine/topology.py (Merge) and keras/models.py (Sequential), Keras 1.2.
"""

from __future__ import annotations

from typing import Any

from torch_layers.saving.legacy import parts
from torch_layers.saving.legacy.reading import ConfigError, a_dict, a_list, shown

Config = dict[str, Any]
Place = list[Any]

# Under this name a layer that was a `Merge` keeps its branches for a while.
_BRANCHES = "branches of the Merge"
_MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum"}


def merge(config: Config) -> Config:
    """Return class and config of the layer that stands for a `Merge`; it keeps its branches, if it has some."""
    mode, kept = config.get("mode"), {"name": config.get("name")}
    if config.get("layers") is not None:
        kept[_BRANCHES] = config["layers"]
    if config.get("mode_type", "raw") != "raw":
        function = {"function": mode, "function_type": config["mode_type"], "arguments": config.get("arguments") or {}}
        return {"class_name": "Lambda", "config": {**kept, **function}}
    if isinstance(mode, str) and mode in _MODES:
        return {"class_name": _MODES[mode], "config": kept}
    if mode == "concat":
        return {"class_name": "Concatenate", "config": {**kept, "axis": config.get("concat_axis", -1)}}
    if mode in ("dot", "cos"):
        name = "Dot" if mode == "dot" else "CosineOfKeras1"
        return {"class_name": name, "config": {**kept, "axes": config.get("dot_axes", -1)}}
    raise ConfigError(f"mode={shown(mode)} is not one of 'sum', 'mul', 'ave', 'max', 'concat', 'dot', 'cos'")


def chain(entry: Config) -> Config:
    """Return the entry of a Sequential, its layers in the form of Keras 2; of a functional model if a `Merge` is first."""
    layers = entry["config"]
    if not layers or not _is_merge(layers[0]):
        return entry
    graph = _Graph()
    output = graph.chain(layers)
    places = [[name, 0, 0] for name in graph.inputs]
    config = {"layers": list(graph.layers.values()), "input_layers": places, "output_layers": [output]}
    return {**entry, "class_name": "Model", "config": config}


def _is_merge(entry: Config) -> bool:
    """Tell whether an entry is what `merge` made of one that has its branches."""
    config = entry.get("config")
    return isinstance(config, dict) and _BRANCHES in config


class _Graph:
    """The layers of branches and of the chain behind them. Two of one name are one layer, as Keras 1 has it."""

    def __init__(self) -> None:
        self.layers: dict[str, Config] = {}
        self.inputs: list[str] = []

    def chain(self, layers: list[Config]) -> Place:
        """Add the calls of a chain and return its output."""
        first, *others = (a_dict(layer, "a layer") for layer in layers)
        name = _name(first)
        if _is_merge(first):
            config = dict(first["config"])
            places = [self._branch(branch) for branch in a_list(config.pop(_BRANCHES), "layers")]
            output = self._call({**first, "config": config}, places)
        elif name in self.layers:
            # A layer that two branches begin with has one input, as in Keras 1.
            output = [name, 0, 0]
        else:
            output = self._call(first, self._inputs(first))
        for layer in others:
            output = self._call(layer, [output])
        return output

    def _branch(self, entry: Config) -> Place:
        if entry.get("class_name") != "Sequential":
            return self.chain([entry])
        layers = a_list(entry.get("config"), "the layers of a branch")
        if not layers:
            raise ConfigError("a branch has no layers")
        return self.chain(layers)

    def _inputs(self, entry: Config) -> list[Place]:
        """Add an input for each that a chain's first layer takes. A model is not asked for its name, which it may lack."""
        found = []
        for shape, dtype in _input_shapes(entry):
            name = f"input_of_branch_{len(self.inputs) + 1}"
            config = {"batch_input_shape": shape, "dtype": dtype, "name": name}
            self.layers[name] = {"class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []}
            self.inputs.append(name)
            found.append([name, 0, 0])
        return found

    def _call(self, entry: Config, places: list[Place]) -> Place:
        name = _name(entry) or f"{str(entry.get('class_name')).lower()}_in_chain_{len(self.layers)}"
        known = self.layers.setdefault(name, {**entry, "name": name, "inbound_nodes": []})
        known["inbound_nodes"].append(places)
        return [name, len(known["inbound_nodes"]) - 1, 0]


def _name(entry: Config) -> str | None:
    config = entry.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return name if isinstance(name, str) and name else None


def _input_shapes(entry: Config) -> list[tuple[list[int | None], str]]:
    """Return shape and dtype of each input of a layer or model that is first in a chain."""
    config = entry.get("config")
    if isinstance(config, dict) and config.get("batch_input_shape") is not None:
        dtype = config.get("input_dtype")
        return [
            (
                parts.sizes(config["batch_input_shape"], "batch_input_shape"),
                dtype if isinstance(dtype, str) else "float32",
            )
        ]
    if entry.get("class_name") == "Sequential" and isinstance(config, list) and config:
        return _input_shapes(a_dict(config[0], "a layer"))
    if entry.get("class_name") == "Model" and isinstance(config, dict):
        layers = [layer for layer in a_list(config.get("layers"), "layers") if isinstance(layer, dict)]
        places = a_list(config.get("input_layers"), "input_layers")
        starts = [place[0] for place in places if isinstance(place, list) and place]
        found = [layer for start in starts for layer in layers if layer.get("name") == start]
        return [shape for layer in found for shape in _input_shapes(layer)]
    raise ConfigError("the first layer of a branch does not say the shape of its input (batch_input_shape)")
