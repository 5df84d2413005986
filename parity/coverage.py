"""What no case touches. The denominator is read from the installed Keras at run time: public names, their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parity.case import Case, Object
from parity.cases import all_cases
from torch_layers.registry import Registry, layer_functions

# kind of case -> Keras's namespace, and whether it holds classes or functions
KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "layer": ("layers", inspect.isclass),
    "merge_function": ("layers", inspect.isfunction),
    "loss": ("losses", inspect.isclass),
    "loss_function": ("losses", inspect.isfunction),
    "activation": ("activations", inspect.isfunction),
    "initializer": ("initializers", inspect.isclass),
    "regularizer": ("regularizers", inspect.isclass),
    "constraint": ("constraints", inspect.isclass),
}
# Public in Keras's namespaces, but not something that computes: they look up, serialize, or are subclassed.
NOT_COMPUTING = {"get", "serialize", "deserialize"}
ABSTRACT = {"Layer", "Loss", "Initializer", "Regularizer", "Constraint", "Input"}
# Inputs of a function, not its configuration.
CALL_ARGUMENTS = {"self", "x", "y_true", "y_pred", "inputs", "kwargs", "args", "base_layer_kwargs"}


@dataclass
class Thing:
    """A public class or function of Keras: the arguments it has and those that some case sets."""

    kind: str
    name: str
    arguments: set[str]
    built: bool
    cases: int = 0
    touched: set[str] = field(default_factory=set)

    @property
    def missing(self) -> set[str]:
        """Its arguments that no case sets."""
        return self.arguments - self.touched


def _own_arguments(thing: Any) -> set[str]:
    signature = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing)
    named = (p.name for p in signature.parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
    return set(named) - CALL_ARGUMENTS


def _is_built(kind: str, name: str) -> bool:
    if kind == "merge_function":
        return name in layer_functions
    registry = Registry.by_module[f"keras.{KINDS[kind][0]}"]
    return name in registry or (kind == "loss_function" and name in registry)


def things(keras: Any) -> list[Thing]:
    """List every public class and function of Keras that a case can be about, aliases once."""
    found: dict[tuple[str, int], Thing] = {}
    for kind, (namespace, is_kind) in KINDS.items():
        module = getattr(keras, namespace)
        for name in sorted(dir(module), key=lambda n: (n != getattr(getattr(module, n), "__name__", n), n)):
            thing = getattr(module, name)
            if name.startswith("_") or name in NOT_COMPUTING | ABSTRACT or not is_kind(thing):
                continue
            key = (kind, id(thing))
            if key not in found:
                found[key] = Thing(kind, name, _own_arguments(thing), _is_built(kind, name))
    return list(found.values())


def _uses(cases: Iterable[Case]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    for case in cases:
        yield case.kind, case.name, {**case.config, **case.call}
        for value in case.config.values():
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, Object):
                    yield inner.kind, inner.name, inner.config


def coverage(keras: Any) -> list[Thing]:
    """Return every public thing of Keras with what cases touch of it."""
    table = things(keras)
    by_name = {(thing.kind, thing.name): thing for thing in table}
    for kind, name, config in _uses(all_cases()):
        thing = by_name.get((kind, name))
        if thing is not None:
            thing.cases += 1
            thing.touched |= set(config) & thing.arguments
    return table


def summary(table: list[Thing]) -> list[str]:
    """Return the lines that `parity coverage` ends with: what is covered, what is missing, what is not built."""
    lines = []
    built = [thing for thing in table if thing.built]
    for thing in built:
        if not thing.cases:
            lines.append(f"no case: {KINDS[thing.kind][0]}.{thing.name}")
        elif thing.missing:
            lines.append(f"no case sets: {KINDS[thing.kind][0]}.{thing.name}: {', '.join(sorted(thing.missing))}")
    for kind, (namespace, _) in KINDS.items():
        absent = [thing.name for thing in table if thing.kind == kind and not thing.built]
        if absent:
            lines.append(f"not built yet, {kind}s of keras.{namespace} ({len(absent)}): {', '.join(absent)}")
    covered = sum(1 for thing in built if thing.cases)
    arguments = sum(len(thing.arguments) for thing in built)
    touched = sum(len(thing.touched) for thing in built)
    lines.append(
        f"built: {covered} of {len(built)} classes and functions have cases, {touched} of {arguments} arguments are set; "
        f"Keras has {len(table)}"
    )
    return lines


def complete(table: list[Thing]) -> bool:
    """Tell whether every built class and function has a case and every argument of it is set by one."""
    return all(thing.cases and not thing.missing for thing in table if thing.built)
