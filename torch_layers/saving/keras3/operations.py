"""Operations between layers in the `.h5` files of Keras 3, which does not say there that they are none of its layers.

Source: keras/src/models/functional.py (get_config) and keras/src/legacy/saving/serialization.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch_layers.graph.operations import read_operation

# Every layer's config has these; an operation's has its arguments alone.
_OF_LAYERS = {"trainable", "dtype"}
# Which part of it an operation stands in, its own name tells.
_MODULE = "keras.src.ops.numpy"


def with_operations(config: Any) -> Any:
    """Return a config of Keras 3 in which operations are told by a module, as in `.keras` files.

    Keras 3 itself takes the layers of the same name for them, such as Add, or finds none, and refuses the file.
    """
    if isinstance(config, (list, tuple)):
        return [with_operations(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    found = {key: with_operations(value) for key, value in config.items()}
    return {**found, "module": _MODULE} if _is_operation(found) else found


def _is_operation(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry among a functional model's layers says nothing that layers say, and is a known operation."""
    inner = entry.get("config")
    if "module" in entry or "inbound_nodes" not in entry or not isinstance(inner, Mapping):
        return False
    if not _OF_LAYERS.isdisjoint(inner) or not isinstance(entry.get("class_name"), str):
        return False
    try:
        read_operation({**entry, "module": _MODULE})
    except ValueError:
        return False
    return True
