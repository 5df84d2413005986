"""Layers of Keras 2 (tf.keras and tf-keras too): their configs in the form of Keras 3, with the meaning of Keras 2.

Source: keras/layers, Keras 2.0 to 2.3; tf_keras/src/layers, 2.21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch_layers import registry
from torch_layers.saving.legacy import parts
from torch_layers.saving.legacy.activations import HARD_SIGMOID
from torch_layers.saving.legacy.layers import around, legacy_layers
from torch_layers.saving.legacy.reading import ConfigError, Reading, a_dict, a_list, a_name, shown
from torch_layers.saving.legacy.theano_padding import as_on_theano

Config = dict[str, Any]
# Takes a config and changes it. What it can't is a problem of the layer at the path.
Rule = Callable[[Config, Reading, str], None]

# Other names of Keras 2's for classes: those of TensorFlow 1 with a second implementation, and the experimental ones.
_NAMES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "LSTMCellV2": "LSTMCell",
    "GRUCellV2": "GRUCell",
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    # They add what they are given to the losses or metrics, and return it.
    "AddLoss": "Identity",
    "AddMetric": "Identity",
}
# Those that Keras 3 has no namesake of: in Keras 2 and in Keras 1.
_LEGACY = ("LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU", "Highway", "MaxoutDense")
_LEGACY_1 = (*_LEGACY, "BatchNormalizationOfKeras1", "CosineOfKeras1", "ParametricSoftplus", "SReLU")
_PACKAGES = ("keras", "tf_keras", "tensorflow", "tensorflow_core")
# Arguments of every layer that say nothing of what it computes.
_IGNORED = ("dynamic", "input_dtype", "shared_object_id")
_ACTIVATIONS = ("activation", "recurrent_activation")


def ignore(*names: str) -> Rule:
    """Leave arguments out."""

    def rule(config: Config, reading: Reading, path: str) -> None:
        for name in names:
            config.pop(name, None)

    return rule


def rename(**names: str) -> Rule:
    """Give arguments, by their old names, new ones."""

    def rule(config: Config, reading: Reading, path: str) -> None:
        for old, new in names.items():
            if old in config:
                config[new] = config.pop(old)

    return rule


def only(name: str, *allowed: Any) -> Rule:
    """Leave an argument out that has to have one of these values."""

    def rule(config: Config, reading: Reading, path: str) -> None:
        value = config.pop(name, allowed[0])
        if value not in allowed:
            reading.problem(path, f"{name}={shown(value)} is not supported, only {' or '.join(map(repr, allowed))} is")

    return rule


def default(**values: Any) -> Rule:
    """Say what arguments are that a config leaves out."""

    def rule(config: Config, reading: Reading, path: str) -> None:
        for name, value in values.items():
            config.setdefault(name, value)

    return rule


def fixed(**values: Any) -> Rule:
    """Say what arguments are."""
    return lambda config, reading, path: config.update(values)


def _renorm(config: Config, reading: Reading, path: str) -> None:
    """Leave out what only counts with `renorm`."""
    if not config.get("renorm"):
        ignore("renorm", "renorm_clipping", "renorm_momentum")(config, reading, path)


def _normalized_axis(config: Config, reading: Reading, path: str) -> None:
    axis = config.get("axis")
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        config["axis"] = axis[0]


def _gates(config: Config, reading: Reading, path: str) -> None:
    """Say which activation the gates have if the config doesn't: it changed with Keras 2.3."""
    config.setdefault("recurrent_activation", "hard_sigmoid" if reading.version < (2, 3) else "sigmoid")


def _lift_time_major(config: Config, reading: Reading, path: str) -> None:
    """Say of a Bidirectional itself that it begins with the axis of time, not of the layer in it."""
    found = False
    for key in ("layer", "backward_layer"):
        inner = config.get(key)
        inside = inner.get("config") if isinstance(inner, dict) else None
        if isinstance(inner, dict) and isinstance(inside, dict) and inside.get("time_major"):
            config[key] = {**inner, "config": {**inside, "time_major": False}}
            found = True
    if found and config.get("merge_mode", "concat") is None:
        reading.problem(path, "time_major=True of the layer in it is not supported with merge_mode=None")
    config["time_major"] = found


_NO_KERNEL = ignore("kernel_initializer", "kernel_regularizer", "kernel_constraint", "rank")
_SEPARABLE = (_NO_KERNEL, only("groups", 1))
_RECURRENT = (ignore("implementation"), only("num_constants", 0, None))
_CUDNN = fixed(activation="tanh", recurrent_activation="sigmoid", use_bias=True)
_CELL = ignore("implementation")
_BATCH_NORMALIZATION = (
    _normalized_axis,
    _renorm,
    ignore("fused"),
    only("virtual_batch_size", None),
    only("adjustment", None),
)
_ATTENTION = ignore("query_shape", "key_shape", "value_shape", "softmax_robust_masking")
# Of layers that Keras 2 keeps as Keras 1 had them.
_OLD_DENSE = rename(
    init="kernel_initializer",
    bias="use_bias",
    W_regularizer="kernel_regularizer",
    b_regularizer="bias_regularizer",
    W_constraint="kernel_constraint",
    b_constraint="bias_constraint",
)
_RULES: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), (ignore("rank"),)),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), (ignore("rank"), only("groups", 1))),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), (*_SEPARABLE, ignore("filters"))),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _SEPARABLE),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), (ignore("noise_shape"),)),
    "BatchNormalization": _BATCH_NORMALIZATION,
    "SyncBatchNormalization": (*_BATCH_NORMALIZATION, fixed(synchronized=True)),
    "LayerNormalization": (_normalized_axis,),
    "LeakyReLU": (rename(alpha="negative_slope"),),
    "Embedding": (ignore("input_length"), only("sparse", False)),
    "InputLayer": (rename(batch_input_shape="batch_shape"), only("sparse", False, None), only("ragged", False, None)),
    **dict.fromkeys(("RNN", "SimpleRNN"), _RECURRENT),
    "LSTM": (*_RECURRENT, _gates),
    "GRU": (*_RECURRENT, _gates, default(reset_after=False)),
    "CuDNNLSTM": (*_RECURRENT, _CUDNN),
    "CuDNNGRU": (*_RECURRENT, _CUDNN, fixed(reset_after=True)),
    "SimpleRNNCell": (_CELL,),
    "LSTMCell": (_CELL, _gates),
    "GRUCell": (_CELL, _gates, default(reset_after=False)),
    "StackedRNNCells": (only("reverse_state_order", False),),
    **dict.fromkeys(
        ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        (*_RECURRENT, ignore("unroll", "rank"), default(recurrent_activation="hard_sigmoid")),
    ),
    "Bidirectional": (only("num_constants", 0, None), _lift_time_major),
    "MultiHeadAttention": (_ATTENTION,),
    "Attention": (only("causal", False),),
    "AdditiveAttention": (only("causal", False),),
    "Highway": (_OLD_DENSE,),
    "MaxoutDense": (_OLD_DENSE, rename(output_dim="units", nb_feature="features")),
    "AddLoss": (ignore("unconditional"),),
    "AddMetric": (ignore("aggregation", "metric_name"),),
}


def class_of(entry: Any) -> str:
    """Return the class's name in a layer's entry. Raises: ConfigError if it has none."""
    return a_name(a_dict(entry, "the layer").get("class_name"), "the class_name")


def config_of(entry: Any) -> Config:
    """Return a copy of the config in a layer's entry. Raises: ConfigError if it has none."""
    return a_dict(a_dict(entry, "the layer").get("config"), "the config")


def layer(entry: Any, reading: Reading, path: str, inner: Callable[[Any, str], Config], keeps_shape: bool) -> Config:
    """Return a layer's entry in the form of Keras 3.

    `inner(entry, path)` does that for a layer or a model inside of it. The shape of the input, which Keras 2 keeps with a
    layer, counts for the first one of a Sequential alone (`keeps_shape`).
    Raises: ConfigError if there is no class or no config.
    """
    name, config = class_of(entry), {key: parts.plain(value) for key, value in config_of(entry).items()}
    ours = _NAMES.get(name, name)
    legacy = _LEGACY if reading.version >= (2, 0) else _LEGACY_1
    if _is_users(entry) or not (ours in registry.layers or ours in legacy):
        # `custom_objects` has to have it.
        registered = entry.get("registered_name") or name
        return {
            "class_name": name.split(">")[-1],
            "config": _custom(config, reading, path, inner),
            "registered_name": registered,
        }
    if name == "UpSampling2D" and config.get("interpolation") == "bilinear" and not reading.is_tf:
        ours = "BilinearUpSampling2D"
        config.pop("interpolation")
    if ours == "BatchNormalization" and isinstance(config.get("axis"), (list, tuple)) and len(config["axis"]) > 1:
        ours = "BatchNormalizationOfAxes"
        config["axes"] = config.pop("axis")
    if name == "Bidirectional" and reading.has_masks and not reading.is_tf:
        ours = "BidirectionalOfKeras2"
    is_input = name == "InputLayer"
    shape = config.get("batch_input_shape")
    if shape is not None:
        config["batch_input_shape"] = parts.sizes(shape, "batch_input_shape")
    if is_input and config.get("dtype") is None and isinstance(config.get("input_dtype"), str):
        config["dtype"] = config["input_dtype"]
    if not keeps_shape and not is_input:
        config.pop("batch_input_shape", None)
    for rule in (ignore(*_IGNORED), *_RULES.get(name, ())):
        rule(config, reading, path)
    _convert_parts(config, reading, path, inner)
    if ours == "Embedding" and "int" in str(config.get("dtype")):
        del config["dtype"]  # that of the input, in Keras 1
    module = registry.layers.module if ours in registry.layers else legacy_layers.module
    time_major = bool(config.pop("time_major", False))
    made = {"module": module, "class_name": ours, "config": config, "registered_name": None}
    if reading.backend == "theano":
        made = as_on_theano(made, reading, path)
    return as_keras_2_calls_it(made, reading, time_major) if time_major else made


def _convert_parts(config: Config, reading: Reading, path: str, inner: Callable[[Any, str], Config]) -> None:
    """Bring whatever a layer's config holds itself into the form of Keras 3."""
    for key, value in list(config.items()):
        try:
            if key == "dtype":
                config[key] = parts.dtype(value)
                if config[key] is None:
                    del config[key]
            elif key in _ACTIVATIONS:
                config[key] = parts.activation(value, inner, f"{path}/{key}")
            elif key.endswith("_initializer"):
                config[key] = parts.initializer(value)
            elif key.endswith("_regularizer"):
                config[key] = parts.regularizer(value)
            elif key.endswith("_constraint"):
                config[key] = parts.constraint(value)
            elif key in ("layer", "backward_layer", "cell") and value is not None:
                config[key] = inner(value, f"{path}/{key}")
            elif key == "cells":
                config[key] = [inner(cell, f"{path}/cells/{n}") for n, cell in enumerate(a_list(value, "cells"))]
        except ConfigError as error:
            reading.problem(path, f"{key}: {error}")


def _is_users(entry: Config) -> bool:
    """Tell whether a layer's class is not Keras's, whatever its name."""
    module, registered = entry.get("module"), entry.get("registered_name")
    package = str(module).split(".")[0]
    names = [str(name) for name in (registered, entry["class_name"]) if name is not None]
    return any(">" in name for name in names) or (module is not None and package not in _PACKAGES)


def _custom(config: Config, reading: Reading, path: str, inner: Callable[[Any, str], Config]) -> Config:
    """Change in the config of a user's own layer what is sure to mean the same for every layer."""
    plain = {key: value for key, value in config.items() if key not in _ACTIVATIONS and _is_object(value)}
    _convert_parts(plain, reading, path, inner)
    changed = {**config, **plain}
    for key in _ACTIVATIONS:
        if config.get(key) == "hard_sigmoid":
            changed[key] = dict(HARD_SIGMOID)
    return changed


def _is_object(value: Any) -> bool:
    """Tell whether a value is an object's description, of the old form that names no module."""
    return isinstance(value, dict) and "config" in value and "class_name" in value and value.get("module") is None


def as_keras_2_calls_it(described: Config, reading: Reading, time_major: bool = False) -> Config:
    """Return the entry of a recurrent layer that takes its states in a list behind its input, as Keras 2 calls it."""
    is_old = not reading.is_tf and reading.version < (2, 2, 5) and "Bidirectional" not in described["class_name"]
    return around(described, "CalledAsInKeras2", time_major=time_major, starts_with_state=is_old)
