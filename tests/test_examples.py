"""The examples run, and give the numbers that they claim."""

from __future__ import annotations

import inspect
import math
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import sides

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

# --- notebook.py: Keras 2's numbers --------------------------------------------------------------------------------

# By hand. Dense: (1, 1) and (2, -1) times ((1, 2, 3), (4, 5, 6)), plus (0.5, -0.5, 0). Softmax of logarithms gives the
# shares of the numbers: 1, 2 and 5 of 8; of equal numbers it gives thirds. Cross-entropy: -ln 0.01 and -ln 0.9. The
# mean of rows 1 and 3 is (3, 4), and the last layer makes ln 1, ln 2, ln 3, ln 4 of it plus 4/3 * 0 (ln 1 / 3 is 0).
BY_HAND: dict[str, Any] = {
    "dense_output": [[5.5, 6.5, 9.0], [-1.5, -1.5, 0.0]],
    "softmax_output": [[0.125, 0.25, 0.625]],
    "classifier_output": [[0.125, 0.25, 0.625], [1 / 3, 1 / 3, 1 / 3]],
    "loss": [-math.log(0.01), -math.log(0.9)],
    "embedding_output": [[[1, 2], [3, 4], [5, 6]], [[0, 0], [1, 2], [1, 2]]],
    "context": [[3.0, 4.0]],
    "cbow_output": [[0.1, 0.2, 0.3, 0.4]],
    "concatenated": [1.0, 2.0, 3.0, 4.0, 5.0, 9.0],
    "averaged": [3.0, 5.0],
    "added": [9.0, 15.0],
}


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    """Run the notebook and return what its cells define."""
    return runpy.run_path(str(EXAMPLES / "notebook.py"))


@pytest.mark.parametrize("name", BY_HAND)
def test_notebook_gives_the_numbers_worked_out_by_hand(notebook, name):
    found = np.asarray(notebook[name])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, BY_HAND[name], rtol=1e-6, atol=0)


def test_notebook_prints_what_keras_2_printed(capfd):
    runpy.run_path(str(EXAMPLES / "notebook.py"))
    printed = capfd.readouterr().out
    assert "Dense takes (None, 2)\n" in printed
    assert "the true class got 0.01: 4.6051702\n" in printed
    assert "Embedding takes (None, 3) and returns (None, 3, 2)\n" in printed


@pytest.mark.keras
def test_notebook_gives_keras_2_s_numbers(notebook):
    """The cells once more, with Keras 2 itself and `K.variable` for values."""
    try:
        keras = sides.make("tf-keras").keras
    except sides.MissingSide as missing:
        pytest.skip(str(missing))
    K, L = keras.backend, keras.layers
    n = notebook
    dense = keras.Sequential([L.Dense(3, input_shape=(2,), weights=[n["matrix"], n["bias"]])])
    scores = n["scores"].numpy()
    classifier = keras.Sequential(
        [L.Dense(3, input_shape=(1,), weights=[scores, np.zeros(3)]), L.Activation("softmax")]
    )
    embedding = keras.Sequential([L.Embedding(4, 2, input_length=3, weights=[n["vectors"]])])
    mean = keras.Sequential()
    mean.add(L.Embedding(4, 2, input_length=2, weights=[n["vectors"]]))
    mean.add(L.Lambda(lambda words: K.mean(words, axis=1), output_shape=(2,)))
    # A model of its own: Keras 2 goes on predicting what it predicted before `add`.
    last = L.Dense(4, activation="softmax", weights=n["cbow"].layers[-1].get_weights())
    cbow = keras.Sequential([*mean.layers, last])
    rows = [row for row in K.variable(n["table"].numpy())]  # noqa: C416 (as the notebook has it)
    keras_2 = {
        "dense_output": dense.predict(np.array([[1.0, 1.0], [2.0, -1.0]]), verbose=0),
        "softmax_output": keras.activations.softmax(K.variable(scores)),
        "classifier_output": classifier.predict(np.array([[1.0], [0.0]]), verbose=0),
        "loss": keras.losses.sparse_categorical_crossentropy(
            K.variable(n["true_classes"].numpy()), K.variable(n["predicted"].numpy())
        ),
        "embedding_output": embedding.predict(np.array([[1, 2, 3], [0, 1, 1]]), verbose=0),
        "context": mean.predict(np.array([[1, 3]]), verbose=0),
        "cbow_output": cbow.predict(np.array([[1, 3]]), verbose=0),
        "concatenated": L.Concatenate(axis=0)(rows),
        "averaged": L.Average()(rows),
        "added": L.Add()(rows),
    }
    assert set(keras_2) == set(BY_HAND)
    for name, expected in keras_2.items():
        # A few units in the last place of float32.
        np.testing.assert_allclose(np.asarray(n[name]), np.asarray(expected), rtol=4e-7, atol=0, err_msg=name)
    assert tuple(dense.input.shape) == tuple(n["dense"].input.shape)
    assert tuple(embedding.output.shape) == tuple(n["embedding"].output.shape)
    assert str(n["loss"][0].numpy()) == str(keras_2["loss"][0].numpy()) == "4.6051702"


# --- the others, each run once ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras() -> Any:
    """Import Keras as parity does: after torch, and with its warnings about itself ignored."""
    return sides.make("keras").keras


Calls = dict[str, list[tuple[tuple[Any, ...], Any]]]


def told(name: str, epochs: int) -> Calls:
    """Let an example tell its story with so many epochs in Keras; return the arguments and result of each call in it."""
    own = runpy.run_path(str(EXAMPLES / name))["main"].__globals__
    calls: Calls = {}

    def noting(name: str, function: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            if name == "train_in_keras":
                kwargs["epochs"] = epochs
            result = function(*args, **kwargs)
            calls.setdefault(name, []).append((args, result))
            return result

        return noted

    main = own["main"]
    functions = {key: thing for key, thing in own.items() if getattr(inspect.unwrap(thing), "__globals__", None) is own}
    own |= {key: noting(key, function) for key, function in functions.items()}
    main()
    return calls


# --- digits.py: Keras 3 to torch_layers, on real images ------------------------------------------------------------


@pytest.mark.keras
def test_digits_moves_from_keras_to_torch_and_trains_on(keras, capsys):
    calls = told("digits.py", epochs=5)
    images, _ = calls["digits"][0][1]
    assert images.shape == (1797, 8, 8)

    single, double = (result for _, result in calls["compare"])
    assert single.equal_classes == 1797
    assert single.predictions < 2e-6
    assert single.loss < 1e-6
    assert single.gradients < 2e-6
    assert calls["compare"][1][0][2].dtype == np.float64
    assert double.equal_classes == 1797
    assert max(double.predictions, double.loss, double.gradients) < 1e-13

    _, before, after = (result for _, result in calls["accuracy"])
    [(_, history)] = calls["train_in_torch"]
    assert history == sorted(history, reverse=True)
    assert after > max(before, 0.85)

    printed = capsys.readouterr().out
    assert printed.count("same digit for 1,797 images") == 2
    assert "PyTorch, 5 epochs: loss" in printed


# --- digits_cnn.py: a whole convolutional model, converted, optimized, exported -------------------------------------


@pytest.mark.keras
def test_digits_cnn_is_converted_optimized_and_exported(keras, capsys):
    calls = told("digits_cnn.py", epochs=4)
    images, _ = calls["digits"][0][1]
    assert images.shape == (1797, 8, 8, 1)
    [(_, model)] = calls["train_in_keras"]
    expected = model.predict(images, verbose=0)
    [((optimized, _), (_, size))] = calls["exported"]
    assert [type(m).__name__ for m in optimized.children()] == [
        *("FusedConvolution", "MaxPooling2D", "FusedConvolution", "MaxPooling2D", "Flatten", "Dense")
    ]
    assert size > calls["size_of"][1][1] / 2
    assert len(calls["outputs"]) == 3
    for _, found in calls["outputs"]:
        assert (found.argmax(-1) == expected.argmax(-1)).all()
        assert np.abs(found - expected).max() < 2e-6

    printed = capsys.readouterr().out
    assert printed.count("same digit for 1,797 images") == 3
    assert "folded BatchNormalization" in printed


# --- jokes.py: a masked sequence model, on real sentences --------------------------------------------------------------


@pytest.mark.keras
def test_jokes_are_told_apart_alike(keras, capsys):
    calls = told("jokes.py", epochs=2)
    texts, languages, names = calls["sentences"][0][1]
    assert texts.shape == (len(languages), 48)
    assert len(names) == 13
    assert (texts == 0).any(axis=1).sum() > 50, "few sentences have a mask"
    [(_, model)] = calls["train_in_keras"]
    expected = model.predict(texts, verbose=0)
    assert len(set(expected.argmax(-1))) > 2, "it has learned nothing"
    [(_, found)] = calls["outputs"]
    assert (found.argmax(-1) == expected.argmax(-1)).all()
    assert np.abs(found - expected).max() < 2e-6
    assert "torch_layers: same language for 1,000 jokes" in capsys.readouterr().out
