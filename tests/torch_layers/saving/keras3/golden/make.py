"""Make the golden files: `python make.py FOLDER`, with the Keras whose way to walk over a model they are to keep.

2.12.0, 2.13.1 and 2.14.0 each walk in their own way; from 2.15 on, live Keras is there to compare with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from tensorflow import keras
from tensorflow import version as tensorflow

L = keras.layers


def model():
    """Return a model with layers of one class, a model in it, sublayers and cells."""
    x = keras.Input((4, 3))
    y = L.Bidirectional(L.GRU(2, return_sequences=True))(x)
    y = L.MultiHeadAttention(2, 2)(y, y)
    y = L.BatchNormalization()(y)
    y = L.RNN([L.LSTMCell(2), L.GRUCell(3), L.LSTMCell(3)])(y)
    i = keras.Input((3,))
    inner = keras.Model(i, L.Dense(3)(L.Dense(3, activation="relu")(i)))
    y = keras.Sequential([L.Dense(3), L.Dense(3)])(inner(L.Dense(3)(L.Dense(3)(y))))
    made = keras.Model(x, y)
    rng = np.random.default_rng(0)
    made.set_weights([rng.uniform(0.2, 1, w.shape) for w in made.get_weights()])
    return made


def shared(is_first):
    """Return a model that shares a layer with a model in it, and calls it before that one if `is_first`.

    Keras 2.12 then writes the inner model's call of the layer as the outer one's. No Keras reads either.
    """
    layer, other, third = (L.Dense(3, name=name) for name in ("shared", "other", "third"))
    x, i = keras.Input((4, 3)), keras.Input((4, 3))
    inner = keras.Model(i, third(layer(i)), name="inner")
    made = keras.Model(x, inner(other(layer(x))) if is_first else other(layer(inner(x))))
    rng = np.random.default_rng(0)
    made.set_weights([rng.uniform(0.2, 1, w.shape) for w in made.get_weights()])
    return made


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    version = "_".join(tensorflow.VERSION.split(".")[:2])
    inputs = np.random.default_rng(1).normal(size=(2, 4, 3)).astype(np.float32)
    for name, made in (("", model()), ("_shared_first", shared(True)), ("_shared_later", shared(False))):
        path = Path(sys.argv[1]) / f"keras_{version}{name}.keras"
        made.save(path)
        np.savez(path.with_suffix(".npz"), inputs=inputs, outputs=made(inputs).numpy())
