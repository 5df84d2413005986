"""Which arrays of a file belong to which layer of its config, told by names alone: nothing is read or built."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch_layers.registry import snake_case
from torch_layers.saving.content import WeightsFile
from torch_layers.saving.hdf5 import Dataset, Group
from torch_layers.saving.legacy.saved_layers import SavedLayer, own_weights, saved_layers
from torch_layers.saving.outline import Member, walk

Path = tuple[str, ...]
# What Keras keeps beside a model's layers, to train on.
TRAINING = ("optimizer", "optimizer_weights", "metrics")
# Where a model's layers lie in a file of Keras 3, and in those of Keras 2.12 to 2.14.
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")


@dataclass(frozen=True)
class Array:
    """An array in a file: where it lies, its shape in Keras's layout, the name of its dtype and its bytes."""

    path: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int

    @property
    def size(self) -> int:
        """The number of its values."""
        return math.prod(self.shape)


def arrays_in(group: Mapping[str, Any]) -> Iterator[Array]:
    """Yield the arrays in a group of an HDF5 file, at any depth."""
    for found in in_order(group):
        if isinstance(found, Dataset):
            yield array_of(found)
        else:
            yield from arrays_in(found)


def array_of(found: Any) -> Array:
    """Return what an open data set says of itself."""
    return Array(found.path, tuple(found.shape), found.dtype.name, found.nbytes)


def in_order(group: Mapping[str, Any]) -> Iterator[Any]:
    """HDF5 sorts names as text: array "10" comes before "2"."""
    names = sorted(group, key=lambda name: (name.isdecimal(), int(name) if name.isdecimal() else 0))
    return (group[name] for name in names)


def arrays_by_layer(weights: WeightsFile, model: Member) -> dict[Path, list[Array]]:
    """Return the arrays of each layer of a model, under the layer's path; a model's own under the model's.

    What the file keeps for a layer that the model lacks stands under the name that the file gives it.
    """
    found: dict[Path, list[Array]] = {}
    if not weights.is_legacy:
        _collect(weights.group, model, found)
        return found
    members = {member.path[-1]: member for member in model.members()}
    for saved in saved_layers(weights.group):
        _share(saved, members.get(saved.name), found)
    own = own_weights(weights.group)
    if own is not None:
        found[()] = [array_of(array) for array in own.arrays]
    return found


def _collect(group: Group, model: Member, found: dict[Path, list[Array]]) -> None:
    """Keras 3 calls the group of a layer after its class, numbered, and says the layer's name beside its arrays."""
    container = next((inner for name in _CONTAINERS if isinstance(inner := group.get(name), Group)), None)
    skipped = TRAINING if not model.path else ()
    own = {name: item for name, item in group.items() if item is not container and name not in skipped}
    found[model.path] = list(arrays_in(own))
    if container is None:
        return
    named = {said_name(inner): inner for inner in container.values()}
    used: dict[str, int] = {}
    for member in model.members():
        if member.is_operation:
            continue
        name = snake_case(member.class_name.rsplit(">", 1)[-1])
        number = used[name] = used.get(name, -1) + 1
        inner = named.get(member.path[-1], container.get(f"{name}_{number}" if number else name))
        if not isinstance(inner, Group):
            continue
        if member.layers is not None:
            _collect(inner, member, found)
        else:
            found[member.path] = list(arrays_in(inner))


def said_name(group: Any) -> str | None:
    """Return the name of the layer whose group it is, if Keras 3 has written it there."""
    own = group.get("vars") if isinstance(group, Group) else None
    name = own.attrs.get("name") if isinstance(own, Group) else None
    return name if isinstance(name, str) else None


def _share(saved: SavedLayer, member: Member | None, found: dict[Path, list[Array]]) -> None:
    """Keras 2 keeps the arrays of a model inside a model in one group, under names that hold their layer's."""
    path = (saved.name,) if member is None else member.path
    inner = {} if member is None else {each.path[-1]: each.path for each in walk(member)}
    for name, array in zip(saved.names, saved.arrays, strict=True):
        owner = next((inner[part] for part in reversed(name.split("/")[:-1]) if part in inner), path)
        found.setdefault(owner, []).append(array_of(array))
