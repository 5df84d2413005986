"""Operations between layers in the `.h5` files of Keras 3, which does not say there that they are none of its layers.

Source: keras/src/models/functional.py (get_config) and keras/src/legacy/saving/serialization.py, 3.15.
"""

from __future__ import annotations

from typing import Any

from torch_layers.graph.operations import read_operation

# Every layer's config has these; an operation's has its arguments alone.
_OF_LAYERS = {"trainable", "dtype"}
# Which part of it an operation stands in, its own name tells.
_MODULE = "keras.src.ops.numpy"


def with_operation(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a config, with the module that tells an operation of Keras 3 if it is one.

    Keras 3 itself takes the layers of the same name for them, such as Add, or finds none, and refuses the file.
    """
    return {**entry, "module": _MODULE} if _is_operation(entry) else entry


def _is_operation(entry: dict[str, Any]) -> bool:
    """Tell whether an entry among a functional model's layers says nothing that layers say, and is a known operation."""
    inner = entry.get("config")
    if "module" in entry or "inbound_nodes" not in entry or not isinstance(inner, dict):
        return False
    if not _OF_LAYERS.isdisjoint(inner) or not isinstance(entry.get("class_name"), str):
        return False
    try:
        read_operation({**entry, "module": _MODULE})
    except ValueError:
        return False
    return True
