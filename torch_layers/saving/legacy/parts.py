"""What stands inside a layer's config of Keras 2: activations, initializers, regularizers, constraints, dtypes, arrays.

Source: keras/utils/generic_utils.py, Keras 2.3; tf_keras/src/saving/legacy/serialization.py, 2.21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch_layers import registry
from torch_layers.registry import Registry, snake_case
from torch_layers.saving.legacy.activations import HARD_SIGMOID
from torch_layers.saving.legacy.reading import ConfigError, a_dict, a_name, shown

# Names that Keras 1 and 2 wrote for what Keras 3 calls otherwise.
_ACTIVATIONS = {"softmax_v2": "softmax"}
_OTHER_NAMES = {
    "initializer": {
        "zero": "zeros",
        "one": "ones",
        "uniform": "random_uniform",
        "normal": "random_normal",
        "uniform_unit_scaling": "variance_scaling",
    },
    "regularizer": {"l1_l2": "l1l2"},
    "constraint": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm", "minmaxnorm": "min_max_norm"},
}
# What TensorFlow 1 wrote beside an initializer's arguments.
_TF_1 = ("dtype", "verify_shape")


def activation(value: Any, layer: Callable[[Any, str], dict[str, Any]], path: str) -> Any:
    """Return an activation: a name, a function's config or, made by `layer`, that of the layer at `path` used as one."""
    if isinstance(value, dict) and value.get("class_name") not in (None, "function"):
        return layer(value, path)
    name = value.get("config") if isinstance(value, dict) else value
    if name is None:
        return None
    name = a_name(name, "the activation")
    if name == "hard_sigmoid":
        return dict(HARD_SIGMOID)
    name = _ACTIVATIONS.get(name, name)
    if name in registry.activations:
        return name
    # In this form, `custom_objects` is asked for it.
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def initializer(value: Any) -> Any:
    """Return an initializer. Those of TensorFlow 1 name a dtype too, and a "normal" distribution was a truncated one."""
    found = _object(value, registry.initializers)
    if isinstance(found, dict) and found.get("module") == "keras.initializers":
        config = {key: plain(item) for key, item in found["config"].items() if key not in _TF_1}
        if config.get("distribution") == "normal":
            config["distribution"] = "truncated_normal"
        return {**found, "config": config}
    return found


def regularizer(value: Any) -> Any:
    """Return a regularizer."""
    found = _object(value, registry.regularizers)
    if isinstance(found, dict):
        return {**found, "config": {key: plain(item) for key, item in found["config"].items()}}
    return found


def constraint(value: Any) -> Any:
    """Return a constraint."""
    return _object(value, registry.constraints)


def _object(value: Any, registry: Registry) -> Any:
    """Return the config, or the name, of an object of one kind, in such a form that `custom_objects` is asked for others."""
    if value is None:
        return None
    if isinstance(value, str):
        name = _OTHER_NAMES[registry.kind].get(value, value)
        return name if name in registry else {"class_name": name, "config": {}}
    described = a_dict(value, f"the {registry.kind}")
    name = a_name(described.get("class_name"), f"the class of the {registry.kind}")
    config = described.get("config")
    if name == "function":
        return described
    config = a_dict({} if config is None else config, f"the config of the {registry.kind} {name}")
    known = next((n for n in (name, _OTHER_NAMES[registry.kind].get(snake_case(name))) if n in registry), None)
    if known is None or described.get("registered_name") not in (None, name):
        return {"class_name": name.split(">")[-1], "config": config, "registered_name": name}
    return {"module": registry.module, "class_name": known, "config": config, "registered_name": None}


def dtype(value: Any) -> str | None:
    """Return the name of a dtype or policy; None if the file leaves it to the first input."""
    if isinstance(value, dict):
        inner = a_dict(value.get("config") or {}, "the config of the dtype policy")
        value = inner.get("name", value.get("class_name"))
    if value is None:
        return None
    name = a_name(value, "the dtype")
    # Policies of TensorFlow 2.0 and 2.1.
    return None if name in ("infer", "_infer", "infer_with_float32_vars") else name.removesuffix("_with_float32_vars")


_TF_DTYPES = {"half": "float16", "float": "float32", "double": "float64"}


def tf_dtype(value: Any) -> str:
    """Return the name of a dtype that TensorFlow's messages call DT_FLOAT and the like."""
    name = a_name(value, "the dtype").removeprefix("DT_").lower()
    return _TF_DTYPES.get(name, name)


def plain(value: Any) -> Any:
    """Return a value without the form in which Keras 2 wrote numpy's arrays and numbers."""
    if isinstance(value, dict) and value.get("type") == "ndarray" and "value" in value:
        return value["value"]
    return value


def sizes(value: Any, what: str) -> list[int | None]:
    """Return a shape. Raises: ConfigError if it is none."""
    fits = isinstance(value, (list, tuple)) and all(
        size is None or (isinstance(size, int) and not isinstance(size, bool) and size >= 0) for size in value
    )
    if not fits:
        raise ConfigError(f"{what} is {shown(value)}, not a list of sizes and null")
    return list(value)
