"""Layers of Keras 1: their configs in the form of Keras 2, with the meaning of Keras 1.

Source: keras/layers, keras/regularizers.py and keras/constraints.py, Keras 1.0 to 1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch_layers.saving.legacy import keras1_chains, parts
from torch_layers.saving.legacy.graphs import MODELS
from torch_layers.saving.legacy.keras2 import Config, class_of, config_of, fixed, ignore, rename
from torch_layers.saving.legacy.reading import ConfigError, Reading, a_list, a_name, shown

Rule = Callable[[Config, Reading, str], None]

# Arguments that no other version has. One of them tells a config of Keras 1.
_SIGNS = {
    *(
        "nb_filter",
        "border_mode",
        "dim_ordering",
        "inner_activation",
        "pool_length",
        "consume_less",
        "subsample_length",
    ),
    *("W_regularizer", "b_regularizer", "nb_row"),
}
_NAMES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    # The same weights, on the last axis.
    "TimeDistributedDense": "Dense",
}
_RENAMED = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "bias": "use_bias",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
_ORDERS = {"tf": "channels_last", "th": "channels_first"}
# Layers that have an order of axes, which some of their configs leave to the settings of whoever reads them.
_ORDERED = {
    *("Convolution2D", "Convolution3D", "AtrousConvolution2D", "Deconvolution2D", "SeparableConvolution2D"),
    *("LocallyConnected2D", "ConvLSTM2D", "MaxPooling2D", "MaxPooling3D", "AveragePooling2D", "AveragePooling3D"),
    *("GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"),
    *("UpSampling2D", "UpSampling3D", "ZeroPadding2D", "ZeroPadding3D", "Cropping2D", "Cropping3D"),
    *("SpatialDropout2D", "SpatialDropout3D"),
}


def _joined(new: str, *old: str) -> Rule:
    """Make one argument of several."""

    def rule(config: Config, reading: Reading, path: str) -> None:
        if all(name in config for name in old):
            config[new] = [config.pop(name) for name in old]

    return rule


def _forget_gate(config: Config, reading: Reading, path: str) -> None:
    if "forget_bias_init" in config:
        config["unit_forget_bias"] = config.pop("forget_bias_init") == "one"


def _padding(names: tuple[str, ...]) -> Rule:
    """Write a padding as [before, after] for each axis: one number for both, one for each, or a dict of `names`."""

    def rule(config: Config, reading: Reading, path: str) -> None:
        given = config.get("padding", 1)
        if isinstance(given, dict):
            given = [given.get(name, 0) for name in names]
        axes = len(names) // 2
        flat = [given] * axes if isinstance(given, int) else a_list(given, "padding")
        if (axes == 1 and len(flat) == 1) or len(flat) == axes > 1:
            flat = [size for size in flat for _ in range(2)]
        if len(flat) != len(names):
            raise ConfigError(f"padding={shown(given)} does not hold {axes} or {len(names)} sizes")
        pairs = [flat[2 * axis : 2 * axis + 2] for axis in range(axes)]
        config["padding"] = pairs if axes > 1 else pairs[0]

    return rule


def _output_shape(config: Config, reading: Reading, path: str) -> None:
    """Say how far the output of a transposed convolution goes beyond the least that its input may have come from."""
    shape = parts.sizes(config.pop("output_shape", None), "output_shape")
    kernel, strides = (
        a_list(config.get("kernel_size"), "kernel_size"),
        a_list(config.get("strides", [1, 1]), "subsample"),
    )
    if (
        len(shape) != 4
        or len(kernel) != 2
        or len(strides) != 2
        or not all(isinstance(n, int) for n in kernel + strides)
    ):
        raise ConfigError(f"output_shape={shown(shape)} or its kernel or subsample are not those of images")
    sizes = shape[2:] if config.get("data_format") == "channels_first" else shape[1:3]
    same = config.get("padding") == "same"
    extra = []
    for size, k, stride in zip(sizes, kernel, strides, strict=True):
        if size is None:
            raise ConfigError(f"output_shape={shown(shape)} leaves sizes open")
        least = (-(-size // stride) - 1) * stride + k - 2 * (k // 2) if same else size - (size - k) % stride
        extra.append((size - least, stride if same and size % stride == 0 else 0, max(stride - k, 0)))
    is_default = all(whole if same else over == usual for over, whole, usual in extra)
    if is_default:
        return
    if any(over >= stride for (over, _, _), stride in zip(extra, strides, strict=True)):
        raise ConfigError(
            f"output_shape={shown(shape)} can't be had by an output_padding below the subsample {strides}"
        )
    config["output_padding"] = [over for over, _, _ in extra]


def _batch_statistics(config: Config, reading: Reading, path: str) -> None:
    if config.get("mode") == 0:
        del config["mode"]


def _order_of_weights(config: Config, reading: Reading, path: str) -> None:
    config.pop("transform_bias", None)
    if reading.version < (1, 2):
        config["biases_beside_kernels"] = True


_UNITS = rename(output_dim="units")
_KERNEL = _joined("kernel_size", "nb_row", "nb_col")
_POOL = rename(pool_length="pool_size", stride="strides")
_RECURRENT = (ignore("consume_less"), _UNITS)
_RULES: dict[str, tuple[Rule, ...]] = {
    "Dense": (_UNITS,),
    "TimeDistributedDense": (_UNITS,),
    "Highway": (_order_of_weights,),
    "MaxoutDense": (_UNITS, rename(nb_feature="features")),
    "Activation": (),
    "ActivityRegularization": (),
    "BatchNormalization": (_batch_statistics,),
    **dict.fromkeys(
        ("Convolution1D", "AtrousConvolution1D", "LocallyConnected1D"), (rename(filter_length="kernel_size"),)
    ),
    **dict.fromkeys(
        ("Convolution2D", "AtrousConvolution2D", "SeparableConvolution2D", "LocallyConnected2D", "ConvLSTM2D"),
        (_KERNEL,),
    ),
    "Convolution3D": (_joined("kernel_size", "kernel_dim1", "kernel_dim2", "kernel_dim3"),),
    "Deconvolution2D": (_KERNEL, _output_shape),
    "SimpleRNN": _RECURRENT,
    "GRU": (*_RECURRENT, fixed(reset_after=False)),
    "LSTM": (*_RECURRENT, _forget_gate),
    **dict.fromkeys(("MaxPooling1D", "AveragePooling1D"), (_POOL,)),
    "UpSampling1D": (rename(length="size"),),
    "ZeroPadding1D": (_padding(("left_pad", "right_pad")),),
    "ZeroPadding2D": (_padding(("top_pad", "bottom_pad", "left_pad", "right_pad")),),
    "ZeroPadding3D": (_padding(tuple(f"{side}_pad{axis}" for axis in (1, 2, 3) for side in ("left", "right"))),),
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout"), (rename(p="rate"),)
    ),
    "GaussianNoise": (rename(sigma="stddev"),),
    # It drops words in training alone, in a way that nothing else does.
    "Embedding": (ignore("dropout"),),
}
_RULES["ConvLSTM2D"] = (_KERNEL, _forget_gate)
_OWN_NAMES = {
    "Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "PReLU": {"init": "alpha_initializer"},
    "SeparableConvolution2D": {"init": "depthwise_initializer"},
}


def is_keras_1(value: Any) -> bool:
    """Tell by the arguments of its layers whether a config is of Keras 1."""
    if isinstance(value, dict):
        config = value.get("config")
        signs = isinstance(config, dict) and not _SIGNS.isdisjoint(config)
        return value.get("class_name") == "Merge" or signs or is_keras_1([*value.values()])
    return isinstance(value, list) and any(map(is_keras_1, value))


def as_keras_2(document: Config, reading: Reading) -> Config:
    """Return a model's or a layer's entry in the form of Keras 2. Problems go to `reading`."""
    orders = set(_orders(document))
    usual = "th" if orders == {"th"} or (not orders and reading.backend == "theano") else "tf"
    return _Entries(reading, usual).entry(document, "")


def _orders(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("dim_ordering"), str):
            yield value["dim_ordering"]
        value = [*value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _orders(item)


class _Entries:
    def __init__(self, reading: Reading, usual: str) -> None:
        self.reading, self.usual = reading, usual

    def entry(self, entry: Any, path: str) -> Config:
        """Return an entry in the form of Keras 2. What can't be taken becomes a layer that does nothing, and a problem."""
        try:
            return self._entry(entry, path)
        except ConfigError as error:
            self.reading.problem(path or "the config", str(error))
            described = dict(entry) if isinstance(entry, dict) else {}
            config = described.get("config")
            name = config.get("name") if isinstance(config, dict) else None
            return {**described, "class_name": "Identity", "config": {"name": name or "unreadable"}}

    def _entry(self, entry: Any, path: str) -> Config:
        name = class_of(entry)
        if name == "Sequential":
            layers = a_list(entry["config"], "the config") if "config" in entry else []
            made = [self.entry(layer, f"{path or name}/{_name(layer, n)}") for n, layer in enumerate(layers)]
            return keras1_chains.chain({**entry, "config": made})
        if name in MODELS:
            config = config_of(entry)
            layers = a_list(config.get("layers"), "layers")
            made = [self.entry(layer, f"{path or name}/{_name(layer, n)}") for n, layer in enumerate(layers)]
            return {**entry, "class_name": "Model", "config": {**config, "layers": made}}
        if name == "Merge":
            config = config_of(entry)
            if config.get("layers") is not None:
                branches = a_list(config["layers"], "layers")
                config["layers"] = [self.entry(b, f"{path}/{_name(b, n)}") for n, b in enumerate(branches)]
            return {**entry, **keras1_chains.merge(config)}
        return self._layer(entry, name, path)

    def _layer(self, entry: Config, name: str, path: str) -> Config:
        config = config_of(entry)
        if isinstance(config.get("layer"), dict):
            config["layer"] = self.entry(config["layer"], f"{path}/layer")
        if name not in _RULES and name not in _ORDERED and name not in ("InputLayer", "PReLU"):
            return {**entry, "config": config}
        names = {**_RENAMED, **_OWN_NAMES.get(name, {})}
        config = {names.get(key, key): value for key, value in config.items()}
        if name == "SeparableConvolution2D" and "depthwise_initializer" in config:
            config["pointwise_initializer"] = config["depthwise_initializer"]
        if name != "Embedding":
            ignore("input_dim", "input_length")(config, self.reading, path)
        order = config.pop("dim_ordering", self.usual)
        if name in _ORDERED:
            config["data_format"] = _ORDERS.get(a_name(order, "dim_ordering"), order)
        for rule in _RULES.get(name, ()):
            rule(config, self.reading, path)
        for key, value in config.items():
            if key.endswith("_regularizer"):
                config[key] = _regularizer(value)
            elif key.endswith("_constraint"):
                config[key] = _constraint(value)
        ours = "BatchNormalizationOfKeras1" if name == "BatchNormalization" and "mode" in config else name
        return {**entry, "class_name": _NAMES.get(ours, ours), "config": config}


def _name(entry: Any, number: int) -> str:
    config = entry.get("config") if isinstance(entry, dict) else None
    name = config.get("name") if isinstance(config, dict) else None
    return name if isinstance(name, str) and name else f"layer {number}"


def _regularizer(value: Any) -> Any:
    """Return a regularizer in the form of Keras 2. Its class stands among its arguments, as `name`."""
    if value is None or not isinstance(value, dict) or "name" not in value:
        return value
    name = value["name"]
    if name not in ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer"):
        raise ConfigError(f"the regularizer {shown(name)} is not known to torch_layers")
    return {"class_name": "L1L2", "config": {key: value.get(key, 0.0) for key in ("l1", "l2")}}


def _constraint(value: Any) -> Any:
    if value is None or not isinstance(value, dict) or "name" not in value:
        return value
    renamed = {"m": "max_value", "low": "min_value", "high": "max_value"}
    config = {renamed.get(key, key): item for key, item in value.items() if key != "name"}
    return {"class_name": value["name"], "config": config}
