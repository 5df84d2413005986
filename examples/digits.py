"""Handwritten digits: a classifier trained in Keras moves to torch_layers, is compared there, and trains on in PyTorch.

Run it: python examples/digits.py (needs scikit-learn for the images, Keras and TensorFlow for the first half)
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch  # before TensorFlow, or the import of both in one process can crash
from sklearn.datasets import load_digits

import torch_layers

TRAIN = slice(0, 1500)
TEST = slice(1500, 1797)


def digits() -> tuple[Any, Any]:
    """Return scikit-learn's 1,797 images of 8 x 8 pixels between 0 and 1, and the digits that they show."""
    data = load_digits()
    return (data.images / 16).astype("float32"), data.target.astype("int32")


def keras_classifier(dtype: str = "float32") -> Any:
    """Return a small classifier, made with Keras."""
    import keras
    from keras import layers

    # A power of two: Keras on TensorFlow rounds this factor to float32, in a float64 model too.
    penalty = keras.regularizers.L2(2**-13)
    return keras.Sequential(
        [
            keras.Input((8, 8), dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(48, activation="silu", kernel_regularizer=penalty, dtype=dtype),
            layers.Dense(24, dtype=dtype),
            layers.PReLU(dtype=dtype),
            layers.Dense(10, activation="softmax", dtype=dtype),
        ]
    )


def train_in_keras(images: Any, targets: Any, epochs: int) -> Any:
    """Return the classifier after some epochs of training with Keras."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras_classifier()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(images, targets, epochs=epochs, verbose=0)
    return model


def moved(model: Any) -> Any:
    """Return a Keras model as a torch module: its config says what it is, its weights what it has learned."""
    import keras

    module = torch_layers.deserialize(keras.saving.serialize_keras_object(model))
    module.set_weights(model.get_weights())
    return module


def keras_loss_and_gradients(model: Any, images: Any, targets: Any) -> tuple[float, list[Any]]:
    """Return Keras's loss on a batch, penalties included, and its gradients."""
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = model(images)
        losses = keras.losses.sparse_categorical_crossentropy(targets, outputs)
        loss = tf.reduce_mean(losses) + tf.add_n(model.losses)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    return float(loss), [gradient.numpy() for gradient in gradients]


def torch_loss(module: Any, images: Any, targets: Any) -> torch.Tensor:
    """Return torch's loss on a batch, penalties included."""
    losses = torch_layers.losses.sparse_categorical_crossentropy(targets, module(images))
    return losses.mean() + sum(module.losses)


def torch_loss_and_gradients(module: Any, images: Any, targets: Any) -> tuple[float, list[Any]]:
    """Return torch's loss on a batch and its gradients, in Keras's order and layout."""
    loss = torch_loss(module, torch.from_numpy(images), torch.from_numpy(targets))
    parameters = list(module.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    # `get_weights` knows Keras's layout: it is asked of a copy that holds the gradients in the place of the weights.
    holder = copy.deepcopy(module)
    with torch.no_grad():
        for place, gradient in zip(holder.parameters(), gradients, strict=True):
            place.copy_(gradient)
    return loss.item(), holder.get_weights()


@dataclass
class Comparison:
    """How far a Keras model and the torch module that it became are apart."""

    predictions: float  # the largest difference of a probability
    equal_classes: int  # images whose most probable digit is the same
    loss: float  # the difference of the losses, as a share of the loss
    gradients: float  # the largest difference of a gradient, as a share of the largest gradient

    def __str__(self) -> str:
        return (
            f"same digit for {self.equal_classes:,} images, probabilities at most {self.predictions:.1e} apart; "
            f"on a batch, loss {self.loss:.1e} and gradients {self.gradients:.1e} apart"
        )


def compare(model: Any, module: Any, images: Any, targets: Any, batch: int = 64) -> Comparison:
    """Compare predictions on all images, and loss and gradients on a batch of them."""
    theirs, ours = model.predict(images, verbose=0), module.predict(images, verbose=0)
    assert theirs.dtype == ours.dtype == images.dtype
    loss, gradients = keras_loss_and_gradients(model, images[:batch], targets[:batch])
    our_loss, our_gradients = torch_loss_and_gradients(module, images[:batch], targets[:batch])
    apart = max(np.abs(a - b).max() for a, b in zip(gradients, our_gradients, strict=True))
    return Comparison(
        predictions=float(np.abs(theirs - ours).max()),
        equal_classes=int((theirs.argmax(axis=1) == ours.argmax(axis=1)).sum()),
        loss=abs(loss - our_loss) / loss,
        gradients=float(apart / max(np.abs(g).max() for g in gradients)),
    )


def train_in_torch(module: Any, images: Any, targets: Any, epochs: int) -> list[float]:
    """Train on with PyTorch, as any module is trained; return the mean loss of each epoch."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, eps=1e-7)
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(targets))
    batches = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(0))
    history = []
    for _ in range(epochs):
        losses = []
        for x, y in batches:
            optimizer.zero_grad()
            loss = torch_loss(module, x, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
    return history


def accuracy(predictor: Any, images: Any, targets: Any) -> float:
    """Return the share of images whose digit a model (Keras's or torch's) gets right."""
    return float((predictor.predict(images, verbose=0).argmax(axis=1) == targets).mean())


def main() -> None:
    """Tell the whole story in a few lines."""
    images, targets = digits()
    print(f"{len(images):,} images of 8 x 8 pixels: 1,500 to train on, 297 to test with")
    model = train_in_keras(images[TRAIN], targets[TRAIN], epochs=5)
    print(f"Keras, 5 epochs: {accuracy(model, images[TEST], targets[TEST]):.1%} right")

    module = moved(model)
    print("moved to torch_layers:", compare(model, module, images, targets))
    double = keras_classifier("float64")
    double.set_weights(model.get_weights())
    print("the same in float64:", compare(double, moved(double), images.astype("float64"), targets))

    print(f"torch_layers, before training: {accuracy(module, images[TEST], targets[TEST]):.1%} right")
    history = train_in_torch(module, images[TRAIN], targets[TRAIN], epochs=5)
    print("PyTorch, 5 epochs: loss", ", ".join(f"{loss:.3f}" for loss in history), end="; ")
    print(f"{accuracy(module, images[TEST], targets[TEST]):.1%} right")


if __name__ == "__main__":
    main()
