"""The order in which `.h5` files keep the weights of one layer, or of a model inside a model.

Source: `_legacy_weights` in keras/src/legacy/saving/legacy_h5_format.py, 3.15; `Container.trainable_weights` in
keras/engine/topology.py of Keras 1 and 2.
"""

from __future__ import annotations

from torch_layers.layers.lora import _LoRA
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight

Entry = tuple[Weighted, Weight]


def legacy_entries(layer: Weighted) -> list[Entry]:
    """List (layer, weight) as the files order them: what is trained first, then the rest, each in Keras's order."""
    found: dict[tuple[int, str], Entry] = {}
    for owner, weight in layer.weight_entries():
        found.setdefault((id(owner), weight.name), (owner, weight))
    return sorted(found.values(), key=lambda entry: not _is_trained(*entry))


def own_entries(model: Weighted) -> list[Entry]:
    """List the weights that a model holds itself, besides those of its layers, in the same order."""
    return [entry for entry in legacy_entries(model) if entry[0] is model]


def _is_trained(owner: Weighted, weight: Weight) -> bool:
    replaced = isinstance(owner, _LoRA) and owner.lora_enabled and weight.name == "weight"
    return weight.trainable and owner.trainable and not replaced
