"""Names to objects: every public class and function of one kind, registered where it is defined."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
# Longer ones are no slips of the pen, and would take long to compare.
_LONGEST_NAME = 100


def snake_case(name: str) -> str:
    """Spell a class name as Keras spells it in lower case: `GlorotUniform` is `glorot_uniform`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def nearest(name: object, allowed: Iterator[str] | list[str]) -> str:
    """Return " (did you mean 'x'?)" for the allowed name most like `name`, or an empty string."""
    if len(str(name)) > _LONGEST_NAME:
        return ""
    found = difflib.get_close_matches(str(name), list(allowed), n=1, cutoff=0.5)
    return f" (did you mean {found[0]!r}?)" if found else ""


class Registry:
    """The public objects of one kind, such as "initializer", under their Keras names.

    `module` is Keras's public module for the kind; a serialized config carries it.
    """

    by_module: ClassVar[dict[str, Registry]] = {}

    def __init__(self, kind: str, module: str) -> None:
        self.kind, self.module = kind, module
        self._objects: dict[str, Any] = {}
        Registry.by_module[module] = self

    def add(self, thing: T, *aliases: str) -> T:
        """Register a class or function under its own name and `aliases`. Raises: ValueError if a name is taken."""
        for name in (thing.__name__, *aliases):  # type: ignore[attr-defined]
            if name in self._objects:
                raise ValueError(f"{self.kind} {name!r} is registered already, by {self._objects[name]!r}")
            self._objects[name] = thing
        return thing

    def alias(self, *aliases: str) -> Callable[[T], T]:
        """Decorate a function to register it under its own name and `aliases`."""
        return lambda thing: self.add(thing, *aliases)

    def find(self, name: str) -> Any:
        """Return what is registered as `name`. Raises: ValueError naming the nearest registered name."""
        if name not in self._objects:
            raise ValueError(f"unknown {self.kind} {name!r}{nearest(name, list(self._objects))}")
        return self._objects[name]

    def unique(self) -> dict[str, Any]:
        """Return every object once, under its own name, in the order of definition."""
        return {thing.__name__: thing for thing in self._objects.values()}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._objects

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def name_of(self, thing: object) -> str | None:
        """Return the registered name of an object, or None for a user's own."""
        name = getattr(thing, "__name__", None)
        return name if name is not None and self._objects.get(name) is thing else None


layers = Registry("layer", "keras.layers")
activations = Registry("activation", "keras.activations")
initializers = Registry("initializer", "keras.initializers")
regularizers = Registry("regularizer", "keras.regularizers")
constraints = Registry("constraint", "keras.constraints")
losses = Registry("loss", "keras.losses")
# Functions that Keras keeps beside the layers, such as `add`. No config names them.
layer_functions = Registry("function", "keras.layers (functions)")


def is_ours(cls: type) -> bool:
    """Tell whether a class belongs to torch_layers itself: a user's own `Dense` must never change what a file loads."""
    return cls.__module__.split(".")[0] == "torch_layers" and not cls.__name__.startswith("_")
