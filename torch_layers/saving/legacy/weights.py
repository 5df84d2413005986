"""Which array of an `.h5` file of Keras 1, 2 or 3 is which weight of a model.

Source: `load_weights_from_hdf5_group` and `preprocess_weights_for_loading` in tf_keras/src/saving/legacy/hdf5_format.py,
2.21, keras/engine/saving.py of Keras 2.3 and keras/engine/topology.py of Keras 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from torch_layers.layers.convolution.base import _Convolution
from torch_layers.layers.recurrent.rnn import RNN
from torch_layers.layers.weighted import Weighted
from torch_layers.saving.assign import Assignment
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import Group
from torch_layers.saving.legacy import keras1_weights
from torch_layers.saving.legacy.cudnn import without_cudnn
from torch_layers.saving.legacy.order import Entry, legacy_entries, own_entries
from torch_layers.saving.legacy.quantized import without_quantization
from torch_layers.saving.legacy.saved_layers import SavedLayer, own_weights, saved_layers
from torch_layers.saving.legacy.theano import turned
from torch_layers.saving.stored import Stored


@dataclass(frozen=True)
class Origin:
    """Who wrote a file, as far as the layout of its weights depends on it."""

    is_keras_1: bool
    is_theano: bool

    @classmethod
    def of(cls, group: Group, keras_version: str | None, backend: str | None) -> Origin:
        """Read it from the group, unless it is given. Keras 1 did not say its version beside the weights."""
        version = keras_version or group.attrs.get("keras_version", "1")
        return cls(str(version).split(".")[0] in ("0", "1"), (backend or group.attrs.get("backend")) == "theano")


@dataclass(frozen=True)
class _Target:
    """A layer of the model, or the model itself, and its weights in the order of the file."""

    name: str
    layer: Weighted
    entries: list[Entry]


def plan(
    model: Any,
    group: Group,
    *,
    config: Mapping[str, Any] | None = None,
    keras_version: str | None = None,
    backend: str | None = None,
    by_name: bool = False,
) -> list[Assignment]:
    """Pair the arrays in `group`, which has the attribute `layer_names`, with the weights of a model.

    The layers that have weights are paired in their order; or `by_name`, where those that only one side has are left out.
    In a whole model's file (its `config` is given) names say which is which, where both sides have the same.
    Raises: FileError that lists every layer whose weights and arrays differ in number or shape, and every one without a
    counterpart.
    """
    origin = Origin.of(group, keras_version, backend)
    saved = saved_layers(group)
    targets = _targets(model, saved)
    if by_name:
        pairs = [(target, layer) for layer in saved for target in targets if target.name == layer.name]
    else:
        pairs = _paired(group, targets, saved, names_count=config is not None)
    own = own_weights(group)
    own_target = _Target("the model itself", model, own_entries(model))
    if own is not None and (own.arrays or own_target.entries):
        pairs.append((own_target, own))
    elif own_target.entries and not by_name:
        pairs.append((own_target, SavedLayer("top_level_model_weights", [], [])))
    # A layer at two places is saved at both.
    found: dict[tuple[int, str], Assignment] = {}
    misfits = []
    for target, layer in pairs:
        given = _given(target, layer, origin)
        if given is None:
            misfits.append(_misfit(target, layer))
            continue
        for (owner, weight), stored in given:
            found[id(owner), weight.name] = Assignment(owner, weight, stored)
    if misfits:
        raise FileError(group.place, "weights do not fit the model:" + "".join(f"\n  {line}" for line in misfits))
    return list(found.values())


def _targets(model: Any, saved: Sequence[SavedLayer]) -> list[_Target]:
    """List the layers with weights. Keras 1 saved those of a chain inside a chain, in the place of the inner one."""
    names = {layer.name for layer in saved}
    found: dict[int, _Target] = {}
    for layer in model.layers:
        if not isinstance(layer, Weighted):
            continue
        inner = _targets(layer, saved) if layer.name not in names and hasattr(layer, "layers") else []
        if inner and names.issuperset(target.name for target in inner):
            found.update((id(target.layer), target) for target in inner)
        else:
            found[id(layer)] = _Target(layer.name, layer, legacy_entries(layer))
    return [target for target in found.values() if target.entries]


def _paired(
    group: Group, targets: Sequence[_Target], saved: Sequence[SavedLayer], names_count: bool
) -> list[tuple[_Target, SavedLayer]]:
    saved = [layer for layer in saved if layer.arrays]
    by_name = {layer.name: layer for layer in saved}
    known = {target.name for target in targets}
    if names_count and known == set(by_name) and len(known) == len(targets) == len(saved):
        return [(target, by_name[target.name]) for target in targets]
    if len(targets) != len(saved):
        lines = [f"only in the model: {t.name!r} with {_wanted(t)}" for t in targets if t.name not in by_name]
        lines += [f"only in the file: {s.name!r} with {_held(s)}" for s in saved if s.name not in known]
        raise FileError(
            group.place,
            f"the model has {len(targets)} layers with weights, the file has {len(saved)}:"
            + "".join(f"\n  {line}" for line in lines),
        )
    return list(zip(targets, saved, strict=True))


def _arranged(target: _Target, saved: SavedLayer, origin: Origin) -> list[Stored]:
    """Return the arrays of a layer in the order of its weights, and in the layout of today's Keras."""
    plain = without_quantization(target.entries, saved.names, saved.arrays)
    if plain is not None:
        return plain
    arrays, found = _in_own_order(target, saved), []
    whole = _convertible(target.layer)
    owners = [whole.get(owner, owner) for owner, _ in target.entries]
    for unit, entries in groupby(owners):
        count = len(list(entries))
        if origin.is_keras_1:
            count = keras1_weights.number_of_arrays(unit, arrays, count)
        part, arrays = arrays[:count], arrays[count:]
        if unit in whole:
            part = _converted(unit, part, origin)
        found += part
    return found + arrays


def _converted(layer: Weighted, arrays: list[Stored], origin: Origin) -> list[Stored]:
    if origin.is_keras_1:
        arrays = keras1_weights.in_later_layout(layer, arrays)
    if origin.is_theano:
        arrays = turned(layer, arrays)
    return without_cudnn(layer, arrays)


def _convertible(layer: Weighted) -> dict[Weighted, Weighted]:
    """Map the layers that some version laid out in its own way, and the cells inside them, to these layers."""
    found: dict[Weighted, Weighted] = {}
    for module in layer.modules():
        if isinstance(module, (_Convolution, RNN)):
            for inner in module.modules():
                found.setdefault(inner, module)  # type: ignore[arg-type]
    return found


def _in_own_order(target: _Target, saved: SavedLayer) -> list[Stored]:
    """Return a layer's arrays in the order of its weights.

    That of a model inside the model depends on what was trained when it was saved: names, where each has its own, tell it.
    """
    wanted = [(owner.name, weight.keras_name) for owner, weight in target.entries]
    named = dict(zip(map(_last_two, saved.names), saved.arrays, strict=True))
    if (
        hasattr(target.layer, "layers")
        and len(named) == len(saved.arrays) == len(wanted)
        and named.keys() == set(wanted)
    ):
        return [named[name] for name in wanted]
    return list(saved.arrays)


def _last_two(name: str) -> tuple[str, str]:
    layer, _, weight = name.rpartition("/")
    return layer.rpartition("/")[2], weight.partition(":")[0]


def _given(target: _Target, saved: SavedLayer, origin: Origin) -> list[tuple[Entry, Stored]] | None:
    """Pair the weights of a layer with its arrays; None if they differ in number or shape."""
    arrays = _arranged(target, saved, origin)
    if len(arrays) != len(target.entries):
        return None
    pairs = list(zip(target.entries, arrays, strict=True))
    for (owner, weight), stored in pairs:
        try:
            owner._check_weight(weight, tuple(stored.shape), stored.path)
        except ValueError:
            return None
    return pairs


def _misfit(target: _Target, saved: SavedLayer) -> str:
    return f"{target.name!r} takes {_wanted(target)}; {saved.name!r} in the file holds {_held(saved)}"


def _wanted(target: _Target) -> str:
    shapes = [owner._keras_shapes.get(weight.name) or f"({weight.layout.sides[0]})" for owner, weight in target.entries]
    return _listed((weight.keras_name for _, weight in target.entries), shapes)


def _held(saved: SavedLayer) -> str:
    return _listed(saved.names, [tuple(array.shape) for array in saved.arrays])


def _listed(names: Iterable[str], shapes: Iterable[Any]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in zip(names, shapes, strict=True)) or "nothing"
