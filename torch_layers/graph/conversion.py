"""Keras's own objects to torch_layers and back: by their configs and, for layers and models, their weights.

Keras is never imported here: whoever holds one of its objects has done that.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from torch_layers.graph.files import Storable
from torch_layers.graph.operations import is_operation, read_operation
from torch_layers.layers.base import Layer
from torch_layers.losses.base import Loss
from torch_layers.registry import losses
from torch_layers.serialization import CustomObjects, deserialize, parameters, serialize

_PACKAGES = ("keras", "tf_keras")
# Layers there, without weights; here and in Keras 3 they are no layers.
_OPERATIONS_OF_KERAS_2 = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty")


def from_keras(keras_object: Any, custom_objects: CustomObjects | None = None) -> Any:
    """Return the torch module for a Keras layer or model, with its weights, in eval mode; or for a loss, an initializer
    and whatever else Keras serializes.

    What is Keras 2's (tf-keras) keeps its meaning, such as that of `hard_sigmoid`. Shared layers stay shared. Layers that
    are not Keras's own come from `custom_objects`, a mapping from their name to a `torch_layers.Layer` class (made by its
    `from_config`, given weights by `set_weights`), or to a function.

    Raises: ValueError that lists every layer that can't be taken, before anything is built; and for a layer whose
    weights its counterpart does not take. TypeError for what is no object of Keras's.
    """
    package, config = _described(keras_object)
    is_of_keras_2 = package == "tf_keras"
    if is_of_keras_2:
        config = _with_meaning_of_keras_2(keras_object, config)
    with torch.device("meta"):
        found = list(refused_layers(config, custom_objects))
    if found:
        lines = "".join(f"\n  {refused.path}: {refused.reason}" for refused in found)
        raise ValueError(f"from_keras: {len(found)} layer{'s' * (len(found) > 1)} can't be taken:{lines}")
    made = deserialize(config, custom_objects)
    if isinstance(made, Storable):
        made.is_of_keras_2 = is_of_keras_2
    if isinstance(made, nn.Module) and hasattr(keras_object, "get_weights"):
        _send_weights(keras_object, made)
        made.eval()
    return made


def to_keras(module: Any) -> Any:
    """Return a fresh Keras 3 layer or model with the config and the weights of one of torch_layers; also a loss and so on.

    Keras has to be imported by the caller: `import keras` after `import torch`.
    Raises: RuntimeError if it isn't; ValueError if the module has no config that Keras knows, or is not built.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        raise RuntimeError("to_keras: keras is not imported; `import keras` first (pip install keras tensorflow)")
    made = keras.saving.deserialize_keras_object(serialize(module))
    if isinstance(module, Loss):
        # Keras's configs of some losses leave arguments out, such as Huber's delta.
        made = type(made)(**{p.name: serialize(getattr(module, p.name)) for p in parameters(type(module))})
    if isinstance(module, Layer):
        weights = module.get_weights()
        if weights and not made.built:
            made.build_from_config(module.get_build_config())
        made.set_weights(weights)
        for layer in (made, *getattr(made, "_flatten_layers", list)()):
            # Preprocessing layers compute with copies of their weights.
            getattr(layer, "finalize_state", lambda: None)()
    return made


def _described(keras_object: Any) -> tuple[str, dict[str, Any]]:
    """Return the package of an object of Keras's, and Keras's own description of it."""
    for owner in (keras_object, *type(keras_object).__mro__):
        module = str(getattr(owner, "__module__", ""))
        package = module.split(".")[0]
        if package in _PACKAGES and package in sys.modules:
            keras = sys.modules[package]
            if isinstance(keras_object, keras.metrics.Metric):
                raise TypeError(f"from_keras: {type(keras_object).__name__} is a metric, and torch_layers has none")
            described: Any = keras.saving.serialize_keras_object(keras_object)
            if isinstance(described, str):  # a built-in activation is its name
                return package, {"class_name": "function", "config": described}
            if described["class_name"] == "function" and "losses" in module.split("."):
                return package, {**described, "module": losses.module}
            arguments = inspect.signature(type(keras_object)).parameters
            # What a loss calls its function with, some of which its config leaves out.
            named = {key: value for key, value in getattr(keras_object, "_fn_kwargs", {}).items() if key in arguments}
            return package, {**described, "config": {**described["config"], **named}} if named else described
    raise TypeError(f"from_keras: {type(keras_object).__name__} is not a layer, model or other object of Keras's")


def _with_meaning_of_keras_2(keras_object: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return what tf-keras says of its objects in the form of Keras 3; initializers and the like have it already."""
    keras: Any = sys.modules["tf_keras"]
    from torch_layers.saving.legacy import activations, configs
    from torch_layers.saving.legacy import losses as legacy_losses

    if isinstance(keras_object, keras.layers.Layer):
        return configs.modern_config(config, keras.__version__, "tensorflow")
    if config.get("module") == losses.module or isinstance(keras_object, keras.losses.Loss):
        return legacy_losses.modern_loss(config)
    if keras_object is keras.activations.hard_sigmoid:
        return dict(activations.HARD_SIGMOID)
    return config


class Refused(NamedTuple):
    """A layer that can't be made: its path in the model, why, and its description."""

    path: str
    reason: str
    config: Mapping[str, Any]


def refused_layers(config: Mapping[str, Any], custom: CustomObjects | None, path: str = "") -> Iterator[Refused]:
    """Yield each layer in a description that can't be made; nothing is built for it."""
    inner = config.get("config")
    within = inner.get("layers") if isinstance(inner, Mapping) else None
    if isinstance(within, (list, tuple)) and config["class_name"] in ("Functional", "Sequential", "Model"):
        for data in within:
            name = data.get("name") or data["config"].get("name", data["class_name"])
            yield from refused_layers(data, custom, f"{path}/{name}" if path else str(name))
        return
    alone = {key: value for key, value in config.items() if key != "build_config"}
    try:
        if is_operation(config):
            read_operation({**config, "config": deserialize(inner, custom)})
        else:
            deserialize(alone, custom)
    except (ValueError, TypeError, NotImplementedError) as error:
        yield Refused(path or str(config["class_name"]), str(error), config)


def _send_weights(source: Any, target: Any) -> None:
    """Copy the weights layer by layer, so that an error can name the layer."""
    pairs = _within(source, target)
    if pairs:
        for inner, counterpart in pairs:
            _send_weights(inner, counterpart)
        return
    weights = source.get_weights()
    if not weights:  # a layer that isn't built has none yet either
        return
    if not hasattr(target, "set_weights"):
        raise ValueError(
            f"from_keras: {source.name!r} has {len(weights)} weights, {target!r} has no set_weights to take them"
        )
    try:
        target.set_weights(weights)
    except ValueError as error:
        raise ValueError(f"from_keras: layer {source.name!r}: {error}") from error


def _within(source: Any, target: Any) -> list[tuple[Any, Any]]:
    """Pair the layers of two models; none for two layers."""
    counterparts: Any = getattr(target, "layers", None) if isinstance(target, Layer) else None
    if counterparts is None or not hasattr(source, "layers"):
        return []
    layers = [layer for layer in source.layers if type(layer).__name__ not in _OPERATIONS_OF_KERAS_2]
    return list(zip(layers, counterparts, strict=True))
