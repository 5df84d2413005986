"""Jokes in 13 languages: a sentence classifier trained in Keras tells the language, and does the same in torch.

Embedding with a mask, a bidirectional LSTM and attention; the sentences are those of the package `pyjokes`.
Run it: python examples/jokes.py (needs pyjokes, and Keras and TensorFlow for the first step)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch  # before TensorFlow, or the import of both in one process can crash

import torch_layers

LENGTH = 48


def sentences() -> tuple[Any, Any, list[str]]:
    """Return about 1,000 jokes as arrays of characters (0 behind the end), their languages by number, and these by name.

    Characters are numbered from 1 by how often they occur, the rarest all as one; a joke's first `LENGTH` count.
    """
    import pyjokes.pyjokes

    names = sorted(pyjokes.pyjokes.LANGUAGE_VALUES)
    pairs = [(joke, number) for number, name in enumerate(names) for joke in pyjokes.get_jokes(name, "all")]
    letters, counts = np.unique(list("".join(joke for joke, _ in pairs)), return_counts=True)
    known = {letter: number for number, letter in enumerate(letters[np.argsort(-counts, kind="stable")][:90], 1)}
    texts = np.zeros((len(pairs), LENGTH), dtype="int32")
    for row, (joke, _) in zip(texts, pairs, strict=True):
        numbers = [known.get(letter, 91) for letter in joke[:LENGTH]]
        row[: len(numbers)] = numbers
    return texts, np.array([number for _, number in pairs], dtype="int32"), names


def train_in_keras(texts: Any, languages: Any, classes: int, epochs: int) -> Any:
    """Return a classifier that Keras has trained."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    characters = keras.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(92, 24, mask_zero=True)(characters)
    x = layers.Bidirectional(layers.LSTM(24, return_sequences=True))(x)
    x = layers.Attention(use_scale=True)([x, x])
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(characters, layers.Dense(classes, activation="softmax")(x))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    model.fit(texts, languages, epochs=epochs, batch_size=64, verbose=0)
    return model


@torch.no_grad()
def outputs(module: torch.nn.Module, texts: Any) -> Any:
    """Return what a module computes for texts, as numpy."""
    return module(torch.from_numpy(texts)).numpy()


def main() -> None:
    """Tell the story from Keras to torch."""
    texts, languages, names = sentences()
    test = np.arange(len(texts)) % 5 == 0
    model = train_in_keras(texts[~test], languages[~test], len(names), epochs=12)
    expected = model.predict(texts, verbose=0)
    print(f"{len(texts):,} jokes in {len(names)} languages: {', '.join(names)}")
    right = (expected.argmax(-1) == languages)[test].mean()
    print(f"Keras: {right:.1%} of {test.sum()} jokes that it was not trained with are right")

    module = torch_layers.from_keras(model)
    found = outputs(module, texts)
    same = int((found.argmax(-1) == expected.argmax(-1)).sum())
    print(f"torch_layers: same language for {same:,} jokes, at most {np.abs(found - expected).max():.0e} apart")
    print(module.code)


if __name__ == "__main__":
    main()
