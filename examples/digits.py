"""A small classifier of handwritten digits: trained in Keras, moved to torch_layers, compared, and trained on in PyTorch.

Run it: python examples/digits.py (needs Keras and TensorFlow, for the first half, and scikit-learn, for the images)
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch  # before Keras: TensorFlow's import can crash otherwise
from sklearn.datasets import load_digits

import torch_layers

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def digits() -> Arrays:
    """Return scikit-learn's 1,797 images of 8 x 8 pixels, from 0 to 1, and the digits that they show."""
    data = load_digits()
    return (data.images / 16.0).astype(np.float32), data.target.astype(np.int32)


def train_in_keras(images: Any, targets: Any, epochs: int = 3) -> Any:
    """Train a small classifier with Keras for some epochs, which takes seconds."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8)),
            keras.layers.Flatten(),
            keras.layers.Dense(48, activation="gelu", kernel_regularizer=keras.regularizers.L2(1e-4)),
            keras.layers.Dense(24),
            keras.layers.LeakyReLU(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(images, targets, batch_size=32, epochs=epochs, verbose=0)
    return model


def move(model: Any) -> torch_layers.Model:
    """Make a torch module of a Keras model: its config says what it is, `get_weights()` what it learned."""
    import keras

    moved = torch_layers.deserialize(keras.saving.serialize_keras_object(model))
    moved.set_weights(model.get_weights())
    return moved


def with_dtype(model: Any, dtype: str) -> Any:
    """Return a copy of a Keras model that computes in another dtype."""
    import keras

    with _keras_default(dtype):
        copied = keras.models.clone_model(model, clone_function=lambda l: type(l).from_config({**l.get_config(), "dtype": dtype}))
    copied.set_weights(model.get_weights())
    return copied
