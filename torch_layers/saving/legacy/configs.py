"""The configs of Keras 1 and 2 in the form that `deserialize` takes, with the meaning that they had in their own version.

Source: keras/engine and keras/models.py, Keras 1.0 to 2.3; tf_keras/src/saving/legacy, 2.21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch_layers.saving.legacy import batch_normalization, keras1, keras1_layers, keras2, locally_connected, tf_shapes
from torch_layers.saving.legacy.graphs import MODELS, functional
from torch_layers.saving.legacy.keras2 import Config, class_of
from torch_layers.saving.legacy.reading import ConfigError, Reading, a_dict, a_list

# Their layers and functions are known to the registries by being defined.
_DEFINED = batch_normalization, keras1_layers, locally_connected, tf_shapes

# From here on there is but one Keras, that of TensorFlow. Before, its versions end with "-tf".
_FIRST_OF_TF = (2, 4)


def modern_config(config: Mapping[str, Any], keras_version: str | None, backend: str | None) -> Config:
    """Return the config of a model or layer of Keras 1 or 2 (tf.keras and tf-keras too) as Keras 3 would have it.

    `config` is {"class_name": ..., "config": ...}: what a file's `model_config` or `model.to_json()` holds. The result
    means what it meant there: `hard_sigmoid` is a function of this package, `legacy_hard_sigmoid`, and classes that
    Keras 3 lacks are those of `legacy.layers`. Classes that are not Keras's stay, for `custom_objects`. Each layer keeps
    its name, so that the two configs can be read side by side.

    Without a version, the config tells Keras 1 from Keras 2 by the names of its arguments.
    Raises: ValueError that lists everything that can't be taken, with its place.
    """
    try:
        document = a_dict(config, "the config")
        version = _version(document, keras_version)
        is_tf = version >= _FIRST_OF_TF or "-tf" in (keras_version or "")
        reading = Reading(version, is_tf, backend or "tensorflow", has_masks=_makes_masks(document))
        if reading.version < (2, 0):
            document = keras1.as_keras_2(document, reading)
        made = _Entries(reading).entry(document, "")
        reading.finish()
    except ConfigError as error:
        raise ValueError(f"the config: {error}") from None
    except RecursionError:
        raise ValueError("the config is nested too deeply to be read") from None
    return made


def _version(config: Config, version: str | None) -> tuple[int, ...]:
    numbers = re.findall(r"\d{1,9}", (version or "").partition("-")[0])[:3]
    if numbers:
        return tuple(map(int, numbers))
    # What Keras 2 wrote without its version is most likely TensorFlow's.
    return (1, 2) if keras1.is_keras_1(config) else _FIRST_OF_TF


def _makes_masks(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("class_name") == "Masking" or value.get("mask_zero") is True or _makes_masks([*value.values()])
    return isinstance(value, (list, tuple)) and any(_makes_masks(item) for item in value)


class _Entries:
    """Layers and models, in each other."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def entry(self, entry: Any, path: str, keeps_shape: bool = False) -> Config:
        """Return the entry of a layer or of a model. Raises: ConfigError if it has not the form of one."""
        name = class_of(entry)
        if name == "Sequential":
            module, described = "keras", self._sequential(entry.get("config"), path or name)
        elif name in MODELS:
            config = a_dict(entry.get("config"), "the config")
            name, module = "Functional", "keras.src.models.functional"
            described = functional(config, self.reading, path or name, self.entry)
        else:
            return keras2.layer(entry, self.reading, path or name, self.entry, keeps_shape)
        return {"module": module, "class_name": name, "config": described, "registered_name": None}

    def _sequential(self, config: Any, path: str) -> Config:
        # Before Keras 2.2.3, a list of layers.
        described = {"layers": config} if isinstance(config, (list, tuple)) else a_dict(config, "the config")
        layers = []
        for number, layer in enumerate(a_list(described.get("layers"), "layers")):
            place = f"{path}/{_name(layer, number)}"
            try:
                layers.append(self.entry(layer, place, keeps_shape=number == 0))
            except ConfigError as error:
                self.reading.problem(place, str(error))
        kept = {key: described[key] for key in ("name", "trainable") if described.get(key) is not None}
        shape = described.get("build_input_shape")
        return {**kept, "layers": layers, **({} if shape is None else {"build_input_shape": shape})}


def _name(entry: Any, number: int) -> str:
    inner = entry.get("config") if isinstance(entry, Mapping) else None
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return name if isinstance(name, str) and name else f"layer {number}"
