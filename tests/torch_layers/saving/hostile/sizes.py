"""Sizes that no memory has, with arrays that fit them, and without."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import (
    METADATA,
    Config,
    archive,
    as_json,
    keras_file,
    layer,
    old_file,
    sequential,
    small,
)

HUGE = (10**9, 10**12, 2**31, 2**63, 2**64, 10**30, -1, 0, -(10**12))
_IMAGE, _SERIES, _VOLUME = (None, 4, 4, 3), (None, 4, 3), (None, 4, 4, 4, 3)
# Layers with an argument that is a size: {} stands for it.
_LAYERS: list[tuple[str, str, tuple[int | None, ...], dict[str, Any]]] = [
    ("Dense", "units", (None, 3), {}),
    ("EinsumDense", "output_shape", (None, 3), {"equation": "ab,bc->ac"}),
    ("Embedding", "input_dim", (None, 3), {"output_dim": 3}),
    ("Embedding", "output_dim", (None, 3), {"input_dim": 3}),
    ("ReversibleEmbedding", "input_dim", (None, 3), {"output_dim": 3}),
    ("RepeatVector", "n", (None, 3), {}),
    ("Conv1D", "filters", _SERIES, {"kernel_size": 2}),
    ("Conv1D", "kernel_size", _SERIES, {"filters": 2, "padding": "same"}),
    ("Conv2D", "filters", _IMAGE, {"kernel_size": 2}),
    ("Conv2D", "kernel_size", _IMAGE, {"filters": 2, "padding": "same"}),
    ("Conv2D", "strides", _IMAGE, {"filters": 2, "kernel_size": 2}),
    ("Conv2D", "dilation_rate", _IMAGE, {"filters": 2, "kernel_size": 2, "padding": "same"}),
    ("Conv2D", "groups", _IMAGE, {"filters": 3, "kernel_size": 2}),
    ("Conv2DTranspose", "filters", _IMAGE, {"kernel_size": 2}),
    ("Conv2DTranspose", "strides", _IMAGE, {"filters": 2, "kernel_size": 2}),
    ("Conv3D", "kernel_size", _VOLUME, {"filters": 2, "padding": "same"}),
    ("DepthwiseConv2D", "depth_multiplier", _IMAGE, {"kernel_size": 2}),
    ("SeparableConv2D", "filters", _IMAGE, {"kernel_size": 2}),
    ("MaxPooling2D", "pool_size", _IMAGE, {"padding": "same"}),
    ("AveragePooling2D", "pool_size", _IMAGE, {"padding": "same"}),
    ("AveragePooling2D", "strides", _IMAGE, {"padding": "same"}),
    ("AdaptiveAveragePooling2D", "output_size", _IMAGE, {}),
    ("AdaptiveMaxPooling1D", "output_size", _SERIES, {}),
    ("UpSampling1D", "size", _SERIES, {}),
    ("UpSampling2D", "size", _IMAGE, {}),
    ("UpSampling2D", "size", _IMAGE, {"interpolation": "bilinear"}),
    ("UpSampling2D", "size", _IMAGE, {"interpolation": "lanczos5"}),
    ("UpSampling3D", "size", _VOLUME, {}),
    ("Resizing", "height", _IMAGE, {"width": 4}),
    ("Resizing", "height", _IMAGE, {"width": 4, "interpolation": "bicubic"}),
    ("CenterCrop", "height", _IMAGE, {"width": 4}),
    ("ZeroPadding1D", "padding", _SERIES, {}),
    ("ZeroPadding2D", "padding", _IMAGE, {}),
    ("ZeroPadding3D", "padding", _VOLUME, {}),
    ("Cropping1D", "cropping", _SERIES, {}),
    ("Cropping2D", "cropping", _IMAGE, {}),
    ("LSTM", "units", _SERIES, {}),
    ("GRU", "units", _SERIES, {"stateful": True}),
    ("SimpleRNN", "units", _SERIES, {"activation": "relu", "return_sequences": True}),
    ("ConvLSTM2D", "filters", (None, 2, 4, 4, 3), {"kernel_size": 2}),
    ("GroupNormalization", "groups", (None, 4, 4), {}),
    ("SpectralNormalization", "power_iterations", (None, 3), {"layer": layer("Dense", units=3)}),
    ("Flatten", "data_format", (None, 3), {}),
    ("Permute", "dims", (None, 3), {}),
    ("Softmax", "axis", (None, 3), {}),
    ("Concatenate", "axis", (None, 3), {}),
    ("BatchNormalization", "axis", (None, 3), {}),
    ("LayerNormalization", "axis", (None, 3), {}),
    ("Dropout", "rate", (None, 3), {}),
    ("Dropout", "seed", (None, 3), {"rate": 0.5}),
]


def files(traps: Path) -> Iterator[Hostile]:
    """Yield models of huge layers and huge inputs."""
    for class_name, argument, shape, more in _LAYERS:
        for size in HUGE:
            model = sequential(layer(class_name, **{**more, argument: size}), shape=shape)
            name = f"{class_name}-{argument}{'-'.join(map(str, more.values()))[:20].replace('{', '')}-{size}"
            yield Hostile(f"{name}.keras", keras_file(model, {}), f"{class_name}({argument}={size})")
            if size in (10**12, 2**63):
                yield Hostile(f"{name}.json", as_json(model), f"{class_name}({argument}={size})")
    for size in HUGE:
        for name, entry in _on_inputs().items():
            for shape in ((None, size, 3), (None, 3, size), (size, 3, 3), (None, size, size)):
                model = sequential(entry, shape=shape)
                yield Hostile(f"input-{name}-{shape}.keras", keras_file(model, {}), f"an input of shape {shape}")
    for axes in (33, 65, 1_000, 100_000):
        for name, entry in {"flatten": layer("Flatten"), "relu": layer("Activation", activation="relu")}.items():
            model = sequential(entry, shape=(None, *[1] * axes))
            yield Hostile(f"axes-{name}-{axes}.keras", keras_file(model, {}), f"an input of {axes} axes")
        model = sequential(
            layer("Reshape", target_shape=[1] * axes), layer("Activation", activation="relu"), shape=(None, 1)
        )
        yield Hostile(f"axes-reshape-{axes}.keras", keras_file(model, {}), f"a tensor of {axes} axes")
    yield from _constants()
    yield from _with_arrays()


def _on_inputs() -> dict[str, Config]:
    return {
        "dense": layer("Dense", units=3),
        "lstm": layer("LSTM", units=3),
        "rnn": layer("RNN", cell=layer("GRUCell", units=3), return_sequences=True),
        "bidirectional": layer("Bidirectional", layer=layer("GRU", units=3)),
        "stateful": layer("LSTM", units=3, stateful=True),
        "steps": layer("TimeDistributed", layer=layer("Softmax", axis=-1)),
        "flatten": layer("Flatten"),
        "normalization": layer("BatchNormalization"),
        "attention": layer("SpatialDropout1D", rate=0.5),
    }


def _constants() -> Iterator[Hostile]:
    for name, dtype in {
        "text": "U500000000",
        "bytes": "S2000000000",
        "void": "V2000000000",
        "object": "object",
    }.items():
        array = {"class_name": "__numpy__", "config": {"value": [1], "dtype": dtype}}
        yield Hostile(f"constant-{name}.keras", keras_file(sequential(layer("Masking", mask_value=array))), dtype)
    for name, dtype in {"subarray": "(100000000,)f8", "fields": "i4," * 5000, "list": [["a", "i4"]]}.items():
        array = {"class_name": "__numpy__", "config": {"value": 1, "dtype": dtype}}
        yield Hostile(
            f"constant-{name}.keras", keras_file(sequential(layer("Masking", mask_value=array))), str(dtype)[:30]
        )
    for name, described in {
        "tensor": {"class_name": "__tensor__", "config": {"value": [[1], [1, 2]], "dtype": "float32"}},
        "tensor-dtype": {"class_name": "__tensor__", "config": {"value": [1], "dtype": "storage"}},
        "slice": {"class_name": "__slice__", "config": {"start": 10**30, "stop": "x", "step": 0}},
        "bytes-number": {"class_name": "__bytes__", "config": {"value": 5}},
        "ellipsis": {"class_name": "__ellipsis__", "config": None},
        "tuple": {"class_name": "__tuple__", "config": 5},
        "empty": {"class_name": "__numpy__", "config": {}},
    }.items():
        for argument in ("mask_value", "name", "dtype", "trainable"):
            model = sequential(layer("Masking", **{argument: described}))
            yield Hostile(f"constant-{name}-{argument}.keras", keras_file(model), f"{name} for {argument}")


def _with_arrays() -> Iterator[Hostile]:
    """Yield huge layers with data sets of the size that they ask for, which hold next to nothing."""
    for size in (10**6, 10**9, 10**12):
        model = sequential(layer("Dense", units=size))
        for kind in ("late", "chunked", "deflated", "scalar", "fill"):
            buffer = io.BytesIO()
            with h5py.File(buffer, "w") as file:
                for path, shape in {"0": (3, size), "1": (size,)}.items():
                    group = file.require_group("layers/dense/vars")
                    _claim(group, path, shape, kind)
            yield Hostile(f"units-{size}-{kind}.keras", keras_file(model, buffer.getvalue()), f"{kind}: {size} units")
            buffer = io.BytesIO(old_file(layers={}))
            with h5py.File(buffer, "r+") as file:
                inner = file["model_weights"].create_group("d")
                file["model_weights"].attrs["layer_names"] = [b"d"]
                inner.attrs["weight_names"] = [b"d/kernel:0", b"d/bias:0"]
                _claim(inner, "d/kernel:0", (3, size), kind)
                _claim(inner, "d/bias:0", (size,), kind)
                text = file.attrs["model_config"]
                text = text if isinstance(text, str) else text.decode()
                file.attrs["model_config"] = text.replace('"units": 4', f'"units": {size}')
            yield Hostile(f"units-{size}-{kind}.h5", buffer.getvalue(), f"{kind}: {size} units, in a legacy file")
    # One array under many names: each layer would get a copy.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["all"] = b"x" * 3_000_000
        for number in range(300):
            group = file.create_group(f"layers/dense{f'_{number}' * (number > 0)}/vars")
            if not number:
                group["0"], group["1"] = [[0.0] * 300] * 300, [0.0] * 300
            else:
                group["0"], group["1"] = file["layers/dense/vars/0"], file["layers/dense/vars/1"]
    model = sequential(*(layer("Dense", units=300) for _ in range(300)), shape=(None, 300))
    yield Hostile("one-array-for-all.keras", keras_file(model, buffer.getvalue()), "one data set with 300 names")
    members = {
        "metadata.json": as_json(METADATA),
        "config.json": as_json(small()),
        "model.weights.h5": b"\0" * 50_000_000,
    }
    yield Hostile("zeros.keras", archive(members, compressed=True), "weights of nothing but zeros")


def _claim(group: h5py.Group, path: str, shape: tuple[int, ...], kind: str) -> None:
    if kind == "late":  # declared, and never written
        group.create_dataset(path, shape, "f4")
    elif kind == "scalar":
        group.create_dataset(path, (), "f4", data=1.0)
    elif kind == "fill":
        group.create_dataset(path, shape, "f4", chunks=tuple(min(size, 1000) for size in shape), fillvalue=7.0)
    else:
        compressed = {"compression": "gzip"} if kind == "deflated" else {}
        chunks = tuple(min(size, 10**6) for size in shape)
        data = group.create_dataset(path, shape, "f4", chunks=chunks, **compressed)
        data[(slice(0, 3),) * len(shape)] = 0.0  # one chunk of all
