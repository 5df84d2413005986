"""Make the files beside this script: models as Keras before 1.0, Keras 1.1, 1.2 and 2.0 to 2.1 saved them.

Those versions run nowhere any more. The attributes, groups, names, orders and shapes follow `save_model`,
`save_weights_to_hdf5_group` and the layers' `build` and `get_config` in their sources; the values are random.
Run it with h5py installed: python make.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

HERE = Path(__file__).parent
Shapes = dict[str, tuple[int, ...]]
NONE = ("W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint")


def drawn(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return random values; those of variances are positive."""
    positive = any(part in name for part in ("std", "variance"))
    values = rng.uniform(0.3, 1, shape) if positive else rng.normal(scale=0.6, size=shape)
    return values.astype("float32")


def save(
    name: str, model: Any, weights: Mapping[str, Shapes], version: str | None = "1.2.2", backend: str | None = None
) -> None:
    """Write a whole model. Keras 1 said its version beside the config alone, Keras 2 beside the weights too."""
    rng = np.random.default_rng(len(name))
    with h5py.File(HERE / f"{name}.h5", "w") as file:
        if version is not None:
            file.attrs["keras_version"] = version.encode()
        if backend is not None:
            file.attrs["backend"] = backend.encode()
        file.attrs["model_config"] = json.dumps(model).encode()
        group = file.create_group("model_weights")
        write(group, weights, rng)
        if backend is not None:
            group.attrs["keras_version"], group.attrs["backend"] = version.encode(), backend.encode()
        if name == "keras_1_dense":  # of an optimizer, which nobody needs to compute
            state = file.create_group("optimizer_weights")
            state.attrs["weight_names"] = [b"iterations:0"]
            state.create_dataset("iterations:0", data=np.float32(3))


def write(group: Any, weights: Mapping[str, Shapes], rng: np.random.Generator) -> None:
    """Write the weights of layers, each in the layer's group."""
    group.attrs["layer_names"] = [layer.encode() for layer in weights]
    for layer, shapes in weights.items():
        inner = group.create_group(layer)
        inner.attrs["weight_names"] = [name.encode() for name in shapes]
        for name, shape in shapes.items():
            inner.create_dataset(name, data=drawn(rng, name, shape))


def layer(cls: str, name: str, **config: Any) -> dict[str, Any]:
    """Return what Keras says of a layer."""
    return {"class_name": cls, "config": {"name": name, "trainable": True, **config}}


def chain(*layers: Any) -> dict[str, Any]:
    """Return what Keras 1 and 2.0 say of a Sequential."""
    return {"class_name": "Sequential", "config": list(layers)}


def first(shape: tuple[int, ...], dtype: str = "float32") -> dict[str, Any]:
    """Return what the first layer of a chain says besides, in Keras 1."""
    return {"batch_input_shape": [None, *shape], "input_dtype": dtype}


def options(*names: str) -> dict[str, Any]:
    """Return arguments that are None."""
    return dict.fromkeys(names or NONE)


def dense(name: str, units: int, activation: str = "linear", **more: Any) -> dict[str, Any]:
    config = {"output_dim": units, "init": "glorot_uniform", "activation": activation, "bias": True, "input_dim": None}
    return layer("Dense", name, **config, **options(), **more)


def image(cls: str, name: str, filters: int, order: str, **more: Any) -> dict[str, Any]:
    config = {"nb_filter": filters, "nb_row": 3, "nb_col": 2, "init": "glorot_uniform", "activation": "linear"}
    config |= {"border_mode": "valid", "subsample": [1, 1], "dim_ordering": order, "bias": True}
    return layer(cls, name, **config, **options(), **more)


def recurrent(cls: str, name: str, units: int, **more: Any) -> dict[str, Any]:
    config = {"output_dim": units, "init": "glorot_uniform", "inner_init": "orthogonal", "activation": "tanh"}
    config |= {"inner_activation": "hard_sigmoid", "dropout_W": 0.0, "dropout_U": 0.0, "consume_less": "cpu"}
    config |= {
        "return_sequences": True,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "input_length": None,
    }
    if cls == "LSTM":
        config["forget_bias_init"] = "one"
    return layer(cls, name, **{**config, **options("W_regularizer", "U_regularizer", "b_regularizer"), **more})


def gates(name: str, letters: str, inputs: int, units: int) -> Shapes:
    """Return the arrays of a recurrent layer of Keras 1: three for each gate."""
    shapes = {"W": (inputs, units), "U": (units, units), "b": (units,)}
    return {f"{name}_{kind}_{gate}:0": shape for gate in letters for kind, shape in shapes.items()}


def pair(name: str, kernel: tuple[int, ...], width: int) -> Shapes:
    """Return kernel and bias."""
    return {f"{name}_W:0": kernel, f"{name}_b:0": (width,)}


# --- Keras 1 --------------------------------------------------------------------------------------------------------


def keras_1_dense() -> None:
    normal = {
        "epsilon": 1e-3,
        "mode": 0,
        "axis": -1,
        "momentum": 0.99,
        **options("gamma_regularizer", "beta_regularizer"),
    }
    highway = {"init": "glorot_uniform", "activation": "tanh", "bias": True, "input_dim": 5, **options()}
    maxout = {"output_dim": 3, "init": "glorot_uniform", "nb_feature": 2, "bias": True, "input_dim": 5, **options()}
    model = chain(
        dense("dense_1", 5, "hard_sigmoid", **first((4,))),
        layer("BatchNormalization", "batchnormalization_1", **normal),
        layer("Dropout", "dropout_1", p=0.5),
        layer("Highway", "highway_1", **highway),
        layer("MaxoutDense", "maxoutdense_1", **maxout),
    )
    statistics = ("gamma", "beta", "running_mean", "running_std")
    weights: dict[str, Shapes] = {
        "dense_1": pair("dense_1", (4, 5), 5),
        "batchnormalization_1": {f"batchnormalization_1_{name}:0": (5,) for name in statistics},
        "dropout_1": {},
        "highway_1": {
            **{f"highway_1_{name}:0": (5, 5) for name in ("W", "W_carry")},
            **{f"highway_1_{name}:0": (5,) for name in ("b", "b_carry")},
        },
        "maxoutdense_1": {"maxoutdense_1_W:0": (2, 5, 3), "maxoutdense_1_b:0": (2, 3)},
    }
    save("keras_1_dense", model, weights)


def keras_1_images(order: str) -> None:
    shape = (9, 8, 3) if order == "tf" else (3, 9, 8)
    model = chain(
        image("Convolution2D", "convolution2d_1", 4, order, **first(shape)),
        image("SeparableConvolution2D", "separableconvolution2d_1", 5, order, depth_multiplier=2),
        image(
            "Deconvolution2D",
            "deconvolution2d_1",
            2,
            order,
            output_shape=[None, *((7, 7, 2) if order == "tf" else (2, 7, 7))],
        ),
        layer("Flatten", "flatten_1"),
        dense("dense_1", 3),
    )
    separable = {"depthwise_kernel": (3, 2, 4, 2), "pointwise_kernel": (1, 1, 8, 5), "b": (5,)}
    kernels = {"convolution2d_1": (3, 2, 3, 4), "deconvolution2d_1": (3, 2, 5, 2)}
    if order == "th":
        kernels = {name: tuple(shape[axis] for axis in (3, 2, 0, 1)) for name, shape in kernels.items()}
        separable |= {name: tuple(separable[name][axis] for axis in (3, 2, 0, 1)) for name in list(separable)[:2]}
    weights: dict[str, Shapes] = {
        "convolution2d_1": pair("convolution2d_1", kernels["convolution2d_1"], 4),
        "separableconvolution2d_1": {f"separableconvolution2d_1_{name}:0": shape for name, shape in separable.items()},
        "deconvolution2d_1": pair("deconvolution2d_1", kernels["deconvolution2d_1"], 2),
        "flatten_1": {},
        "dense_1": pair("dense_1", (98, 3), 3),
    }
    save(f"keras_1_images_{order}", model, weights)


def keras_1_sequences() -> None:
    embedding = {
        "input_dim": 7,
        "output_dim": 4,
        "init": "uniform",
        "input_length": None,
        "mask_zero": False,
        "dropout": 0.0,
    }
    steps = {"nb_filter": 5, "filter_length": 3, "init": "uniform", "activation": "linear", "border_mode": "valid"}
    steps |= {"subsample_length": 1, "bias": True, "input_dim": 4, "input_length": None, **options()}
    inner = recurrent("LSTM", "lstm_2", 3)
    model = chain(
        layer(
            "Embedding", "embedding_1", **embedding, **first((8,), "int32"), **options("W_regularizer", "W_constraint")
        ),
        layer("Convolution1D", "convolution1d_1", **steps),
        recurrent("LSTM", "lstm_1", 3),
        recurrent("GRU", "gru_1", 4),
        layer("Bidirectional", "bidirectional_1", layer=inner, merge_mode="concat"),
        layer("TimeDistributed", "timedistributed_1", layer=dense("dense_1", 2)),
    )
    weights = {
        "embedding_1": {"embedding_1_W:0": (7, 4)},
        "convolution1d_1": pair("convolution1d_1", (3, 1, 4, 5), 5),
        "lstm_1": gates("lstm_1", "icfo", 5, 3),
        "gru_1": gates("gru_1", "zrh", 3, 4),
        "bidirectional_1": {**gates("forward_lstm_2", "icfo", 4, 3), **gates("backward_lstm_2", "icfo", 4, 3)},
        "timedistributed_1": pair("dense_1", (6, 2), 2),
    }
    save("keras_1_sequences", model, weights)


def keras_1_gpu() -> None:
    """Recurrent layers with consume_less="gpu", which keep their gates side by side; and the kernel of Keras before 1.1."""
    steps = {"nb_filter": 5, "filter_length": 3, "init": "uniform", "activation": "linear", "border_mode": "valid"}
    steps |= {"subsample_length": 1, "bias": True, "input_dim": 4, "input_length": None, **options()}
    model = chain(
        layer("Convolution1D", "convolution1d_1", **steps, **first((8, 4))),
        recurrent("LSTM", "lstm_1", 3, consume_less="gpu"),
        recurrent("GRU", "gru_1", 4, consume_less="gpu"),
    )
    weights = {
        "convolution1d_1": pair("convolution1d_1", (5, 4, 3, 1), 5),
        "lstm_1": {"lstm_1_W:0": (5, 12), "lstm_1_U:0": (3, 12), "lstm_1_b:0": (12,)},
        "gru_1": {"gru_1_W:0": (3, 12), "gru_1_U:0": (4, 12), "gru_1_b:0": (12,)},
    }
    save("keras_1_gpu", model, weights, "1.0.8")


def keras_1_conv_lstm(order: str) -> None:
    shape, kernel, hidden = (3, 5, 6, 2), (3, 2, 2, 4), (3, 2, 4, 4)
    if order == "th":
        shape, kernel, hidden = (3, 2, 5, 6), (4, 2, 3, 2), (4, 4, 3, 2)
    config = {
        "nb_filter": 4,
        "nb_row": 3,
        "nb_col": 2,
        "init": "uniform",
        "inner_init": "orthogonal",
        "activation": "tanh",
    }
    config |= {
        "forget_bias_init": "one",
        "dim_ordering": order,
        "border_mode": "same",
        "inner_activation": "hard_sigmoid",
    }
    config |= {"return_sequences": False, "go_backwards": False, "stateful": False, "subsample": [1, 1]}
    model = chain(layer("ConvLSTM2D", "convlstm2d_1", **config, **first(shape)))
    shapes = {"W": kernel, "U": hidden, "b": (4,)}
    arrays = {f"convlstm2d_1_{kind}_{gate}:0": shape for gate in "icfo" for kind, shape in shapes.items()}
    save(f"keras_1_conv_lstm_{order}", model, {"convlstm2d_1": arrays})


def keras_1_merge() -> None:
    """A chain that begins with the merge of two chains, whose layers the file lists, not the chains."""
    merge = {
        "name": "merge_1",
        "mode": "concat",
        "mode_type": "raw",
        "concat_axis": -1,
        "dot_axes": -1,
        "arguments": {},
    }
    merge |= {"output_shape": None, "output_shape_type": "raw", "output_mask": None, "output_mask_type": "raw"}
    merge["layers"] = [
        chain(dense("left", 3, **first((4,))), dense("left_2", 3)),
        chain(dense("right", 2, **first((5,)))),
    ]
    model = chain({"class_name": "Merge", "config": merge}, dense("last", 2))
    weights = {
        "left": pair("left", (4, 3), 3),
        "left_2": pair("left_2", (3, 3), 3),
        "right": pair("right", (5, 2), 2),
        "last": pair("last", (5, 2), 2),
    }
    save("keras_1_merge", model, weights)


def keras_1_nested() -> None:
    """A model in a model, of layers whose arrays Keras 2 counted wrongly there."""
    inner = chain(recurrent("LSTM", "lstm_1", 3, **first((6, 4))), recurrent("GRU", "gru_1", 3, return_sequences=False))
    inner["config"].append(
        layer("BatchNormalization", "normal_1", epsilon=1e-3, mode=0, axis=-1, momentum=0.9, gamma_regularizer=None)
    )
    inner["config"].append(dense("dense_1", 2))
    start = layer("InputLayer", "input_1", batch_input_shape=[None, 6, 4], input_dtype="float32", sparse=False)
    start["config"].pop("trainable")
    layers = [
        {**start, "name": "input_1", "inbound_nodes": []},
        {**inner, "name": "inner", "inbound_nodes": [[["input_1", 0, 0]]]},
        {**dense("dense_2", 2), "name": "dense_2", "inbound_nodes": [[["inner", 1, 0]]]},
    ]
    config = {
        "name": "model_1",
        "layers": layers,
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["dense_2", 0, 0]],
    }
    arrays = {**gates("lstm_1", "icfo", 4, 3), **gates("gru_1", "zrh", 3, 3)}
    arrays |= {"normal_1_gamma:0": (3,), "normal_1_beta:0": (3,), **pair("dense_1", (3, 2), 2)}
    arrays |= {"normal_1_running_mean:0": (3,), "normal_1_running_std:0": (3,)}
    weights: dict[str, Shapes] = {"input_1": {}, "inner": arrays, "dense_2": pair("dense_2", (2, 2), 2)}
    save("keras_1_nested", {"class_name": "Model", "config": config}, weights)


def keras_0() -> None:
    """Weights alone, of Keras before 1.0: layers and arrays by number."""
    rng = np.random.default_rng(0)
    with h5py.File(HERE / "keras_0_weights.h5", "w") as file:
        shapes = [[(4, 5), (5,)], [], [(5, 2), (2,)]]
        file.attrs["nb_layers"] = len(shapes)
        for number, arrays in enumerate(shapes):
            group = file.create_group(f"layer_{number}")
            group.attrs["nb_params"] = len(arrays)
            for place, shape in enumerate(arrays):
                group.create_dataset(f"param_{place}", data=drawn(rng, "", shape))


# --- Keras 2 --------------------------------------------------------------------------------------------------------


def keras_2_theano() -> None:
    """Kernels as Theano wants them: turned around in space, except those that Keras turned itself."""
    common = {"strides": [1, 1], "padding": "valid", "data_format": "channels_last", "dilation_rate": [1, 1]}
    common |= {"activation": "linear", "use_bias": True, "kernel_size": [3, 2]}
    start = {"batch_input_shape": [None, 9, 8, 3], "dtype": "float32"}
    transposed = {name: value for name, value in common.items() if name != "dilation_rate"}
    model = chain(
        layer("Conv2D", "conv2d_1", filters=4, **common, **start),
        layer("SeparableConv2D", "separable_conv2d_1", filters=5, depth_multiplier=2, **common),
        layer("Conv2DTranspose", "conv2d_transpose_1", filters=2, **transposed),
    )
    separable = {"depthwise_kernel": (3, 2, 4, 2), "pointwise_kernel": (1, 1, 8, 5), "bias": (5,)}
    weights = {
        "conv2d_1": {"conv2d_1/kernel": (3, 2, 3, 4), "conv2d_1/bias": (4,)},
        "separable_conv2d_1": {f"separable_conv2d_1/{name}": shape for name, shape in separable.items()},
        "conv2d_transpose_1": {"conv2d_transpose_1/kernel": (3, 2, 2, 5), "conv2d_transpose_1/bias": (2,)},
    }
    save("keras_2_theano", model, weights, "2.0.9", "theano")


def keras_2_cudnn() -> None:
    def cudnn(cls: str, name: str, units: int, **more: Any) -> dict[str, Any]:
        return layer(
            cls, name, **{"units": units, "return_sequences": True, "go_backwards": False, "stateful": False, **more}
        )

    def arrays(scope: str, inputs: int, units: int, number: int) -> Shapes:
        width = number * units
        return {
            f"{scope}/kernel:0": (inputs, width),
            f"{scope}/recurrent_kernel:0": (units, width),
            f"{scope}/bias:0": (2 * width,),
        }

    start = {"batch_input_shape": [None, 6, 5], "dtype": "float32"}
    both = layer("Bidirectional", "bidirectional_1", layer=cudnn("CuDNNLSTM", "cu_dnnlstm_2", 2), merge_mode="concat")
    model = chain(cudnn("CuDNNLSTM", "cu_dnnlstm_1", 3, **start), cudnn("CuDNNGRU", "cu_dnngru_1", 4), both)
    scopes = [f"bidirectional_1/{way}_cu_dnnlstm_2" for way in ("forward", "backward")]
    weights = {
        "cu_dnnlstm_1": arrays("cu_dnnlstm_1", 5, 3, 4),
        "cu_dnngru_1": arrays("cu_dnngru_1", 3, 4, 3),
        "bidirectional_1": {**arrays(scopes[0], 4, 2, 4), **arrays(scopes[1], 4, 2, 4)},
    }
    save("keras_2_cudnn", model, weights, "2.1.6", "tensorflow")


if __name__ == "__main__":
    keras_1_dense()
    keras_1_sequences()
    keras_1_gpu()
    keras_1_merge()
    keras_1_nested()
    for each in ("tf", "th"):
        keras_1_images(each)
        keras_1_conv_lstm(each)
    keras_0()
    keras_2_theano()
    keras_2_cudnn()
