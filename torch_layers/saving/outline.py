"""What a model's config says of its layers, read off it without making any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from torch_layers.graph.operations import is_operation
from torch_layers.serialization import are_plain

_MODELS = ("Functional", "Sequential", "Model")


class Member(NamedTuple):
    """A layer of a model as its config describes it. `path` leads through the names of the models that it is in."""

    path: tuple[str, ...]
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The path as text."""
        return "/".join(self.path)

    @property
    def class_name(self) -> str:
        """Keras's name of its class."""
        return str(self.entry.get("class_name", "?"))

    @property
    def config(self) -> Mapping[str, Any]:
        """The arguments of its constructor."""
        inner = self.entry.get("config")
        return inner if isinstance(inner, dict) else {}

    @property
    def layers(self) -> list[Mapping[str, Any]] | None:
        """What is said of the layers inside, if it is a model."""
        inner = self.entry.get("config")
        if isinstance(inner, dict):
            inner = inner.get("layers")
        elif self.class_name not in _MODELS:  # a Sequential of Keras 1 is a bare list
            inner = None
        if not isinstance(inner, (list, tuple)) or not all(isinstance(item, dict) for item in inner):
            return None
        return list(inner)

    @property
    def is_known_model(self) -> bool:
        """Whether its class is one of Keras's models."""
        return self.class_name in _MODELS

    @property
    def is_operation(self) -> bool:
        """Whether it is a function of Keras, not a layer."""
        return is_operation(self.entry)

    def members(self) -> Iterator[Member]:
        """Yield the layers inside, if it is a model: not those inside of these."""
        for number, entry in enumerate(self.layers or ()):
            inner = entry.get("config")
            name = entry.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
            shown = name if isinstance(name, str) else f"{entry.get('class_name', '?')} {number}"
            yield Member((*self.path, shown), entry)

    def nested(self) -> Iterator[tuple[str, Member]]:
        """Yield (argument, member) for each object among the arguments that is described as a layer is: of a wrapper its
        layer, and initializers and so on."""
        for key, value in self.config.items():
            for place, found in _described(str(key), value):
                yield str(key), Member((*self.path, place), found)


def _described(place: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            yield place, value
            return
        for key, item in value.items():
            yield from _described(f"{place}.{key}", item)
    elif isinstance(value, (list, tuple)) and not are_plain(value):
        for number, item in enumerate(value):
            yield from _described(f"{place}[{number}]", item)


def walk(model: Member) -> Iterator[Member]:
    """Yield each layer of a model, those of the models inside it behind each of these."""
    for member in model.members():
        yield member
        yield from walk(member)
