"""Layers that were one layer of several models, of which a config makes one for each model.

Keras writes the weights of such a layer once, and can't load the file itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from torch import nn

from torch_layers.graph.functional import Functional
from torch_layers.layers.weighted import Weighted


class Twins:
    """The layers of a model, and of the models in it, that have the class, name and shapes of one in another of these."""

    def __init__(self, model: nn.Module) -> None:
        found: dict[Any, list[Weighted]] = defaultdict(list)
        for graph in model.modules():
            if isinstance(graph, Functional):
                for layer in set(graph.layers):
                    shapes = _shapes(layer)
                    if shapes:
                        found[type(layer), layer.name, shapes].append(layer)
        self.groups = [layers for layers in found.values() if len(set(layers)) > 1]
        self._first = {layer: layers[0] for layers in self.groups for layer in layers}

    def one_of(self, layer: nn.Module) -> nn.Module:
        """Return the same layer for all twins; any other layer itself."""
        return self._first.get(layer, layer)  # type: ignore[call-overload, no-any-return]


def _shapes(layer: Weighted) -> tuple[Any, ...]:
    return tuple(owner._keras_shapes.get(weight.name) for owner, weight in layer.weight_entries())
