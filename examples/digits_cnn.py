"""Handwritten digits: a convolutional Keras classifier becomes a torch module, gets faster, and is exported.

Run it: python examples/digits_cnn.py (needs scikit-learn for the images, Keras and TensorFlow for the first step)
"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch  # before TensorFlow, or the import of both in one process can crash
from sklearn.datasets import load_digits

import torch_layers


def digits() -> tuple[Any, Any]:
    """Return scikit-learn's 1,797 images of 8 x 8 pixels between 0 and 1, with one channel, and their digits."""
    data = load_digits()
    return (data.images[..., None] / 16).astype("float32"), data.target.astype("int32")


def train_in_keras(images: Any, targets: Any, epochs: int) -> Any:
    """Return a convolutional classifier that Keras has trained."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same"),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(images, targets, epochs=epochs, batch_size=64, verbose=0)
    return model


@torch.no_grad()
def outputs(module: torch.nn.Module, images: Any) -> Any:
    """Return what a module computes for images, as numpy."""
    return module(torch.from_numpy(images)).numpy()


def exported(module: torch.nn.Module, images: Any) -> tuple[torch.nn.Module, int]:
    """Return a module as torch.export makes it, for any number of images, saved and loaded; and the file's size."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(module, (torch.from_numpy(images[:2]),), dynamic_shapes=({0: batch},))
    file = io.BytesIO()
    with warnings.catch_warnings():
        # torch takes a kernel in channels_last for a part of a larger tensor; it is saved whole.
        warnings.filterwarnings("ignore", "No complete tensor found")
        torch.export.save(program, file)
    size = len(file.getvalue())
    file.seek(0)
    return torch.export.load(file).module(), size


def size_of(module: torch.nn.Module) -> int:
    """Return the bytes of a module's state_dict in a file."""
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    return file.tell()


def milliseconds(call: Callable[[], Any]) -> float:
    """Return the best of ten times."""
    times = []
    for _ in range(11):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times[1:]) * 1e3


def main() -> None:
    """Tell the story from Keras to an exported program."""
    images, targets = digits()
    keras_model = train_in_keras(images[:1500], targets[:1500], epochs=8)
    expected = keras_model.predict(images, verbose=0)
    right = (expected[1500:].argmax(-1) == targets[1500:]).mean()
    print(f"Keras: {right:.1%} of 297 images that it was not trained with are right")

    module = torch_layers.from_keras(keras_model)
    optimized = torch_layers.optimize_for_inference(module)
    program, program_size = exported(optimized, images)
    print("optimize_for_inference:", *optimized.changes, sep="\n  ")
    print(optimized.code)

    sizes = {"torch_layers": size_of(module), "optimized": size_of(optimized), "exported": program_size}
    for name, made in (("torch_layers", module), ("optimized", optimized), ("exported", program)):
        found = outputs(made, images)
        same = int((found.argmax(-1) == expected.argmax(-1)).sum())
        with torch.no_grad():
            taken = milliseconds(lambda made=made: made(torch.from_numpy(images)))
        print(
            f"{name}: same digit for {same:,} images, at most {np.abs(found - expected).max():.0e} apart, "
            f"{sizes[name] / 1024:.0f} KiB, {taken:.1f} ms for all"
        )
    print(f"Keras: {milliseconds(lambda: keras_model.predict_on_batch(images)):.1f} ms for all")


if __name__ == "__main__":
    main()
