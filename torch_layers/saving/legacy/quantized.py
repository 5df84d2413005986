"""Quantized layers in `.h5` files of Keras 3: the arrays that the other format keeps by number, here by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from torch_layers.layers.weighted import Weighted
from torch_layers.saving.keras3.quantization import dequantized, is_quantized
from torch_layers.saving.legacy.order import Entry
from torch_layers.saving.stored import Stored


def without_quantization(entries: Sequence[Entry], names: Sequence[str], arrays: Sequence[Any]) -> list[Stored] | None:
    """Return the array of each weight, dequantized; None if none is quantized or the names don't tell whose they are.

    Raises: FileError if the arrays are those of no quantized layer of this kind and size.
    """
    owners = {owner.name: owner for owner, _ in entries}
    found: dict[str, dict[str, Any]] = {}
    for name, array in zip(names, arrays, strict=True):
        path, _, weight = name.rpartition("/")
        found.setdefault(path.rpartition("/")[2], {})[weight] = array
    if len(owners) == len(found) == 1:
        # A layer by itself, which has another name in the file if it was paired by its place.
        found = dict(zip(owners, found.values(), strict=True))
    if found.keys() != owners.keys() or len(owners) != len({owner for owner, _ in entries}):
        return None
    quantized = {name for name, owner in owners.items() if is_quantized(owner, list(found[name].values()))}
    if not quantized:
        return None
    taken: dict[str, Mapping[str, Stored]] = {}
    for name, owner in owners.items():
        inner = found[name]
        if name in quantized:
            taken[name] = dequantized(owner, _by_number(inner), next(iter(inner.values())).path)
        else:
            taken[name] = {weight.name: inner[weight.keras_name] for weight in _own(owner, entries, inner)}
    wanted = [(owner.name, weight.name) for owner, weight in entries]
    return [taken[name][weight] for name, weight in wanted if weight in taken[name]]


def _own(owner: Weighted, entries: Sequence[Entry], held: Mapping[str, Any]) -> list[Any]:
    return [weight for other, weight in entries if other is owner and weight.keras_name in held]


def _by_number(arrays: Mapping[str, Any]) -> list[Any]:
    """Return a layer's arrays in the order of the other format: a bias after the kernel, unless that has unsigned bytes."""
    ordered = [array for name, array in arrays.items() if name != "bias"]
    if "bias" in arrays:
        is_unsigned = any(array.dtype == np.uint8 for array in ordered)
        ordered.insert(0 if is_unsigned else 1, arrays["bias"])
    return ordered
