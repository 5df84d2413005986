"""Models and weights to files that Keras reads: written whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from torch.nn.parameter import is_lazy

from torch_layers.saving import safetensors
from torch_layers.saving.keras3 import writing as keras3
from torch_layers.saving.legacy import writing as legacy
from torch_layers.saving.replacing import replacing

_WriteTo = Callable[[Any, BinaryIO, Path], None]


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model, config and weights, to a file that Keras loads with equal outputs.

    The ending says which: `.keras` of Keras 3, or `.h5` (`.hdf5`), which Keras 2 reads too where it has all of the layers.
    Where no `.h5` is for both, a model that came from Keras 2 goes back to it, and a warning says so.
    A file that is there is replaced, and stays as it was if anything goes wrong meanwhile. What Keras's `compile` sets and
    the state of an optimizer are not written. Layers of your own need `custom_objects` where the file is loaded.

    Raises: ValueError for another ending, and TypeError or ValueError for a layer that is not built or that no config can
    describe; nothing is written then. ImportError if h5py is not installed.
    """
    write_h5 = _by_h5py(legacy.write_h5)
    kinds = {".keras": keras3.write_keras, ".h5": write_h5, ".hdf5": write_h5}
    _save(model, Path(path), kinds, "save_model", ".weights.h5")


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model's weights to a file that a model of Keras, or of torch_layers, with the same layers loads.

    The ending says which: `.weights.h5` of Keras 3, other `.h5` (`.hdf5`) of Keras 2, which Keras 3 reads by the names of
    layers, or `.safetensors`, the entries of the `state_dict`, which Keras can't read. A file that is there is replaced,
    and stays as it was if anything goes wrong meanwhile.

    Raises: ValueError for another ending and for a model that is not built; nothing is written then. ImportError if h5py is
    needed and not installed.
    """
    write_legacy = _by_h5py(legacy.write_weights)
    kinds = {
        ".weights.h5": _by_h5py(keras3.write_weights),
        ".h5": write_legacy,
        ".hdf5": write_legacy,
        ".safetensors": _write_safetensors,
    }
    _save(model, Path(path), kinds, "save_weights", None)


def _save(model: Any, path: Path, kinds: Mapping[str, _WriteTo], function: str, refused: str | None) -> None:
    name = path.name
    ending = next((ending for ending in kinds if name.endswith(ending)), None)
    if ending is None or (refused and name.endswith(refused)):
        allowed = ", ".join(kinds) + (f", {refused} aside" if refused else "")
        raise ValueError(f"{function}: path={str(path)!r} does not end in one of {allowed}")
    if ending != ".safetensors" and find_spec("h5py") is None:
        raise ImportError(f"{function}: {ending} files are written with h5py: pip install 'torch_layers[files]'")
    with replacing(path) as stream:
        kinds[ending](model, stream, path.parent)


def _by_h5py(write: Callable[[Any, Any], None]) -> _WriteTo:
    """Return what writes into an open stream by `write`, which takes a model and an `h5py.File`."""

    def into_stream(model: Any, stream: BinaryIO, directory: Path) -> None:
        import h5py

        with h5py.File(stream, "w") as file:
            write(model, file)

    return into_stream


def _write_safetensors(model: Any, stream: BinaryIO, directory: Path) -> None:
    state = model.state_dict()
    unsized = [name for name, tensor in state.items() if is_lazy(tensor)]
    if unsized:
        raise ValueError(f"save_weights: the weights {unsized} have no size: call the model once before it is saved")
    safetensors.write(state, stream, {"format": "pt"})
