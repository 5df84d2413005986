"""Models as Keras 3 writes and reads them: `.keras`, a zip archive of config, metadata and weights, and `.weights.h5`.

Source: keras/src/saving/saving_lib.py (_save_model_to_fileobj, _save_state, H5IOStore), 3.15.
"""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torch_layers.graph.functional import Functional
from torch_layers.layers.lora import _LoRA
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight
from torch_layers.saving.for_keras_3 import VERSION, warn_of_older_meanings, without_news
from torch_layers.saving.keras3.structure import KERAS_3, Layout, walk
from torch_layers.saving.keras3.weights import kept_weights
from torch_layers.serialization import serialize


def write_keras(model: Any, stream: BinaryIO, directory: Path) -> None:
    """Write a whole model to an open file; the weights lie in another one in `directory`, without a name, meanwhile.

    Raises: ValueError or TypeError, before anything is written, if a layer is not built, has no config, or has weights
    that Keras could not find.
    """
    import h5py

    config = _described(model)
    groups = list(_groups(model))
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    with tempfile.TemporaryFile(dir=directory) as weights:
        with h5py.File(weights, "w") as file:
            _write_groups(groups, file)
        weights.seek(0)
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": VERSION, "date_saved": saved}))
            archive.writestr("config.json", config)
            with archive.open("model.weights.h5", "w", force_zip64=True) as member:
                shutil.copyfileobj(weights, member, 1 << 20)


def write_weights(model: Weighted, file: Any) -> None:
    """Write the weights of a model into an open `h5py.File`.

    Raises: ValueError, before anything is written, if a layer is not built or has weights that Keras could not find.
    """
    _write_groups(list(_groups(model)), file)


def _described(model: Any) -> str:
    """Return the config of a model as the text that Keras makes a model of.

    Raises: ValueError or TypeError for a layer that has no config, and for a function without a name.
    """
    config = serialize(model)
    _refuse_nameless(config, "the model")
    text = json.dumps(without_news(config))
    warn_of_older_meanings(text)
    return text


def _refuse_nameless(config: Any, owner: str) -> None:
    """Raise ValueError for a lambda expression: a config names functions, and this one has no name to be found by."""
    if isinstance(config, Mapping):
        kind, inner = config.get("class_name"), config.get("config")
        if kind == "__lambda__" or (kind == "function" and inner == "<lambda>"):
            raise ValueError(
                f"save_model: {owner} has a lambda expression, which no file can name: put a function made by `def` there"
            )
        if isinstance(inner, Mapping) and isinstance(inner.get("name"), str):
            owner = f"{kind} {inner['name']!r}"
        for value in config.values():
            _refuse_nameless(value, owner)
    elif isinstance(config, (list, tuple)):
        for item in config:
            _refuse_nameless(item, owner)


def _groups(model: nn.Module) -> Iterator[tuple[str, str, Weighted]]:
    """Yield (path, name of the layer, layer) of each group in the file. Raises: ValueError for what can't be written."""
    # A layer without a name of its own has one in a graph, and in its config.
    graphs = [module for module in model.modules() if isinstance(module, Functional)]
    names: dict[nn.Module, str] = {
        layer: name.replace(".", "_") for graph in graphs for name, layer in graph._named_layers().items()
    }
    for path, module in walk(model, KERAS_3, Layout()):
        _refuse_undeclared(module, path)
        if not isinstance(module, Weighted):
            continue
        for layer, weight in kept_weights(module):
            if is_lazy(getattr(layer, weight.name)):
                raise ValueError(
                    f"{type(module).__name__} {module.name!r} is not built, its weight {weight.name!r} has no size: call "
                    "the model once before it is saved"
                )
        yield (f"{path}/vars" if path else "vars"), names.get(module, module.name), module


def _refuse_undeclared(module: nn.Module, path: str) -> None:
    """Raise ValueError for weights that are not of a layer of torch_layers, or that `add_weight` does not know."""
    declared = module._specs if isinstance(module, Weighted) else {}
    buffers = module._buffers.keys() - module._non_persistent_buffers_set
    left = [name for name in (*module._parameters, *sorted(buffers)) if name not in declared]
    left = [name for name in left if getattr(module, name) is not None]
    if left:
        raise ValueError(
            f"{path or 'the model'} is a {type(module).__name__} with weights {left} that no `add_weight` declared: Keras "
            "has no place for them; .safetensors has"
        )


def _write_groups(groups: list[tuple[str, str, Weighted]], file: Any) -> None:
    for path, name, module in groups:
        group = file.create_group(path)
        group.attrs["name"] = name
        for number, (layer, weight) in enumerate(kept_weights(module)):
            _write_array(group, str(number), _value(layer, weight))


def _value(layer: Weighted, weight: Weight) -> Tensor:
    """Return a weight in Keras's layout; the kernel of a layer with LoRA with its change in it, as Keras saves it."""
    value: Tensor = getattr(layer, weight.name).detach()
    if isinstance(layer, _LoRA) and layer.lora_enabled and weight.name == "weight":
        value = layer.kernel().detach().to(value.dtype)
    in_keras: Tensor = weight.layout.to_keras(value, layer._keras_shapes.get(weight.name, ()))
    return in_keras


def _write_array(group: Any, name: str, value: Tensor) -> None:
    value = value.cpu().contiguous()
    if value.dtype is torch.bfloat16:
        group.create_dataset(name, data=value.view(torch.int16).numpy().view(np.dtype("V2"))).attrs["dtype"] = (
            "bfloat16"
        )
    else:
        group.create_dataset(name, data=value.numpy())
