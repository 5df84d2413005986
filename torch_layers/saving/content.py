"""What kind of file it is, by its content, and where its config and its weights lie.

Source: keras/src/saving/saving_api.py and tf_keras/src/saving/legacy/hdf5_format.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from torch_layers.saving.archive import Archive
from torch_layers.saving.documents import LARGEST, read_json
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import Group, open_hdf5
from torch_layers.saving.safetensors import TensorsFile, is_safetensors, read_header
from torch_layers.saving.source import Source

_HDF5 = b"\x89HDF\r\n\x1a\n"
# What names the layers beside weights in the way of Keras 1 and 2; Keras before 1.0 numbered them.
_LEGACY = ("layer_names", "layer_names0", "nb_layers")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class WeightsFile:
    """Arrays in an HDF5 group: in the way of Keras 3, or (legacy) with names of layers, as Keras 1 and 2 write them.

    `root` is the file's own group, which may hold more than the model's weights.
    """

    group: Group
    root: Group
    is_legacy: bool
    keras_version: str | None
    backend: str | None


@dataclass(frozen=True)
class ModelFile:
    """A whole model: its config, as the Keras of `keras_version` wrote it, and its weights. `place` is for errors."""

    place: str
    config: dict[str, Any]
    keras_version: str | None
    backend: str | None
    weights: WeightsFile | None

    @property
    def is_legacy(self) -> bool:
        """Whether the config's meaning is that of Keras 1 or 2. Keras 3 always says its version, or names modules."""
        if self.keras_version is None:
            return "module" not in self.config
        return self.keras_version.split(".")[0] in ("1", "2")


def refuse_directory(file: Any) -> None:
    """Raise NotImplementedError for a SavedModel of TensorFlow, which is a directory; and for other directories."""
    if isinstance(file, (str, os.PathLike)) and os.path.isdir(file):
        if os.path.exists(os.path.join(file, "saved_model.pb")):
            raise NotImplementedError(
                f"{os.fspath(file)}: is a SavedModel, a graph of TensorFlow that only TensorFlow can read: load it where "
                "that is installed, with tf_keras.models.load_model(path), and save it again as .h5"
            )
        raise NotImplementedError(f"{os.fspath(file)}: is a directory, not a file (.keras, .h5, .hdf5)")


def read_model_file(source: Source) -> ModelFile:
    """Find the config and the weights of a whole model. Raises: FileError or NotImplementedError for anything else."""
    kind = _kind(source)
    if kind == "zip":
        return _keras_archive(source)
    if kind == "hdf5":
        return _legacy_model(source)
    raise FileError(source.name, f"is {_described(kind, source)}, not a Keras model (.keras, .h5, .hdf5)")


def read_file(source: Source) -> ModelFile | WeightsFile | TensorsFile:
    """Find whatever a file holds: a whole model, a config alone (JSON), or weights alone.

    Raises: FileError or NotImplementedError for anything else.
    """
    kind = _kind(source)
    if kind == "other" and source.read(0, min(source.size, 64)).lstrip()[:1] in (b"{", b"["):
        config = _document(source)
        version, backend = (
            value if isinstance(value := config.get(key), str) else None for key in ("keras_version", "backend")
        )
        return ModelFile(source.name, config, version, backend, None)
    if kind == "other" and not is_safetensors(source):
        raise FileError(source.name, f"is {_described(kind, source)}, not a file with a model or weights of Keras")
    is_model = kind == "zip" or (kind == "hdf5" and "model_config" in open_hdf5(source).attrs)
    return read_model_file(source) if is_model else read_weights_file(source)


def read_weights_file(source: Source) -> WeightsFile | TensorsFile:
    """Find the arrays in a file of weights, or of a whole model. Raises: FileError for anything else."""
    kind = _kind(source)
    if kind == "other" and is_safetensors(source):
        return read_header(source)
    if kind == "zip":
        found = _keras_archive(source).weights
        assert found is not None
        return found
    if kind == "hdf5":
        group = open_hdf5(source)
        inner = group["model_weights"] if "layer_names" not in group.attrs and "model_weights" in group else group
        if not isinstance(inner, Group):
            raise FileError(source.name, "model_weights is no group")
        return _weights(inner, group)
    if b'"weight_map"' in source.read(0, min(source.size, 512)):
        raise NotImplementedError(
            f"{source.name}: is the list of several files of weights, and a file is never read because another names it: in "
            "Keras, save_weights without max_shard_size writes a single one"
        )
    raise FileError(source.name, f"is {_described(kind, source)}, not weights of Keras (.weights.h5, .keras, .h5)")


def _kind(source: Source) -> str:
    start = source.read(0, min(source.size, 512))
    if start.startswith(_ZIP):
        return "zip"
    offset = 0
    while offset + len(_HDF5) <= source.size:  # a user block of 512 bytes, or twice that and so on, may stand before it
        if source.read(offset, len(_HDF5)) == _HDF5:
            return "hdf5"
        offset = max(512, 2 * offset)
    return "other"


def _described(kind: str, source: Source) -> str:
    """Say what a file that holds no model is, as far as its first bytes tell."""
    start = source.read(0, min(source.size, 16))
    if not start:
        return "empty"
    if kind == "hdf5":
        return "HDF5"
    if start[:1] == b"\x80":
        return "a pickle, which is never loaded"
    if is_safetensors(source):
        return "a safetensors file, which holds weights alone"
    if start.lstrip()[:1] in (b"{", b"["):
        return "JSON text (see model_from_json)"
    return "neither a zip archive nor HDF5"


def _keras_archive(source: Source) -> ModelFile:
    archive = Archive(source)
    names = archive.names
    if any(name.endswith("data.pkl") for name in names):
        raise FileError(source.name, "is a file of torch.save, not of Keras: torch.load reads it")
    for needed in ("config.json", "metadata.json"):
        if needed not in names:
            raise FileError(source.name, f"has no {needed}: it is a zip archive, but no Keras model")
    config, metadata = (_document(archive.member(name, LARGEST)) for name in ("config.json", "metadata.json"))
    version = metadata.get("keras_version")
    if not isinstance(version, str):
        raise FileError(f"{source.name}/metadata.json", f"keras_version is {version!r}, not a version")
    if "model.weights.h5" not in names:
        raise NotImplementedError(
            f"{source.name}: has no model.weights.h5, only {sorted(names)}: save it in Keras with its weights in one .h5"
        )
    member = archive.member_to_verify("model.weights.h5")
    root = open_hdf5(member)
    weights = WeightsFile(root, root, False, version, None)
    return ModelFile(f"{source.name}/config.json", config, version, None, weights)


def _document(member: Source) -> dict[str, Any]:
    if member.size > LARGEST:
        raise FileError(member.name, f"has {member.size} bytes, a config has {LARGEST} at most")
    return read_json(member.read(0, member.size), member.name)


def _legacy_model(source: Source) -> ModelFile:
    group = open_hdf5(source)
    text = group.attrs.get("model_config")
    if text is None:
        said = "only weights: make the model and call its load_weights" if _has_weights(group) else "no model"
        raise FileError(source.name, f"has no model_config; it holds {said}")
    if not isinstance(text, str):
        raise FileError(source.name, f"its model_config is a {type(text).__name__}, not text")
    place = f"{source.name}/model_config"
    inner = group.get("model_weights")
    if not isinstance(inner, Group):
        raise FileError(source.name, "has no group model_weights")
    weights = _weights(inner, group)
    return ModelFile(place, read_json(text, place), weights.keras_version, weights.backend, weights)


def _has_weights(group: Group) -> bool:
    return (
        any(name in group.attrs for name in _LEGACY) or "layers" in group or "_layer_checkpoint_dependencies" in group
    )


def _weights(group: Group, root: Group) -> WeightsFile:
    def said(name: str) -> str | None:
        value = group.attrs.get(name, root.attrs.get(name))
        return value if isinstance(value, str) else None

    is_legacy = any(name in group.attrs for name in _LEGACY)
    return WeightsFile(group, root, is_legacy, said("keras_version"), said("backend"))
