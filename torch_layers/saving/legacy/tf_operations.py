"""Calls of TensorFlow's functions that stand in functional models as layers: which function of ours each one is.

TFOpLambda and SlicingOpLambda (since TensorFlow 2.4) name the function; TensorFlowOpLayer (before) holds a node of
TensorFlow's graph, with those of its inputs that are constants.
Source: tf_keras/src/layers/core/tf_op_layer.py and engine/base_layer.py (TensorFlowOpLayer), 2.21.
"""

from __future__ import annotations

from typing import Any

from torch_layers.registry import nearest
from torch_layers.saving.legacy.reading import ConfigError, a_name
from torch_layers.saving.legacy.tf_functions import tf_functions

Config = dict[str, Any]
Call = tuple[Any, dict[str, Any]]

CLASSES = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer")
# Parts of TensorFlow whose functions are known by their own names alone.
_SPACES = ("", "math", "nn", "linalg", "image", "__operators__")


def operation(class_name: str, config: Config) -> Config:
    """Return the entry of an operation. Raises: ConfigError if torch_layers doesn't know the function."""
    if class_name not in ("TFOpLambda", "SlicingOpLambda"):
        what = config.get("method_name", config.get("attr_name", config.get("node_def")))
        raise ConfigError(f"{class_name} of {str(what)[:60]!r} is not known to torch_layers")
    symbol = a_name(config.get("function"), "the function")
    space, _, name = symbol.removeprefix("compat.v1.").removeprefix("compat.v2.").rpartition(".")
    if space not in _SPACES or name not in tf_functions:
        raise ConfigError(
            f"the function tf.{symbol} is not known to torch_layers{nearest(name, list(tf_functions))}; a layer in its "
            "place, or the model's own code, is"
        )
    return {"module": tf_functions.module, "class_name": name, "config": {}, "registered_name": None}


def calls(made: Config, given: list[Call]) -> list[Config]:
    """Return the nodes of an operation that is called with these arguments."""
    if made["class_name"] == "einsum":
        raise ConfigError("tf.einsum: Keras 2 keeps nothing of its inputs")
    return [{"args": [first], "kwargs": {k: v for k, v in kwargs.items() if k != "name"}} for first, kwargs in given]
