"""How large a model a config may describe: a few lines can name more calls of layers than a machine makes in a life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch_layers.registry import layers as layer_registry
from torch_layers.saving.errors import FileError

# Drawing a call takes a few milliseconds. The largest models of keras.applications have 1,041 calls.
_MOST_CALLS = 5_000
# Models in models: drawing the masks of each draws those inside once more.
_DEEPEST = 12


def check_size(config: Any, place: str) -> None:
    """Raise FileError for a config whose models are more than 12 deep in each other, or call layers over 5,000 times.

    A layer counts once for each call, and so do all layers of a model that is called: models that call models twice
    have 2^n calls at n levels.
    """
    calls = _calls(config, place, 0)
    if calls > _MOST_CALLS:
        number = str(calls) if calls < 10**15 else "over 10^15"
        raise FileError(place, f"describes a model with {number} calls of layers, allowed are {_MOST_CALLS}")


def _calls(value: Any, place: str, depth: int) -> int:
    if isinstance(value, (list, tuple)):
        return sum(_calls(item, place, depth) for item in value)
    if not isinstance(value, Mapping):
        return 0
    if "class_name" not in value:
        return sum(_calls(item, place, depth) for item in value.values())
    name, inner, nodes = value["class_name"], value.get("config"), value.get("inbound_nodes")
    if isinstance(inner, (list, tuple)) or (
        isinstance(inner, Mapping) and isinstance(inner.get("layers"), (list, tuple))
    ):
        depth += 1
        if depth > _DEEPEST:
            raise FileError(place, f"describes models that are more than {_DEEPEST} deep in each other")
    is_layer = isinstance(nodes, (list, tuple)) or (isinstance(name, str) and name in layer_registry)
    times = max(len(nodes), 1) if isinstance(nodes, (list, tuple)) else 1
    return times * (is_layer + _calls(inner, place, depth))
