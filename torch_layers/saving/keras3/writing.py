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

from torch_layers.layers.lora import _LoRA
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight
from torch_layers.saving.keras3.structure import KERAS_3, Layout, walk
from torch_layers.saving.keras3.weights import kept_weights
from torch_layers.serialization import serialize

# The version whose form is written.
_VERSION = "3.15.0"


def write_keras(model: Any, stream: BinaryIO, directory: Path) -> None:
    """Write a whole model to an open file; the weights lie in another one in `directory`, without a name, meanwhile.

    Raises: ValueError or TypeError, before anything is written, if a layer is not built, has no config, or has weights
    that Keras could not find.
    """
    import h5py

    config = described(model)
    groups = list(_groups(model))
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    with tempfile.TemporaryFile(dir=directory) as weights:
        with h5py.File(weights, "w") as file:
            _write_groups(groups, file)
        weights.seek(0)
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": _VERSION, "date_saved": saved}))
            archive.writestr("config.json", config)
            with archive.open("model.weights.h5", "w", force_zip64=True) as member:
                shutil.copyfileobj(weights, member, 1 << 20)


def write_weights(model: Weighted, file: Any) -> None:
    """Write the weights of a model into an open `h5py.File`.

    Raises: ValueError, before anything is written, if a layer is not built or has weights that Keras could not find.
    """
    _write_groups(list(_groups(model)), file)


def described(model: Any) -> str:
    """Return the config of a model as the text that Keras makes a model of.

    Raises: ValueError or TypeError for a layer that has no config, and for a function without a name.
    """
    config = serialize(model)
    _refuse_nameless(config, "")
    return json.dumps(config)


def _refuse_nameless(config: Any, path: str) -> None:
    """Raise ValueError for a lambda expression: a config names functions, and this one has no name to be found by."""
    if isinstance(config, Mapping):
        if config.get("class_name") == "function" and config.get("config") == "<lambda>":
            raise ValueError(f"save_model: {path} is a lambda expression, which has no name: define it with `def`")
        inner = config.get("config")
        name = inner.get("name") if isinstance(inner, Mapping) else None
        for key, value in config.items():
            _refuse_nameless(value, f"{path}/{name}" if name and key == "config" else f"{path}/{key}")
    elif isinstance(config, (list, tuple)):
        for item in config:
            _refuse_nameless(item, path)


def _groups(model: nn.Module) -> Iterator[tuple[str, Weighted]]:
    """Yield (path, layer) of each group in the file. Raises: ValueError for what can't be written."""
    for path, module in walk(model, KERAS_3, Layout()):
        if not isinstance(module, Weighted):
            _refuse_weights(module, path)
            continue
        for layer, weight in kept_weights(module):
            if is_lazy(getattr(layer, weight.name)):
                raise ValueError(
                    f"{type(module).__name__} {module.name!r} is not built, its weight {weight.name!r} has no size: call "
                    "the model once before it is saved"
                )
        yield (f"{path}/vars" if path else "vars"), module


def _refuse_weights(module: nn.Module, path: str) -> None:
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    if own:
        raise ValueError(
            f"{path} is a {type(module).__name__}, no layer of torch_layers: Keras has no place for its weights "
            f"{[name for name, _ in own]}; safetensors has"
        )


def _write_groups(groups: list[tuple[str, Weighted]], file: Any) -> None:
    for path, module in groups:
        group = file.create_group(path)
        group.attrs["name"] = module.name
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
