"""Models and weights to `.h5`, as Keras 2 and 3 read them.

Source: `save_model_to_hdf5` in keras/src/legacy/saving/legacy_h5_format.py, 3.15, and tf_keras/src/saving/legacy/
hdf5_format.py, 2.21.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from torch.nn.parameter import is_lazy

from torch_layers.graph.model import Model
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import as_numpy
from torch_layers.saving.for_keras_3 import VERSION, warn_of_older_meanings, without_news
from torch_layers.saving.legacy.keras2_calls import Keras2Form
from torch_layers.saving.legacy.keras2_form import AXES, CALLED, LEGACY_HARD_SIGMOID, MERGED, OLD, NotInKeras2Error
from torch_layers.saving.legacy.order import Entry, legacy_entries, own_entries
from torch_layers.saving.legacy.shared_form import SharedForm
from torch_layers.serialization import serialize

# The versions whose forms are written.
KERAS_2, KERAS_3 = "2.15.0", VERSION
# What the two compute alike in another way than Keras 3, by what `serialize` calls it.
_OTHERWISE_IN_KERAS_3 = {
    LEGACY_HARD_SIGMOID: "the file says 'hard_sigmoid', as Keras 2 does, which Keras 2 and torch_layers compute as it was; "
    "Keras 3 computes another function of this name",
    MERGED: "the file merges inputs that have masks, which Keras 2 and torch_layers do as Keras 2 did; Keras 3 merges "
    "unmasked numbers only, and masks in another way",
    CALLED: "the file calls a recurrent layer with its first states, or steps first, as Keras 2 does, which Keras 2 and "
    "torch_layers read; Keras 3 does not",
    AXES: "the file has a BatchNormalization of several axes, which Keras 2 and torch_layers read; Keras 3 refuses it",
    **{name: f"the file holds a {name}, which Keras 2 and torch_layers have; Keras 3 has none" for name in OLD},
}
# HDF5 keeps a group's attributes in its header, which has no more bytes.
_HEADER = 64512


def write_h5(model: Any, file: Any) -> None:
    """Write a whole model into an open `h5py.File`: config and weights.

    Keras 3 and Keras 2 (tf-keras) both load it, with equal outputs, where Keras 2 has all of the layers and arguments and
    computes the same, and there is a form that both read. Else a model that came from Keras 2 is written for that alone if
    it can be, any other for Keras 3 alone. The attribute `keras_version` tells.
    Raises: ValueError if the model is not built, or holds what Keras has no config for.
    """
    described = serialize(model)
    config, version = _config(described, getattr(model, "is_of_keras_2", False))
    text = json.dumps(described)
    for name, message in _OTHERWISE_IN_KERAS_3.items():
        if version == KERAS_2 and f'"{name}"' in text:
            warnings.warn(message, stacklevel=2)
    if version == KERAS_3:
        warn_of_older_meanings(text)
    _write_origin(file, version)
    file.attrs["model_config"] = json.dumps(config).encode()
    write_weights(model, file.create_group("model_weights"), version)


def _config(described: dict[str, Any], is_of_keras_2: bool) -> tuple[dict[str, Any], str]:
    """Return the config of a model as a file holds it, and the version of Keras whose form it has."""
    try:
        return SharedForm().model(described), KERAS_2
    except NotInKeras2Error as error:
        reason = error
    if is_of_keras_2:
        try:
            config = Keras2Form().model(described)
        except NotInKeras2Error:
            pass
        else:
            warnings.warn(f"Keras 2 and torch_layers read the file, Keras 3 does not: {reason}", stacklevel=3)
            return config, KERAS_2
    return {"class_name": described["class_name"], "config": without_news(described["config"])}, KERAS_3


def write_weights(model: Any, group: Any, version: str = KERAS_2) -> None:
    """Write the weights of a model into an open `h5py.File` or group, layer by layer, under the layers' names.

    `model.load_weights` of Keras 2 and 3 takes them, by the layers' positions or names.
    Raises: ValueError if the model is not built.
    """
    named = {name.replace(".", "_"): layer for name, layer in model._named_layers().items()}
    _write_names(group, "layer_names", list(named))
    _write_origin(group, version)
    for name, layer in named.items():
        entries = legacy_entries(layer) if isinstance(layer, Weighted) else []
        _write_layer(group.require_group(name), entries, dict(_paths(layer, name)))
    _write_layer(group.create_group("top_level_model_weights"), own_entries(model), {model: model.name})


def _write_origin(group: Any, version: str) -> None:
    # The backend tells that kernels lie as everywhere but in Theano.
    group.attrs["keras_version"], group.attrs["backend"] = version.encode(), b"tensorflow"


def _paths(layer: Any, path: str) -> Iterator[tuple[Weighted, str]]:
    """Yield each layer inside a layer, itself included, and the names that lead to it; a model's own is left out."""
    yield layer, path
    if isinstance(layer, Model):
        for name, inner in layer._named_layers().items():
            yield from _paths(inner, name.replace(".", "_"))
    elif isinstance(layer, Weighted):
        for within in layer._layers_within():
            yield from _paths(within, f"{path}/{within.name}")


def _write_layer(group: Any, entries: Sequence[Entry], paths: dict[Weighted, str]) -> None:
    names: dict[str, Entry] = {}
    for owner, weight in entries:
        name, number = f"{paths[owner]}/{weight.keras_name}", 0
        while _numbered(name, number) in names:
            number += 1
        names[_numbered(name, number)] = owner, weight
    _write_names(group, "weight_names", list(names))
    for name, (owner, weight) in names.items():
        if is_lazy(getattr(owner, weight.name)):
            raise ValueError(f"{name} has no size yet: call the model once, or give it an Input, before it is saved")
        group.create_dataset(name, data=as_numpy(owner._keras_value(weight.name)))


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}:0" if number else f"{name}:0"


def _write_names(group: Any, attribute: str, names: Sequence[str]) -> None:
    """Write a list of names, in several attributes with numbers if it is too long for one."""
    encoded = [name.encode() for name in names]
    widest = max(map(len, encoded), default=1)
    each = max(_HEADER // widest, 1)
    if len(encoded) <= each:
        group.attrs[attribute] = encoded
    else:
        for number, start in enumerate(range(0, len(encoded), each)):
            group.attrs[f"{attribute}{number}"] = encoded[start : start + each]
