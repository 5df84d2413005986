"""Configs of layers in the form of Keras 2, which Keras 3's reader of `.h5` files takes too.

Hardly any modules, dtypes as names, `batch_input_shape`. What Keras 2 has not, or computes otherwise, can't be written so.
Source: tf_keras/src/engine/functional.py and saving/legacy/serialization.py, 2.21; keras/src/models/functional.py and
legacy/saving/saving_utils.py, 3.15. The tables hold what the two libraries' classes take and compute.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from torch_layers.saving.legacy import merging
from torch_layers.saving.legacy.layers import legacy_layers

# The activations that are the same in Keras 2.
_ACTIVATIONS = (
    *("elu", "exponential", "gelu", "leaky_relu", "linear", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid"),
    *("silu", "softmax", "softplus", "softsign", "swish", "tanh"),
)
# The layers that Keras 2 has not; tf-keras has SpectralNormalization, but can't read it from a file.
_NEW = frozenset(
    [f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)]
    + ["GroupQueryAttention", "RMSNormalization", "ReversibleEmbedding", "SpectralNormalization"]
)
# The arguments that Keras 2 has not, and the value of each under which it computes the same.
_NEW_ARGUMENTS = {
    "input_axes": None,
    "lora_alpha": None,
    "lora_rank": None,
    "optional": False,
    "output_axes": None,
    "quantization_config": None,
    "rms_scaling": False,
    "sliding_window": None,
    "use_gate": False,
    "zero_output_for_mask": False,
}
_NEW_ARGUMENTS_OF: dict[str, dict[str, Any]] = {
    "CenterCrop": {"data_format": "channels_last"},
    "Resizing": {
        "antialias": False,
        "data_format": "channels_last",
        "fill_mode": "constant",
        "fill_value": 0.0,
        "pad_to_aspect_ratio": False,
    },
    "ZeroPadding1D": {"data_format": "channels_last"},
}
# Left out: seeds that only Keras 3 takes, and a default that it takes for the name of one of its functions.
_LEFT_OUT = {
    **{name: {"seed"} for name in ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "MultiHeadAttention")},
    "InputLayer": {"ragged"},
}
_DEFAULTS = [(("Attention", "score_mode"), "dot")]
_RENAMED = {("LeakyReLU", "negative_slope"): "alpha", ("InputLayer", "batch_shape"): "batch_input_shape"}
ENDS = ("input_layers", "output_layers")
LEGACY_HARD_SIGMOID = "legacy_hard_sigmoid"
MERGED, CALLED = "MergedAsInKeras2", "CalledAsInKeras2"
AXES = "BatchNormalizationOfAxes"
OLD = ("ThresholdedReLU", "LocallyConnected1D", "LocallyConnected2D")


class NotInKeras2Error(Exception):
    """Why a model can't be written so that Keras 2 computes the same."""


class Form(ABC):
    """What `serialize` says of models and layers in a form that Keras 2 reads; subclasses say how calls are written."""

    def model(self, described: Mapping[str, Any]) -> dict[str, Any]:
        """Return the config of a model, its class around it. Raises: NotInKeras2Error saying why there is none."""
        if _holds(described, _makes_masks) and _holds(described, _merges):
            raise NotInKeras2Error("Keras 2 merges inputs that have masks in another way")
        return self.layer(described)

    @abstractmethod
    def functional(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the config of a functional model."""

    def layer(self, described: Mapping[str, Any], nested: bool = False) -> dict[str, Any]:
        """Return a layer or a model in the form of its entry in a model, the calls aside."""
        name, config = described["class_name"], described["config"]
        if described.get("module") == legacy_layers.module:
            return self._of_keras_2(name, config, nested)
        if described.get("module") not in ("keras.layers", "keras", "keras.src.models.functional") or name in _NEW:
            raise NotInKeras2Error(f"{name} is no layer of Keras 2")
        if name == "Functional":
            return {"class_name": name, "config": self.functional(config)}
        if name == "Sequential":
            return {"class_name": name, "config": self._sequential(config, nested)}
        if name == "Bidirectional":
            config = {key: _without_forced(value) for key, value in config.items()}
        found = {"class_name": name, "config": self._arguments(name, config)}
        axis = config.get("axis")
        # Of a layer without a module, Keras 3 leaves several axes out, and takes the last one.
        return _of_module("keras.layers", found) if isinstance(axis, (list, tuple)) and len(axis) > 1 else found

    def _of_keras_2(self, name: str, config: Mapping[str, Any], nested: bool) -> dict[str, Any]:
        """Return a layer that only Keras 2 has, or which means only there what it means here."""
        if name in (MERGED, CALLED) and not config.get("starts_with_state"):
            inner = config["layer"]
            found = self.layer({**inner, "config": {**inner["config"], "name": config["name"]}}, nested)
            return _with_steps_first(found) if config.get("time_major") else found
        if name in OLD:
            return {"class_name": name, "config": self._arguments(name, config)}
        if name == AXES:
            config = {("axis" if key == "axes" else key): value for key, value in config.items()}
            return {"class_name": "BatchNormalization", "config": self._arguments("BatchNormalization", config)}
        raise NotInKeras2Error(f"{name} is of a Keras before that of TensorFlow")

    def _sequential(self, config: Mapping[str, Any], nested: bool) -> dict[str, Any]:
        layers = [self.layer(layer, nested=True) for layer in config["layers"]]
        # Keras 2 counts the calls of a model inside another from 1 if it begins with an input, Keras 3 from 0.
        if nested and layers[0]["class_name"] == "InputLayer":
            del layers[0]
        found = {"name": config["name"], "layers": layers}
        if not nested and "build_input_shape" in config:
            found["build_input_shape"] = list(config["build_input_shape"])
        return found

    def _arguments(self, owner: str, config: Mapping[str, Any]) -> dict[str, Any]:
        new = {**_NEW_ARGUMENTS, **_NEW_ARGUMENTS_OF.get(owner, {})}
        found = {}
        for name, value in config.items():
            if name in new:
                if value != new[name]:
                    raise NotInKeras2Error(f"{name}={value!r} of {owner} is unknown to Keras 2")
            elif name not in _LEFT_OUT.get(owner, ()) and ((owner, name), value) not in _DEFAULTS:
                found[_RENAMED.get((owner, name), name)] = self._value(owner, name, value)
        return found

    def _value(self, owner: str, name: str, value: Any) -> Any:
        if name == "dtype" and isinstance(value, Mapping):
            policy: str = value["config"]["name"]
            return policy
        if name.endswith("activation") and isinstance(value, str) and value not in _ACTIVATIONS:
            raise NotInKeras2Error(f"{name}={value!r} of {owner} is unknown to Keras 2, or another function there")
        if isinstance(value, (list, tuple)):
            return [self._value(owner, "", item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.get("class_name") == "function":
            return _function(owner, name, value)
        if "class_name" not in value:
            return {key: self._value(owner, "", item) for key, item in value.items()}
        if value.get("module") in ("keras.initializers", "keras.regularizers", "keras.constraints"):
            if value["class_name"] == "STFT":
                raise NotInKeras2Error(f"{name}='STFT' of {owner} is unknown to Keras 2")
            return {"class_name": value["class_name"], "config": self._arguments(value["class_name"], value["config"])}
        inner = self.layer(value, nested=True)
        # Keras 3 looks for a layer inside another, such as a wrapper's, in the module that is named.
        if inner["class_name"] == "Functional":
            inner["class_name"] = "Model"
        module = "keras" if inner["class_name"] in ("Model", "Sequential") else "keras.layers"
        return _of_module(module, inner)


def _of_module(module: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"module": module, **found, "registered_name": None}


def _holds(value: Any, test: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Tell whether a test says so of something in a model, what is as in Keras 2 aside."""
    if isinstance(value, Mapping):
        is_of_keras_2 = value.get("module") == legacy_layers.module
        return test(value) or (not is_of_keras_2 and any(_holds(item, test) for item in value.values()))
    return isinstance(value, (list, tuple)) and any(_holds(item, test) for item in value)


def _makes_masks(value: Mapping[str, Any]) -> bool:
    return value.get("class_name") == "Masking" or value.get("mask_zero") is True


def _merges(value: Mapping[str, Any]) -> bool:
    return value.get("class_name") in merging.CLASSES


def _with_steps_first(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a recurrent layer, or of both in a `Bidirectional`, that the axis of time comes first."""
    inside = {key: layer["config"].get(key) for key in ("layer", "backward_layer")}
    changed: dict[str, Any] = {key: _with_steps_first(value) for key, value in inside.items() if value is not None}
    return {**layer, "config": {**layer["config"], **(changed or {"time_major": True})}}


def _without_forced(value: Any) -> Any:
    """Leave out of a layer in a `Bidirectional` what both Kerases set by themselves."""
    if not isinstance(value, Mapping) or "zero_output_for_mask" not in value.get("config", ()):
        return value
    return {**value, "config": {**value["config"], "zero_output_for_mask": False}}


def _function(owner: str, name: str, value: Mapping[str, Any]) -> str:
    # Keras 2's function of this name, as its files say it.
    if value["config"] == LEGACY_HARD_SIGMOID:
        return "hard_sigmoid"
    raise NotInKeras2Error(f"{name}={value['config']!r} of {owner} is a function that Keras 2 does not name so")


def without_shape(name: str, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put a linear activation before a chain whose first layer tells the shape of its input: it then isn't built yet."""
    first = layers[0]
    while first["class_name"] == "Sequential":
        first = first["config"]["layers"][0]
    if first["class_name"] not in ("Embedding", "Functional"):
        return layers
    start = {"name": f"{name}_start", "activation": "linear", "dtype": _input_dtype(first)}
    return [{"class_name": "Activation", "config": start}, *layers]


def _input_dtype(layer: Mapping[str, Any]) -> str:
    config = layer["config"]
    if layer["class_name"] == "Functional":
        config = next(inner["config"] for inner in config["layers"] if inner["name"] == config["input_layers"][0])
    dtype: str = config["dtype"]
    return dtype


def is_tensor(value: Any) -> bool:
    """Tell whether a value stands for the output of a layer's call."""
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"
