"""Calls of TensorFlow's functions that stand in functional models as layers: which function of ours each one is.

TFOpLambda and SlicingOpLambda, since TensorFlow 2.4, name the function.
Source: tf_keras/src/layers/core/tf_op_layer.py, 2.21.
"""

from __future__ import annotations

from typing import Any

from torch_layers.registry import nearest
from torch_layers.saving.legacy import tf_nodes
from torch_layers.saving.legacy.reading import ConfigError, a_name, shown
from torch_layers.saving.legacy.tf_functions import tf_functions

Config = dict[str, Any]
Call = tuple[Any, dict[str, Any]]

CLASSES = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer")
# Parts of TensorFlow whose functions are known by their own names alone.
_SPACES = ("", "math", "nn", "linalg", "image", "__operators__")


def operation(class_name: str, config: Config, calls: list[Call]) -> Config:
    """Return the entry of an operation that is called with these first arguments and others by name.

    Raises: ConfigError if torch_layers doesn't know the function.
    """
    if class_name == "TensorFlowOpLayer":
        name, arguments = tf_nodes.node(config)
        nodes = [dict(zip(("args", "kwargs"), arguments(first), strict=True)) for first, _ in calls]
    elif class_name in ("TFOpLambda", "SlicingOpLambda"):
        name = _function(config)
        nodes = [
            {"args": [first], "kwargs": {k: v for k, v in kwargs.items() if k != "name"}} for first, kwargs in calls
        ]
    else:
        what = config.get("method_name", config.get("attr_name"))
        raise ConfigError(f"the {class_name} {shown(what)} of TensorFlow's is not known to torch_layers")
    return {
        "module": tf_functions.module,
        "class_name": name,
        "config": {},
        "registered_name": None,
        "inbound_nodes": nodes,
    }


def _function(config: Config) -> str:
    symbol = a_name(config.get("function"), "the function")
    space, _, name = symbol.removeprefix("compat.v1.").removeprefix("compat.v2.").rpartition(".")
    if name == "einsum":
        raise ConfigError("the function tf.einsum: Keras 2 writes nothing of its inputs")
    if space not in _SPACES or name not in tf_functions:
        hint = nearest(name, list(tf_functions))
        raise ConfigError(f"the function tf.{symbol} is not known to torch_layers{hint}; a layer in its place can be")
    return name
