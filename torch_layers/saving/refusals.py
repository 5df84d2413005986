"""Everything in a config that can't be made, told at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch_layers.graph.operations import read_operation
from torch_layers.layers.core.lambda_layer import Lambda
from torch_layers.layers.weighted import unallocated
from torch_layers.registry import activations as activation_registry
from torch_layers.saving.arrays import Array, Path, arrays_by_layer
from torch_layers.saving.content import WeightsFile
from torch_layers.saving.outline import Member
from torch_layers.serialization import CustomObjects, deserialize, find_named, own_name

# A config that an error shows has this many characters at most; a sentence shows so many names and lines.
_LONGEST, _MOST_NAMES, _MOST_LINES = 300, 20, 100
# Arguments for functions: where one is missing, any other will do to find what else is wrong with a layer.
_FUNCTIONS = ("activation", "initializer", "regularizer", "constraint")


@dataclass(frozen=True)
class Refusal:
    """What can't be made: the path of the layer, the way from it to one of its arguments ("" if it is the layer itself),
    why, the description of either, and the layer's arrays.

    `missing` is the name under which `custom_objects` could give it; None if that is not what is wrong. `arrays` is None
    if there is no file of weights.
    """

    layer: str
    argument: str
    reason: str
    config: Mapping[str, Any]
    missing: str | None = None
    arrays: tuple[Array, ...] | None = None

    def __str__(self) -> str:
        path = f"{self.layer}/{self.argument}" if self.argument else self.layer
        text = f"{path}: {self.reason}; config {_shortened(self.config)}"
        if self.arrays is None:
            return text
        return f"{text}; weights {', '.join(str(array.shape) for array in self.arrays) or 'none'}"


def refusals(
    config: Mapping[str, Any], custom_objects: CustomObjects | None, weights: WeightsFile | None
) -> list[Refusal]:
    """List what can't be made of a model's config: each class and function that is missing, and each layer whose
    arguments are refused, with the arrays that the file holds for the layer. Nothing gets memory.
    """
    model = Member((), config)
    with unallocated():
        problems = list(_in_model(model, dict(custom_objects or {})))
    arrays = arrays_by_layer(weights, model) if problems and weights is not None else None
    found = []
    for path, place, problem in problems:
        shown = "/".join(path) or str(problem.entry.get("class_name"))
        own = None if arrays is None else tuple(arrays.get(path, ()))
        found.append(Refusal(shown, "/".join(place), problem.reason, problem.entry, problem.missing, own))
    return found


def missing_names(found: list[Refusal]) -> list[str]:
    """List the names that `custom_objects` has to give, each once."""
    return list(dict.fromkeys(refusal.missing for refusal in found if refusal.missing is not None))


def listing(found: list[Refusal]) -> str:
    """Return all of them as the text of an error: a line each, and what to pass."""
    layers = len({refusal.layer for refusal in found})
    lines = [f"{layers} layer{'s' * (layers > 1)} can't be taken:", *(f"  {one}" for one in found[:_MOST_LINES])]
    if len(found) > _MOST_LINES:
        lines.append(f"  and {len(found) - _MOST_LINES} more")
    names = missing_names(found)
    if names:
        lines.append(f"pass {custom_objects_of(names)} to say what is missing")
    return "\n".join(lines)


def custom_objects_of(names: list[str]) -> str:
    """Return the argument that gives names, as Python writes it."""
    shown = ", ".join(f"{name!r}: ..." for name in names[:_MOST_NAMES])
    return f"custom_objects={{{shown}{', ...' if len(names) > _MOST_NAMES else ''}}}"


def _shortened(config: Mapping[str, Any]) -> str:
    text = ""
    try:
        for part in json.JSONEncoder(default=repr).iterencode(config):
            text += part
            if len(text) > _LONGEST:
                break
    except (TypeError, ValueError):  # keys that are no text, a circle: of a config that was never JSON
        text = repr(config)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@dataclass(frozen=True)
class _Problem:
    reason: str
    entry: Mapping[str, Any]
    missing: str | None = None


# The path of a layer, the way from it to one of its arguments, and what is wrong there.
_Found = Iterator[tuple[Path, Path, _Problem]]


def _in_model(model: Member, custom: dict[str, Any]) -> _Found:
    if not model.is_known_model:
        unknown = _of_name(model, custom)
        if unknown is not None:
            yield model.path, (), unknown
    for member in model.members():
        if member.layers is not None:
            yield from _in_model(member, custom)
        else:
            for place, problem in _in_layer(member, custom):
                yield member.path, place, problem


def _in_layer(member: Member, custom: dict[str, Any]) -> Iterator[tuple[Path, _Problem]]:
    """Yield what is wrong with a layer or another object, its arguments first; and where in it that is."""
    if member.layers is not None:
        for path, place, problem in _in_model(member, custom):
            yield (*path[len(member.path) :], *place), problem
        return
    if member.is_operation:
        failed = _of_trial(member, lambda: read_operation(_entry(member, deserialize(dict(member.config), custom))))
        if failed is not None:
            yield (), failed
        return
    if not isinstance(member.entry.get("class_name"), str) or "config" not in member.entry:
        yield (), _Problem("is no description of a layer, which has a class_name and a config", member.entry)
        return
    unknown = _of_name(member, custom)
    if unknown is not None:
        yield (), unknown
    elif _is_lambda(member, custom):
        failed = _of_trial(member, lambda: deserialize(_entry(member), custom))
        if failed is not None:
            yield (), _Problem(failed.reason, failed.entry, _lambda_function(member, custom))
        return
    arguments, can_be_tried = dict(member.config), unknown is None
    for key, inner in member.nested():
        found = list(_in_layer(inner, custom))
        yield from (((inner.path[-1], *place), problem) for place, problem in found)
        if found and key.endswith(_FUNCTIONS):
            arguments[key] = _any_function
        elif found:
            can_be_tried = False
    if can_be_tried and member.entry.get("class_name") != "function":
        failed = _of_trial(member, lambda: deserialize(_entry(member, arguments), custom))
        if failed is not None:
            yield (), failed


def _is_lambda(member: Member, custom: dict[str, Any]) -> bool:
    return (
        member.class_name != "function" and not _is_special(member) and find_named(dict(member.entry), custom) is Lambda
    )


def _is_special(member: Member) -> bool:
    """Whether an object is no class by name: a tensor, a slice and the like."""
    return member.class_name.startswith("__") and member.class_name.endswith("__")


def _any_function(x: Any, *args: Any, **kwargs: Any) -> Any:
    return x


def _entry(member: Member, arguments: Any = None) -> dict[str, Any]:
    """Return the description of a layer without its input shape: it is not built."""
    entry = {key: value for key, value in member.entry.items() if key != "build_config"}
    return entry if arguments is None else {**entry, "config": arguments}


def _of_name(member: Member, custom: dict[str, Any]) -> _Problem | None:
    """Tell what is wrong with the name of a class or function."""
    if _is_special(member):
        return None
    name = member.entry.get("class_name")
    problem = _of_trial(member, lambda: find_named(dict(member.entry), custom))
    if problem is None:
        return None
    missing = member.entry.get("config") if name == "function" else name
    return _Problem(problem.reason, problem.entry, own_name(missing) if isinstance(missing, str) else None)


def _of_trial(member: Member, make: Any) -> _Problem | None:
    try:
        make()
    except (ValueError, NotImplementedError, ImportError) as error:
        reason = str(error)
    except Exception as error:  # what a config that no Keras wrote makes of a constructor
        reason = f"{type(error).__name__}: {error}"
    else:
        return None
    return _Problem(reason.removeprefix("deserialize: "), member.entry)


def _lambda_function(member: Member, custom: dict[str, Any]) -> str | None:
    """Return the name under which a Lambda layer looks for its function; None if that is there."""
    described = member.config.get("function")
    if isinstance(described, Mapping) and described.get("class_name") == "function":
        described = described.get("config")
    if isinstance(described, str):
        return None if described in custom or described in activation_registry else described
    name = member.config.get("name", "lambda")
    return name if isinstance(name, str) and name not in custom else None
