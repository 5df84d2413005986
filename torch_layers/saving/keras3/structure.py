"""Which object lies where: Keras walks over a model's attributes and calls each group in the file after the way to it.

Source: keras/src/saving/saving_lib.py (_walk_saveable, _save_state, _save_container_state), 3.15; the same of Keras 2.12 to
2.15 and of tf_keras.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from torch import nn

from torch_layers.graph.functional import Functional
from torch_layers.graph.model import Model
from torch_layers.layers.attention.group_query_attention import GroupQueryAttention
from torch_layers.layers.attention.multi_head_attention import MultiHeadAttention
from torch_layers.registry import snake_case

_PROJECTIONS = {"query": "query", "key": "key", "value": "value", "gate": "gate", "attention_output": "output"}
# Where Keras's attribute has another name than ours: its names, the one that Keras 3.15 writes first.
_ATTRIBUTES: dict[type, dict[str, tuple[str, ...]]] = {
    MultiHeadAttention: {
        ours: (f"_{theirs}_dense",) if ours == "gate" else (f"{theirs}_dense", f"_{theirs}_dense")
        for ours, theirs in _PROJECTIONS.items()
    },
    GroupQueryAttention: {ours: (f"_{theirs}_dense",) for ours, theirs in _PROJECTIONS.items()},
}
# The layers that Keras exports under another name than its class has.
_CLASSES = {"GroupQueryAttention": "GroupedQueryAttention"}


class Layout:
    """What is known of a file while it is walked: of one that is to be written, nothing."""

    def has(self, path: str) -> bool:
        """Tell whether there is a group of that path: where an attribute had several names, the first one there counts."""
        return False

    def names(self, path: str) -> dict[str, str]:
        """Return the groups in the group of a list, by the names of the layers that they are of, as far as they say."""
        return {}

    def one_of(self, module: nn.Module) -> nn.Module:
        """Return what counts as one: an object itself, unless several stand for one in the file."""
        return module


class GraphLayers(list[nn.Module]):
    """The layers of a model that is a graph."""


@dataclass(frozen=True)
class Dialect:
    """How one age of Keras walks. What lies at two places, such as a shared layer, is written at the first alone.

    `order` sorts attributes. The layers of models that are graphs come first of all if `layers_first`. Layers that were
    met before have no name in a list if `skips_met`. `layers` is the attribute that lists a graph's layers; those with
    weights are in it `times` times.
    """

    order: Callable[[str], Any]
    is_reversed: bool = False
    layers_first: bool = False
    skips_met: bool = False
    layers: str = "layers"
    times: int = 1

    def attributes(self, module: nn.Module, has: Callable[[str], bool]) -> list[tuple[str, Any]]:
        """List an object's attributes that are objects or lists of some, under Keras's names, in Keras's order."""
        found: dict[str, Any] = {}
        renamed = next((names for cls, names in _ATTRIBUTES.items() if isinstance(module, cls)), {})
        for name, child in module._modules.items():
            if child is not None:
                names = renamed.get(name, (name,))
                found[next(filter(has, names), names[0])] = child
        layers: Any = None
        if isinstance(module, Model):
            layers = list(module.layers)
            name = "layers"
            if isinstance(module, Functional):
                # A graph's layers are its attributes in torch alone.
                known = set(layers)
                found = {name: child for name, child in found.items() if child not in known}
                name, layers = self.layers, GraphLayers(layer for layer in layers for _ in range(self._times(layer)))
            found[name] = layers
        ordered = sorted(found.items(), key=lambda item: self.order(item[0]), reverse=self.is_reversed)
        if self.layers_first and isinstance(module, Functional):
            ordered.sort(key=lambda item: item[1] is not layers)
        return ordered

    def _times(self, layer: Any) -> int:
        return self.times if self.times > 1 and any(True for _ in layer.weight_entries()) else 1


def _private_last(name: str) -> tuple[bool, str]:
    return name.startswith("_"), name


def _as_it_is(name: str) -> str:
    return name


KERAS_3 = Dialect(_private_last, layers_first=True)
_DEPENDENCIES = "_layer_checkpoint_dependencies"
DIALECTS = (
    KERAS_3,
    Dialect(_as_it_is, is_reversed=True, skips_met=True),  # 2.15 and tf_keras
    Dialect(_as_it_is, skips_met=True, layers=_DEPENDENCIES),  # 2.14
    Dialect(_as_it_is, layers=_DEPENDENCIES, times=2),  # 2.12 and 2.13
)


def walk(model: nn.Module, dialect: Dialect, layout: Layout) -> Iterator[tuple[str, nn.Module]]:
    """Yield (path of its group, object) for a model and each object in it; the model's own path is "".

    An object comes once, but again in each layer of a graph that has it too: read from its config, such a layer has one
    of its own. In a list, groups that say the names of all its layers are found by these; others by Keras's rule, which
    counts the classes.
    """
    met: set[nn.Module] = set()

    def visit(path: str, module: nn.Module, seen: set[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
        if module in seen:
            return
        seen.add(module)
        met.add(layout.one_of(module))
        yield path, module
        for name, child in dialect.attributes(module, lambda name: layout.has(_joined(path, name))):
            inner = _joined(path, name)
            if _is_list(child):
                yield from visit_list(inner, child, seen, isinstance(child, GraphLayers))
            else:
                yield from visit(inner, child, seen)

    def visit_list(path: str, items: Any, seen: set[nn.Module], is_graph: bool) -> Iterator[tuple[str, nn.Module]]:
        members = list(items.values() if isinstance(items, nn.ModuleDict) else items)
        by_name = layout.names(path)
        names = [getattr(item, "name", None) for item in members]
        if len(set(names)) != len(names) or not by_name.keys() >= set(names):
            by_name = {}
        used: dict[str, Iterator[int]] = {}
        here: set[nn.Module] = set()
        seen_here: set[nn.Module] = set()
        for item in members:
            if dialect.skips_met and not _is_list(item) and layout.one_of(item) in met:
                continue
            name = "container" if _is_list(item) else _class_name(item)
            number = next(used.setdefault(name, count()))
            name = by_name.get(getattr(item, "name", ""), f"{name}_{number}" if number else name)
            inner = _joined(path, name)
            if _is_list(item):
                yield from visit_list(inner, item, seen, False)
            elif is_graph and item not in here:
                here.add(item)
                seen_in_item: set[nn.Module] = set()
                yield from visit(inner, item, seen_in_item)
                seen_here |= seen_in_item
            elif not is_graph:
                yield from visit(inner, item, seen)
        seen |= seen_here

    yield from visit("", model, set())


def _is_list(thing: Any) -> bool:
    return isinstance(thing, (list, nn.ModuleList, nn.ModuleDict))


def _class_name(item: Any) -> str:
    name = type(item).__name__
    return snake_case(_CLASSES.get(name, name))


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
