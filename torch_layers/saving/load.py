"""Keras files and configs to models: what the file says is checked before memory is taken, and nothing of it is run.

Source: keras/src/saving/saving_lib.py and keras/src/legacy/saving/legacy_h5_format.py, 3.15.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from torch import nn
from torch.nn.parameter import is_lazy

from torch_layers.graph.files import Storable
from torch_layers.layers.base import Layer
from torch_layers.layers.weighted import Weighted, unallocated
from torch_layers.saving import safetensors
from torch_layers.saving.assign import Assignment, fill
from torch_layers.saving.content import ModelFile, WeightsFile, read_model_file, read_weights_file, refuse_directory
from torch_layers.saving.documents import read_json
from torch_layers.saving.errors import FileError
from torch_layers.saving.keras3.configs import plain_config
from torch_layers.saving.keras3.weights import plan as plan_keras3
from torch_layers.saving.legacy.configs import modern_config
from torch_layers.saving.legacy.weights import plan as plan_legacy
from torch_layers.saving.limits import check_size
from torch_layers.saving.refusals import listing, refusals
from torch_layers.saving.source import opened
from torch_layers.saving.states import begin_states
from torch_layers.serialization import CustomObjects, deserialize

File = str | os.PathLike[str] | BinaryIO


def load_model(file: File, custom_objects: CustomObjects | None = None) -> Any:
    """Return the model in a Keras file, in eval mode, with the outputs that it had when it was saved.

    `file` is a path or an open binary file: `.keras`, or a whole model in `.h5` or `.hdf5` of Keras 1, 2 or 3; its content
    says which. What a layer means follows the version of Keras that wrote it. Neither Keras nor TensorFlow is used, and
    nothing that the file carries is run or imported: `custom_objects` is a mapping from the name of each class or function
    that isn't Keras's, and of each Lambda layer, to a `torch_layers.Layer` class or a function. Losses, metrics and the
    state of an optimizer are left out.

    Raises: FileError (a ValueError) for a file that is damaged, no model, holds layers that can't be taken (it lists all of
    them), or whose weights don't fit its layers; OSError if it can't be opened; NotImplementedError for a SavedModel and
    other kinds of files, saying what to do.
    """
    refuse_directory(file)
    with opened(file) as source:
        with refusing(source.name):
            found = read_model_file(source)
        with refusing(found.place), unallocated():
            model = _built(found, custom_objects)
        with refusing(source.name):
            fill(_planned(model, found, custom_objects), source)
            begin_states(model, source.name)
    _check_filled(model, source.name)
    return model.eval()


def load_weights(model: Weighted, file: File, by_name: bool = False) -> None:
    """Give a model the weights of a file: `.weights.h5` and `.keras` of Keras 3, `.h5` of Keras 1, 2 and 3, `.safetensors`.

    The layers are paired by their places in the model, or by their names, with those of the file left out that the model
    lacks, if `by_name` (`.h5` of Keras 1 and 2 alone).
    Raises: FileError for a damaged file and for weights that don't fit, all of which it lists; nothing is changed then.
    """
    with opened(file) as source, refusing(source.name):
        found = read_weights_file(source)
        if by_name and not (isinstance(found, WeightsFile) and found.is_legacy):
            raise ValueError(f"load_weights: by_name=True: {source.name} does not name its layers, only .h5 files do")
        if isinstance(found, WeightsFile):
            fill(_planned_weights(model, found, by_name), source)
        else:
            safetensors.load(model, found)


def model_from_config(config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Any:
    """Return a new model, with initial weights, from the dict of `model.get_config()` with its class name around it, as
    `keras.saving.serialize_keras_object(model)` makes it, or from what `model.to_json()` of any Keras holds.

    Raises: FileError (a ValueError) that lists every layer that can't be taken.
    """
    version, backend = config.get("keras_version"), config.get("backend")
    found = ModelFile("config", dict(config), version, backend, None)
    with refusing(found.place):
        return _built(found, custom_objects)


def model_from_json(text: str, custom_objects: CustomObjects | None = None) -> Any:
    """Return a new model, with initial weights, from what `model.to_json()` of Keras 1, 2 or 3 returned.

    Raises: FileError (a ValueError) for what is no such JSON, and as `model_from_config`.
    """
    return model_from_config(read_json(text, "model_from_json"), custom_objects)


@contextmanager
def refusing(place: str) -> Iterator[None]:
    """Turn whatever a hostile file makes Python or torch raise into a FileError that names the place."""
    try:
        yield
    except (OSError, NotImplementedError, ImportError):
        raise
    except ValueError as error:
        if isinstance(error, FileError) and place in str(error):
            raise
        raise FileError(place, str(error)) from error
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise FileError(place, f"can't be read: {type(error).__name__}: {reason}") from error


def config_of(found: ModelFile) -> dict[str, Any]:
    """Return the config of a model, whose size was checked, in the form of Keras 3, its layers plain ones.

    Raises: FileError for one that gets too large by it, or that Keras 1 and 2 did not write so; NotImplementedError for
    what has no counterpart.
    """
    if not found.is_legacy:
        return plain_config(found.config)  # type: ignore[no-any-return]
    config = modern_config(found.config, found.keras_version, found.backend)
    check_size(config, found.place)
    return config


def _built(found: ModelFile, custom_objects: CustomObjects | None) -> Any:
    check_size(found.config, found.place)
    config = config_of(found)
    try:
        model = deserialize(config, custom_objects)
    except Exception as error:
        refused = refusals(config, custom_objects, found.weights)
        if not refused:
            raise
        raise FileError(found.place, listing(refused)) from error
    if not isinstance(model, Layer):
        raise FileError(found.place, f"describes a {type(model).__name__}, not a model")
    if isinstance(model, Storable):
        model.is_of_keras_2 = found.is_legacy
    return model


def _planned(model: Any, found: ModelFile, custom_objects: CustomObjects | None) -> list[Assignment]:
    if found.weights is None:
        raise FileError(found.place, "holds no weights")
    if not found.weights.is_legacy:
        return plan_keras3(model, found.weights.group, custom_objects or ())
    return _planned_weights(model, found.weights, False, found.config)


def _planned_weights(
    model: Any, found: WeightsFile, by_name: bool, config: Mapping[str, Any] | None = None
) -> list[Assignment]:
    if not found.is_legacy:
        return plan_keras3(model, found.group)
    return plan_legacy(
        model, found.group, config=config, keras_version=found.keras_version, backend=found.backend, by_name=by_name
    )


def _check_filled(model: nn.Module, name: str) -> None:
    """Raise FileError if a weight got nothing: none may be left without a value."""
    state = [*model.named_parameters(), *model.named_buffers()]
    empty = [key for key, tensor in state if is_lazy(tensor) or tensor.is_meta]
    if empty:
        raise FileError(name, f"holds no values for the weights {empty}")
