"""Losses by name, and to and from Keras's configs."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from torch_layers import serialization
from torch_layers.registry import losses


def serialize(loss: Any) -> Any:
    """Return the dict that `keras.losses.serialize` returns for a loss, which may be a function."""
    if isinstance(loss, FunctionType):
        return {
            "module": "builtins",
            "class_name": "function",
            "config": loss.__name__,
            "registered_name": "function",
        }
    return serialization.serialize(loss)


def deserialize(name: Any, custom_objects: serialization.CustomObjects | None = None) -> Any:
    """Return the loss that a name or a dict of `serialize` or `keras.losses.serialize` stands for.

    A name may be a class's, a function's or a short one such as "mse"; a class is made with its defaults.

    Raises: ValueError if it is neither Keras's nor in `custom_objects`.
    """
    if isinstance(name, dict) and name.get("class_name") == "function":
        # Keras registers every function that isn't decorated as "function".
        name = name["config"]
    return serialization.get(name, losses, custom_objects)


def get(identifier: Any) -> Any:
    """Return the loss that a name, a config, a function, a class or a loss itself stands for; None is None.

    Raises: ValueError naming what was given and the nearest known name.
    """
    return deserialize(identifier)
