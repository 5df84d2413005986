"""Make the golden files: `python make.py PACKAGE ENDING ...`, with the installed Keras of that name.

Made by `keras keras h5 weights.h5` with Keras 3.15.1, by `keras keras` with 3.14.0, both on TensorFlow 2.21.0, and by
`tf_keras keras h5 weights.h5` with tf-keras 2.21.0. Files of older ones are in the folders of legacy and keras3.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import torch  # before TensorFlow, or the import can crash

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

HERE = Path(__file__).parent
RNG = np.random.default_rng(0)


def images(k: Any) -> Any:
    """Convolutions, statistics, a shared layer, a model in a model, two inputs and two outputs."""
    a, b = k.Input((9, 8, 3), name="image"), k.Input((4,), name="more")
    x = k.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv")(a)
    x = k.layers.BatchNormalization(name="norm")(x)
    x = k.layers.LeakyReLU(name="leaky")(k.layers.DepthwiseConv2D(3, name="depthwise")(x))
    x = k.layers.Flatten()(k.layers.MaxPooling2D(2)(k.layers.ZeroPadding2D(1)(x)))
    i = k.Input((8,))
    inner = k.Model(i, k.layers.Dense(4, activation="hard_sigmoid")(i), name="inner")
    shared = k.layers.Dense(8, activation="gelu", name="shared")
    x, y = inner(shared(k.layers.Dense(4)(x))), inner(shared(b))
    z = k.layers.Concatenate()([x, k.layers.Multiply()([x, y])])
    return k.Model(
        [a, b], [k.layers.Dense(3, activation="softmax", name="class")(z), k.layers.Add()([x, y])], name="images"
    )


def sequences(k: Any) -> Any:
    """Masks, recurrent layers of each kind, and attention."""
    x = k.Input((6,), dtype="int32", name="words")
    y = k.layers.Embedding(9, 4, mask_zero=True, name="embedding")(x)
    y = k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True), name="both")(y)
    y = k.layers.GRU(4, return_sequences=True, name="gru")(y)
    y = k.layers.TimeDistributed(k.layers.Dense(4), name="each")(y)
    y = k.layers.MultiHeadAttention(2, 3, name="attention")(y, y)
    y = k.layers.LayerNormalization(name="norm")(y)
    y = k.layers.RNN([k.layers.SimpleRNNCell(3), k.layers.LSTMCell(2)], name="cells")(y)
    return k.Model(x, k.layers.Dense(2, name="last")(y), name="sequences")


def chain(k: Any) -> Any:
    """A Sequential."""
    layers = [k.layers.Dense(5, activation="elu"), k.layers.Dropout(0.5), k.layers.Dense(2, activation="hard_sigmoid")]
    return k.Sequential([k.Input((3,)), *layers], name="chain")


INPUTS = {
    "images": [RNG.normal(size=(2, 9, 8, 3)).astype("float32"), RNG.normal(size=(2, 4)).astype("float32")],
    "sequences": [np.array([[1, 2, 3, 0, 0, 0], [4, 0, 5, 6, 7, 8]], "int32")],
    "chain": [RNG.normal(size=(4, 3)).astype("float32")],
}


def write(k: Any, version: str, endings: list[str]) -> None:
    """Write each model in each format, and beside it what goes in and comes out; for weights, its config."""
    for make in (images, sequences, chain):
        k.backend.clear_session()
        model, name = make(k), make.__name__
        # Positive values, as variances are: defaults of 0 and 1 would hide errors.
        model.set_weights([RNG.uniform(0.1, 0.9, w.shape) * 0.7 for w in model.get_weights()])
        inputs = INPUTS[name]
        outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        stem = HERE / f"{version}-{name}"
        arrays = {f"input_{i}": x for i, x in enumerate(inputs)} | {f"output_{i}": y for i, y in enumerate(outputs)}
        np.savez_compressed(f"{stem}.npz", **arrays)
        for ending in ("keras", "h5"):
            if ending in endings:
                model.save(f"{stem}.{ending}")
        if "weights.h5" in endings and name != "images":  # of which two files are enough
            model.save_weights(f"{stem}.weights.h5")
            Path(f"{stem}.json").write_text(model.to_json())


if __name__ == "__main__":
    package, *wanted = sys.argv[1:]
    keras = importlib.import_module(package)
    write(keras, f"{package.replace('_', '-')}-{keras.__version__}", wanted)
    print(torch.__version__, sum(path.stat().st_size for path in HERE.iterdir()), "bytes in all")
