"""Objects to the plain dicts that Keras writes, and back.

`serialize` gives what `keras.saving.serialize_keras_object` gives for the same object and `deserialize` reads it.
Reading never imports a name, unpickles or runs what a config carries: a class resolves in torch_layers' registries or
in the caller's `custom_objects`, and nowhere else.
Source: keras/src/saving/serialization_lib.py, 3.15.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from torch_layers import dtypes
from torch_layers.registry import Registry, is_ours, nearest
from torch_layers.registry import activations as activation_registry
from torch_layers.registry import layers as layer_registry

Self = TypeVar("Self", bound="Configurable")
CustomObjects = Mapping[str, Any]


_PLAIN = frozenset((str, int, float, bool, type(None)))


def are_plain(items: Iterable[Any]) -> bool:
    """Tell whether a list holds nothing that could hold something itself; of long lists it is told soon."""
    return _PLAIN.issuperset(map(type, items))


# By class: to read signatures takes longer than to make most objects.
_PARAMETERS: WeakKeyDictionary[type, tuple[inspect.Parameter, ...]] = WeakKeyDictionary()


def parameters(cls: type) -> tuple[inspect.Parameter, ...]:
    """List the named constructor parameters of a class, those that `**kwargs` hands to its bases included."""
    known = _PARAMETERS.get(cls)
    if known is None:
        known = _PARAMETERS[cls] = tuple(_read_parameters(cls))
    return known


def _read_parameters(cls: type) -> Iterable[inspect.Parameter]:
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        own = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        for parameter in own:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                found.setdefault(parameter.name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in own):
            break
    return found.values()


class Configurable:
    """An object that its constructor's arguments describe: each is kept as an attribute of the same name.

    Subclasses inside torch_layers register themselves by being defined.
    """

    registry: ClassVar[Registry]
    aliases: ClassVar[tuple[str, ...]] = ()
    # Arguments that a config leaves out, as Keras does.
    config_omits: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_ours(cls) and hasattr(cls, "registry"):
            cls.registry.add(cls, *vars(cls).get("aliases", ()))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain values; `from_config` makes an equal object of them."""
        names = (p.name for p in parameters(type(self)) if p.name not in self.config_omits)
        return {name: serialize(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls: type[Self], config: dict[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        """Make an object from what `get_config` returned.

        Raises: ValueError if the config holds a class or function that is neither Keras's nor in `custom_objects`.
        """
        return cls(**{name: deserialize(value, custom_objects) for name, value in config.items()})


def serialize(thing: Any) -> Any:
    """Return `thing` as plain values and dicts, in the form of `keras.saving.serialize_keras_object`.

    Raises: TypeError if `thing` can't be described by plain values.
    """
    if thing is None or isinstance(thing, (str, int, float, bool)):
        return thing
    if isinstance(thing, (list, tuple)):
        return type(thing)(serialize(item) for item in thing)
    if isinstance(thing, Mapping):
        return {key: serialize(value) for key, value in thing.items()}
    if isinstance(thing, Tensor):
        return _wrapped("__tensor__", value=thing.tolist(), dtype=dtypes.name_of(thing.dtype))
    if isinstance(thing, np.ndarray) and thing.ndim > 0:
        return _wrapped("__numpy__", value=thing.tolist(), dtype=thing.dtype.name)
    if isinstance(thing, (np.generic, np.ndarray)):
        return thing.item()
    if isinstance(thing, slice):
        return _wrapped("__slice__", start=thing.start, stop=thing.stop, step=thing.step)
    if thing is Ellipsis:
        return _wrapped("__ellipsis__")
    if isinstance(thing, dtypes.Policy):
        return {"module": "keras", "class_name": "DTypePolicy", "config": {"name": thing.name}, "registered_name": None}
    if isinstance(thing, FunctionType) or inspect.isbuiltin(thing):
        return _serialize_function(thing)
    if hasattr(thing, "get_config"):
        cls = type(thing)
        ours = is_ours(cls) and isinstance(thing, Configurable)
        described = {
            "module": cls.registry.module if ours else cls.__module__,
            "class_name": cls.__name__,
            "config": thing.get_config(),
            "registered_name": None if ours else f"Custom>{cls.__name__}",
        }
        build_config = getattr(thing, "get_build_config", lambda: None)()
        return described if build_config is None else {**described, "build_config": build_config}
    raise TypeError(f"{type(thing).__name__} can't be serialized: it has no get_config()")


def _wrapped(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


def _serialize_function(function: Callable[..., Any]) -> Any:
    for registry in Registry.by_module.values():
        name = registry.name_of(function)
        if name is not None:
            described = {"module": registry.module, "class_name": "function", "config": name, "registered_name": name}
            return name if registry is activation_registry else described
    # Keras says no more of a user's function.
    return {"module": "builtins", "class_name": "function", "config": function.__name__, "registered_name": "function"}


def deserialize(config: Any, custom_objects: CustomObjects | None = None, registry: Registry | None = None) -> Any:
    """Make the object that `config`, a dict of `serialize` or `keras.saving.serialize_keras_object`, describes.

    Plain values, lists and dicts come back as they are. A class that isn't Keras's comes from `custom_objects`, a
    mapping from its name (or registered name) to a class or function. `registry` says where to look when the config
    doesn't name a module.

    Raises: ValueError for an unknown class or function and for a Lambda's code, which is never run.
    """
    if isinstance(config, (list, tuple)):
        plain = are_plain(config)
        return type(config)(config if plain else (deserialize(item, custom_objects, registry) for item in config))
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: deserialize(value, custom_objects, registry) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    if not isinstance(name, str):
        raise ValueError(f"deserialize: class_name={name!r} is not the name of a class")
    if name in _SPECIAL:
        try:
            return _SPECIAL[name](inner)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"deserialize: {name} with the config {str(inner)[:100]}: {error!r}") from error
    custom = custom_objects or {}
    found = find_named(config, custom, registry)
    return found if name == "function" else _make(found, config, custom)


def find_named(config: dict[str, Any], custom_objects: CustomObjects, registry: Registry | None = None) -> Any:
    """Return the class or function that a dict with `class_name` and `config` names, without making anything of it.

    Raises: ValueError if it is neither Keras's nor in `custom_objects`.
    """
    name = config["config" if config["class_name"] == "function" else "class_name"]
    keys = (name,) if config["class_name"] == "function" else (config.get("registered_name"), name)
    for key in keys:
        for known in (key, own_name(key)) if isinstance(key, str) else ():
            if known in custom_objects:
                return custom_objects[known]
    return _resolve(config, name, registry)


# Public names of Keras's classes with other names, which its .h5 files give instead.
_CLASSES = {"GroupedQueryAttention": "GroupQueryAttention"}


def own_name(name: str) -> str:
    """Return the name that a user gave a class or function, without the package that it was registered in."""
    return name.rpartition(">")[2] or name  # "<lambda>" is one


def _resolve(config: dict[str, Any], name: str, registry: Registry | None) -> Any:
    # Keras writes "function" as the registered name of every function.
    if config.get("registered_name") not in (None, name, config["class_name"]) or not isinstance(name, str):
        raise ValueError(_unknown(config, name, registry))
    if config["class_name"] == "DTypePolicy":
        return dtypes.Policy
    module = config.get("module")
    if isinstance(module, str) and module in Registry.by_module:
        registry = Registry.by_module[module]
    elif module in ("keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential"):
        registry = layer_registry
    elif module == "builtins" and config["class_name"] == "function":
        registry = registry or activation_registry
    elif isinstance(module, str):
        # A module that is not Keras's public one: whatever it names is the user's own.
        raise ValueError(_unknown(config, name, registry))
    registry = registry or layer_registry
    if module is None:
        name = _CLASSES.get(name, name)
    if name not in registry:
        raise ValueError(_unknown(config, name, registry))
    found = registry.find(name)
    if config["class_name"] == "function" and inspect.isclass(found):
        raise ValueError(f"deserialize: {name!r} is a class of torch_layers, the config calls it a function")
    return found


def _unknown(config: dict[str, Any], name: str, registry: Registry | None) -> str:
    kind = registry.kind if registry else "class or function"
    kind = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    hint = nearest(name, list(registry or layer_registry))
    return (
        f"deserialize: {name!r} (module {config.get('module')!r}) is not {kind} of torch_layers{hint}; "
        f"pass custom_objects={{{own_name(str(name))!r}: ...}} to say what it is"
    )


def _make(found: Any, config: dict[str, Any], custom: CustomObjects) -> Any:
    inner = dict(config["config"] or {})
    if found is dtypes.Policy:
        return dtypes.Policy(inner["name"])
    if not inspect.isclass(found):
        return found
    if not hasattr(found, "from_config"):
        made = found(**deserialize(inner, custom))
    else:
        made = found.from_config(inner, custom_objects=custom) if _takes_custom(found) else found.from_config(inner)
    build_config = config.get("build_config")
    if build_config and hasattr(made, "build_from_config"):
        made.build_from_config(build_config)
    return made


_TAKES_CUSTOM: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def _takes_custom(cls: Any) -> bool:
    """Tell whether a class's `from_config` takes `custom_objects`: a user's may not."""
    known = _TAKES_CUSTOM.get(cls)
    if known is None:
        known = _TAKES_CUSTOM[cls] = "custom_objects" in inspect.signature(cls.from_config).parameters
    return known


def _array(inner: Any) -> np.ndarray[Any, Any]:
    # Of numbers alone: a dtype of texts or of arrays says how much memory each value takes.
    name = inner["dtype"]
    if not isinstance(name, str) or not re.fullmatch(r"bool|u?int\d+|float\d+|complex\d+", name):
        raise ValueError(f"deserialize: __numpy__ has dtype={name!r}, which is none of numbers")
    return np.array(inner["value"], dtype=name)


def _refuse_lambda(inner: Any) -> Any:
    raise ValueError(
        "deserialize: the config carries a Python lambda, whose code is never run; pass the function that replaces it: "
        "custom_objects={'name of the layer': function}"
    )


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "__tensor__": lambda c: torch.tensor(c["value"], dtype=dtypes.resolve(c["dtype"])),
    "__numpy__": _array,
    "__slice__": lambda c: slice(c["start"], c["stop"], c["step"]),
    "__ellipsis__": lambda c: Ellipsis,
    "__tuple__": lambda c: tuple(c),
    "__bytes__": lambda c: c["value"].encode(),
    "__lambda__": _refuse_lambda,
}


def get(identifier: Any, registry: Registry, custom_objects: CustomObjects | None = None) -> Any:
    """Return the object of one kind that a name, a config dict, a class, a function or an object itself stands for.

    Raises: ValueError naming the kind, what was given and the nearest known name.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        if custom_objects and identifier in custom_objects:
            return custom_objects[identifier]
        found = registry.find(identifier)
        return found() if inspect.isclass(found) else found
    if isinstance(identifier, dict):
        return deserialize(identifier, custom_objects, registry)
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"{registry.kind} {identifier!r} is neither a name, a config, a function nor None")
