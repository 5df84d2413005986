"""How large a model a config may describe: a few lines can name more calls of layers than a machine makes in a life."""

from __future__ import annotations

from typing import Any

from torch_layers.registry import layers as layer_registry
from torch_layers.saving.errors import FileError
from torch_layers.serialization import are_plain

# Drawing a call takes a millisecond or a few. The largest models of keras.applications have 1,041 calls with 1,200 inputs.
_MOST_CALLS = 8_000
# Layers and cells of these families take as long as so many others.
_SLOW = {"recurrent": 16, "attention": 16, "normalization": 4}
_NESTED = (dict, list, tuple)
# Models in models: drawing the masks of each draws those inside once more.
_DEEPEST = 12


def check_size(config: Any, place: str) -> None:
    """Raise FileError for a config whose models are more than 12 deep in each other, or have over 8,000 calls and inputs.

    Each call of a layer counts once, or 4 times if it normalizes and 16 if it is recurrent or attention, and so do its
    inputs, and for a model all within: models that call models twice have 2^n calls at n levels.
    """
    calls = _calls(config, place, 0)
    if calls > _MOST_CALLS:
        number = str(calls) if calls < 10**15 else "over 10^15"
        raise FileError(
            place, f"describes a model with {number} calls of layers and their inputs, not {_MOST_CALLS} at most"
        )


def _calls(value: dict[str, Any] | list[Any] | tuple[Any, ...], place: str, depth: int) -> int:
    if not isinstance(value, dict) or "class_name" not in value:
        items = value.values() if isinstance(value, dict) else () if are_plain(value) else value
        return sum(_calls(item, place, depth) for item in items if isinstance(item, _NESTED))
    name, inner, nodes = value["class_name"], value.get("config"), value.get("inbound_nodes")
    within = inner.get("layers") if isinstance(inner, dict) else inner
    if isinstance(within, (list, tuple)):
        depth += 1
        if depth > _DEEPEST:
            raise FileError(place, f"describes models that are more than {_DEEPEST} deep in each other")
    own = int(isinstance(nodes, (list, tuple)))
    if isinstance(name, str) and name in layer_registry:
        own = _SLOW.get(layer_registry.find(name).__module__.split(".")[2], 1)
    times = max(len(nodes), 1) if isinstance(nodes, (list, tuple)) else 1
    calls = _calls(inner, place, depth) if isinstance(inner, _NESTED) else 0
    return times * (own + calls) + _inputs(nodes)


def _inputs(nodes: Any) -> int:
    """Count the tensors that calls name."""
    if isinstance(nodes, dict):
        return 1 if nodes.get("class_name") == "__keras_tensor__" else sum(map(_inputs, nodes.values()))
    if isinstance(nodes, (list, tuple)):
        if are_plain(nodes):
            return int(bool(nodes) and isinstance(nodes[0], str))
        return 1 if isinstance(nodes[0], str) else sum(map(_inputs, nodes))
    return 0
