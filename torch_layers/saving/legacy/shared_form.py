"""Models in the one form that Keras 2 and Keras 3's reader of `.h5` files both take.

Calls are lists of [layer, number of the call, number of the output, arguments], as in Keras 2: one tensor, or a list of
them, and plain arguments. The two count the calls of models in models from different numbers.
Source: tf_keras/src/engine/functional.py, 2.21; keras/src/models/functional.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch_layers.saving.legacy.keras2_form import ENDS, Form, NotInKeras2Error, is_tensor, without_shape


class SharedForm(Form):
    """The form for both. Raises: NotInKeras2Error for what only one of them can read."""

    def functional(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the config of a functional model."""
        calls = {layer["name"]: [_call(layer, node) for node in layer["inbound_nodes"]] for layer in config["layers"]}
        used = {place[0] for nodes in calls.values() for node in nodes for place in node}
        ends = {key: _ends(config[key]) for key in ENDS}
        layers = []
        for layer in config["layers"]:
            name = layer["name"]
            found = {**self.layer(layer, nested=True), "name": name, "inbound_nodes": calls[name]}
            if found["class_name"] == "Functional" and name in used:
                found = _as_chain(found)
                ends = {key: _from_zero(places, name) for key, places in ends.items()}
            elif found["class_name"] == "Sequential":
                found["config"]["layers"] = without_shape(name, found["config"]["layers"])
            layers.append(found)
        found = {"name": config["name"], "layers": layers, **ends}
        return found if config["trainable"] else {**found, "trainable": False}


def _as_chain(model: Mapping[str, Any]) -> dict[str, Any]:
    """Put a functional model that feeds other layers into a `Sequential` of the same name.

    The one form for it that both read: they count the calls of a functional model from 1 and from 0, those of a
    `Sequential` that isn't built before from 0.
    """
    name, config = model["name"], model["config"]
    if not all(isinstance(config[key], list) and isinstance(config[key][0], str) for key in ENDS):
        raise NotInKeras2Error(f"the model {name!r} of several inputs or outputs is the input of another layer")
    layers = without_shape(name, [{"class_name": "Functional", "config": config}])
    return {**model, "class_name": "Sequential", "config": {"name": name, "layers": layers}}


def _from_zero(places: Any, name: str) -> Any:
    if isinstance(places, dict):
        return {key: _from_zero(place, name) for key, place in places.items()}
    if isinstance(places[0], str):
        return [places[0], places[1] - (places[0] == name), places[2]]
    return [_from_zero(place, name) for place in places]


def _call(layer: Mapping[str, Any], node: Mapping[str, Any]) -> list[Any]:
    """Return a call as a list of the places that its one tensor, or list of tensors, comes from."""
    args, kwargs = node["args"], node["kwargs"]
    tensors = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) and len(args[0]) > 1 else args
    if len(tensors) < 1 or (tensors is args and len(args) != 1) or not all(map(is_tensor, tensors)):
        raise NotInKeras2Error(f"{layer['name']!r} is called with other arguments than tensors, or with several")
    if not _is_plain(kwargs):
        raise NotInKeras2Error(f"{layer['name']!r} is called with tensors as {sorted(kwargs)}")
    return [[*tensor["config"]["keras_history"], dict(kwargs)] for tensor in tensors]


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "class_name" not in value and all(map(_is_plain, value.values()))
    return all(map(_is_plain, value)) if isinstance(value, (list, tuple)) else True


def _ends(places: Any) -> Any:
    """Return the places of a model's inputs or outputs: one, a list of them, or a dict."""
    if isinstance(places, Mapping):
        return {key: _end(place) for key, place in places.items()}
    return list(places) if isinstance(places[0], str) else [_end(place) for place in places]


def _end(place: Sequence[Any]) -> list[Any]:
    if isinstance(place, Mapping) or not isinstance(place[0], str):
        raise NotInKeras2Error("the inputs or outputs are nested")
    return list(place)
