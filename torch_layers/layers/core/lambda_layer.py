"""Lambda."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from torch_layers.layers.base import Layer
from torch_layers.layers.weights import as_tensor
from torch_layers.registry import activations as activation_registry
from torch_layers.serialization import CustomObjects, deserialize, serialize

# What Keras 2 writes beside a function, to find or rebuild it.
_KERAS_2 = {"module", "function_type", "output_shape_type", "output_shape_module", "mask_type", "mask_module"}


class Lambda(Layer):
    """y = function(x, **arguments), for any Python function of a tensor (or of whatever the layer is called with).

    A `function` that names `mask` or `training` among its parameters is given the input's mask and the layer's mode.
    `mask` is the mask of the output, or a function of (inputs, mask) that returns it. `output_shape` is kept for the
    config alone: shapes come from running the function.

    A config describes a function by its name, and a Python lambda not at all, so that `from_config` takes it from
    `custom_objects`, under its own name or under the layer's; a mask's under "<layer's name>.mask" too. Code in a
    config is never run.

    Shape: as the function says.
    Raises: ValueError if `function` is not callable; from `from_config`, for a function that `custom_objects` lacks and
    that is no activation of torch_layers.
    Source: keras.layers.Lambda, Keras 3.15.
    """

    # The base would ask functions for a config of their own.
    config_omits = frozenset({"function", "output_shape", "mask", "arguments"})
    mask: Any

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"Lambda: function={function!r} is not callable")
        self.function, self.output_shape, self.arguments = function, output_shape, dict(arguments or {})
        self.supports_masking = mask is not None
        if hasattr(mask, "shape"):
            # Moves with the layer to its device; no state_dict holds it, for the config does.
            self.register_buffer("mask", as_tensor(mask).clone(), persistent=False)
        else:
            self.mask = mask
        self._context = [name for name in ("mask", "training") if name in _positional(function)]
        # What a call gives for these wins over `arguments`.
        self._constant = {name: value for name, value in self.arguments.items() if name not in self._context}

    def forward(self, inputs: Any, mask: Any = None) -> Any:
        if not self._context:
            return self.function(inputs, **self._constant)
        known = {"mask": mask, "training": self.training}
        return self.function(inputs, **self._constant, **{name: known[name] for name in self._context})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the `mask` that the layer was made with, or what it returns if it is a function."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        functions = {name: getattr(self, name) for name in ("function", "output_shape", "mask")}
        described = {n: _described(f) if callable(f) else serialize(f) for n, f in functions.items() if f is not None}
        return {**super().get_config(), **described, "arguments": serialize(self.arguments)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects | None = None) -> Lambda:
        """Make a layer from what `get_config` of this class, of Keras 3's or of Keras 2's returned.

        Raises: ValueError, naming the layer, for a function that `custom_objects` has to give and does not.
        """
        name, custom = config.get("name", "lambda"), custom_objects or {}
        rest = {key: value for key, value in config.items() if key not in _KERAS_2}
        functions = {"function": _find(rest.pop("function"), name, name, custom)}
        if _is_function(config, "mask"):
            functions["mask"] = _find(rest.pop("mask"), name, f"{name}.mask", custom)
        if _is_function(config, "output_shape"):
            described = rest.pop("output_shape")
            key = described.get("config") if isinstance(described, dict) else described
            # Shapes come from running the function: without this one nothing is lost.
            functions["output_shape"] = custom.get(key) if isinstance(key, str) else None
        # Lists and arrays come out of JSON as Keras 3 and Keras 2 wrote them.
        if isinstance(rest.get("output_shape"), list):
            rest["output_shape"] = tuple(rest["output_shape"])
        arguments = {key: _array(value) for key, value in (rest.pop("arguments", None) or {}).items()}
        return cls(**functions, **deserialize({**rest, "arguments": arguments}, custom))

    def extra_repr(self) -> str:
        return f"function={_name(self.function)}"


def _positional(function: Callable[..., Any]) -> list[str]:
    try:
        return inspect.getfullargspec(function).args
    except TypeError:  # torch's own functions don't tell
        return []


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _described(function: Callable[..., Any]) -> dict[str, Any]:
    if _name(function) == "<lambda>":
        # Keras writes the code here, which nobody should run.
        return {"class_name": "__lambda__", "config": {"code": None, "defaults": None, "closure": None}}
    return {"module": "builtins", "class_name": "function", "config": _name(function), "registered_name": "function"}


def _is_function(config: Mapping[str, Any], argument: str) -> bool:
    described = config.get(argument)
    named = isinstance(described, dict) and described.get("class_name") in ("function", "__lambda__")
    return named or callable(described) or config.get(f"{argument}_type") in ("function", "lambda")


def _find(described: Any, layer: str, key: str, custom: CustomObjects) -> Any:
    """Return the function that a config describes by its name, or that `custom` has under `key` for it."""
    if callable(described):
        return described
    if isinstance(described, dict) and described.get("class_name") == "function":
        described = described["config"]
    named = isinstance(described, str)
    for known in (described, key) if named else (key,):
        if known in custom:
            return custom[known]
    if named and described in activation_registry:
        return activation_registry.find(described)
    what = f"the function {described!r}" if named else "a Python lambda, whose code is never run"
    raise ValueError(
        f"Lambda {layer!r}: its config holds {what}; pass the function to use as "
        f"custom_objects={{{described if named else key!r}: function}}"
    )


def _array(value: Any) -> Any:
    old = isinstance(value, dict) and value.get("type") == "ndarray"
    return np.array(value["value"]) if old else value
