"""What an `.h5` file of Keras 1, 2 or 3 says of its weights: arrays with names, layer by layer.

Source: load_attributes_from_hdf5_group in keras/src/legacy/saving/legacy_h5_format.py, 3.15, and keras/engine/topology.py
of Keras 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import Dataset, Group
from torch_layers.saving.keras3.bfloat16 import Widened
from torch_layers.saving.stored import Stored

_OPAQUE = np.dtype("V2")
_OWN = "top_level_model_weights"


@dataclass(frozen=True)
class SavedLayer:
    """The arrays that a file keeps for a layer, in its order, and what the file calls each."""

    name: str
    names: list[str]
    arrays: list[Stored]


def saved_layers(group: Group) -> list[SavedLayer]:
    """List the layers in a file's order, those without weights too. Raises: FileError for names that lead nowhere."""
    if "nb_layers" in group.attrs:
        return _numbered(group)
    return [_saved(group, name) for name in _names(group, "layer_names")]


def own_weights(group: Group) -> SavedLayer | None:
    """Return the weights that belong to the model itself; None if the file has no place for them."""
    return _saved(group, _OWN) if _OWN in group and _OWN not in _names(group, "layer_names") else None


def _saved(group: Group, name: str) -> SavedLayer:
    inner = _at(group, name)
    if not isinstance(inner, Group):
        raise FileError(group.place, f"the layer {name!r} is named, but has no group")
    names = _names(inner, "weight_names")
    return SavedLayer(name, names, [_array(inner, each) for each in names])


def _numbered(group: Group) -> list[SavedLayer]:
    """Read the form before Keras 1.0, whose layers and arrays have numbers for names."""
    found = []
    for number in range(_count(group, "nb_layers")):
        name = f"layer_{number}"
        inner = group.get(name)
        if not isinstance(inner, Group):
            raise FileError(group.place, f"nb_layers says that there is a group {name!r}, but there is none")
        names = [f"param_{place}" for place in range(_count(inner, "nb_params"))]
        found.append(SavedLayer(name, names, [_array(inner, each) for each in names]))
    return found


def _count(group: Group, attribute: str) -> int:
    value = group.attrs.get(attribute)
    try:
        count = int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise FileError(group.place, f"its attribute {attribute} is {value!r}, not a count") from None
    if not 0 <= count <= len(group):
        raise FileError(group.place, f"its attribute {attribute} is {count}, but it has {len(group)} members")
    return count


def _array(group: Group, name: str) -> Stored:
    found = _at(group, name)
    if not isinstance(found, Dataset):
        raise FileError(group.place, f"the weight {name!r} is named, but has no array")
    # h5py writes bfloat16 so, and nothing else that Keras has.
    return Widened(found) if found.dtype == _OPAQUE else found


def _at(group: Group, path: str) -> Any:
    found: Any = group
    for part in path.split("/"):
        if part:
            found = found.get(part) if isinstance(found, Group) else None
    return found


def _names(group: Group, attribute: str) -> list[str]:
    """Return a list of names; a long one is cut into several attributes with numbers at the end."""
    names: list[str] = []
    if attribute in group.attrs:
        pieces = [attribute]
    else:
        pieces = []
        while f"{attribute}{len(pieces)}" in group.attrs:
            pieces.append(f"{attribute}{len(pieces)}")
        if not pieces and attribute == "layer_names":
            raise FileError(group.place, "has no attribute layer_names")
    for piece in pieces:
        value = group.attrs[piece]
        # No names at all are stored as an empty array of numbers.
        value = [] if getattr(value, "size", None) == 0 else value
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise FileError(group.place, f"its attribute {piece} is no list of names")
        names += value
    return names
