"""Nodes of TensorFlow's graph that stand in functional models as layers (TensorFlowOpLayer, before TensorFlow 2.4).

Source: tf_keras/src/engine/base_layer.py (TensorFlowOpLayer), 2.21; tensorflow/core/ops/ops.pbtxt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch_layers.registry import nearest
from torch_layers.saving.legacy import parts
from torch_layers.saving.legacy.reading import ConfigError, a_dict, a_list, a_name, shown
from torch_layers.saving.legacy.tf_functions import tf_functions

Config = dict[str, Any]
Arguments = tuple[list[Any], dict[str, Any]]

# A node's attribute -> the argument that the function of the same name takes for it.
_ATTRIBUTES = {
    **{name: {"keep_dims": "keepdims"} for name in ("Mean", "Sum", "Max", "Min", "Prod", "Any", "All")},
    "MatMul": {"transpose_a": "transpose_a", "transpose_b": "transpose_b"},
    "BatchMatMul": {"adj_x": "transpose_a", "adj_y": "transpose_b"},
    "BatchMatMulV2": {"adj_x": "transpose_a", "adj_y": "transpose_b"},
    "LeakyRelu": {"alpha": "alpha"},
    "ArgMax": {"output_type": "output_type"},
    "ArgMin": {"output_type": "output_type"},
    "Squeeze": {"squeeze_dims": "axis"},
    "Cast": {"DstT": "dtype"},
    "Pack": {"axis": "axis"},
    "Unpack": {"axis": "axis"},
}


def _as_given(inputs: list[Any], kwargs: dict[str, Any]) -> Arguments:
    return inputs, kwargs


def _listed(inputs: list[Any], kwargs: dict[str, Any]) -> Arguments:
    return [inputs], kwargs


def _axis_last(inputs: list[Any], kwargs: dict[str, Any]) -> Arguments:
    return [inputs[:-1], inputs[-1]], kwargs


def _axis_by_name(inputs: list[Any], kwargs: dict[str, Any]) -> Arguments:
    return inputs[:2], {**kwargs, "axis": inputs[2] if len(inputs) > 2 else 0}


def _strided_slice(inputs: list[Any], kwargs: dict[str, Any]) -> Arguments:
    """Write x[begin:end:strides], whose masks are bits for each axis, as `getitem` takes it."""
    if len(inputs) != 4 or not all(isinstance(bounds, list) for bounds in inputs[1:]):
        raise ConfigError("a StridedSlice with bounds that are computed is not known to torch_layers")
    begin, end, strides = inputs[1:]
    if not len(begin) == len(end) == len(strides):
        raise ConfigError("a StridedSlice has bounds of different lengths")
    masks = {name: kwargs.pop(f"{name}_mask", 0) for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}

    if not all(isinstance(mask, int) for mask in masks.values()):
        raise ConfigError(f"a StridedSlice has the masks {shown(masks)}, not numbers")

    def item(place: int) -> Any:
        bit = 1 << place
        if masks["ellipsis"] & bit:
            return {"class_name": "__ellipsis__"}
        if masks["new_axis"] & bit:
            return None
        if masks["shrink_axis"] & bit:
            return begin[place]
        start, stop = (
            None if masks[name] & bit else bounds[place] for name, bounds in (("begin", begin), ("end", end))
        )
        return {"start": start, "stop": stop, "step": strides[place]}

    return [inputs[0], [item(place) for place in range(len(begin))]], kwargs


_SLICE_MASKS = {f"{name}_mask": f"{name}_mask" for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
# Nodes with a function of another name, or whose inputs that takes in another way.
_OTHERS: dict[str, tuple[str, dict[str, str], Callable[[list[Any], dict[str, Any]], Arguments]]] = {
    "ConcatV2": ("concat", {}, _axis_last),
    "Pack": ("stack", _ATTRIBUTES["Pack"], _listed),
    "Unpack": ("unstack", _ATTRIBUTES["Unpack"], _as_given),
    "AddN": ("add_n", {}, _listed),
    "GatherV2": ("gather", {}, _axis_by_name),
    "StridedSlice": ("getitem", _SLICE_MASKS, _strided_slice),
}


def node(config: Config) -> tuple[str, Callable[[Any], Arguments]]:
    """Return the name of our function for a node, and what makes the function's arguments of the layer's inputs.

    Raises: ConfigError if torch_layers doesn't know such a node, or the file keeps it in TensorFlow's binary form.
    """
    definition = config.get("node_def")
    if isinstance(definition, str):
        raise ConfigError("its node_def is a node of TensorFlow's graph in binary form, which only TensorFlow reads")
    definition = a_dict(definition, "the node_def")
    name = a_name(definition.get("op"), "the op of the node_def")
    function, wanted, arrange = _OTHERS.get(name, (name, _ATTRIBUTES.get(name, {}), _as_given))
    if function not in tf_functions:
        raise ConfigError(f"the node {name} of TensorFlow is not known to torch_layers{nearest(name, [*tf_functions])}")
    attributes = a_dict(definition.get("attr", {}), "the attr of the node_def")
    kwargs = {wanted[key]: _attribute(value) for key, value in attributes.items() if key in wanted}
    constants = a_dict(config.get("constants") or {}, "the constants")
    places = {_place(key): parts.plain(value) for key, value in constants.items()}

    def arguments(inputs: Any) -> Arguments:
        given = a_list(inputs if isinstance(inputs, list) else [inputs], "the inputs")
        for place in sorted(places):
            given.insert(place, places[place])
        return arrange(given, dict(kwargs))

    return function, arguments


def _place(key: str) -> int:
    if not key.isdigit() or len(key) > 4:
        raise ConfigError(f"the constants name {shown(key)}, which is no place among the inputs")
    return int(key)


def _attribute(value: Any) -> Any:
    """Return the value of a node's attribute as JSON of TensorFlow's messages has it: {"i": "1"}, {"b": true}, ..."""
    described = a_dict(value, "an attribute")
    if not described:  # what is 0, false or empty is left out
        return 0
    kind, inner = next(iter(described.items()))
    if kind == "i":
        return _int(inner)
    if kind == "list":
        return [_int(item) for item in a_list(a_dict(inner, "a list").get("i", []), "a list")] or None
    if kind == "type":
        return parts.tf_dtype(inner)
    return inner


def _int(value: Any) -> int:
    text = str(value)
    if not text.removeprefix("-").isdigit() or len(text) > 19:
        raise ConfigError(f"an attribute is {shown(value)}, not an integer")
    return int(text)
