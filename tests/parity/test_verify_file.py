"""`parity verify FILE` without Keras: inputs, exit codes, what is said; and questions that can't be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.judge import Check, Verdict
from parity.whole import files, inputs, report
from parity.whole.compare import Step, Whole
from parity.whole.files import FileReport, Reading
from parity.whole.keras_errors import KERAS_ERRORS
from torch_layers import LSTM, Concatenate, Conv1D, Dense, Embedding, Flatten, Input, Model, Sequential

# --- inputs ----------------------------------------------------------------------------------------------------------


def two_inputs() -> Model:
    """Tokens, looked up twice and in a nested model too, and numbers."""
    tokens, numbers = Input((None,), dtype="int32", name="tokens"), Input((3,), name="numbers")
    inner = Sequential([Input((None,)), Embedding(5, 2), LSTM(2)])
    looked_up = Flatten()(LSTM(2)(Embedding(9, 2)(tokens)))
    return Model([tokens, numbers], Concatenate()([looked_up, inner(tokens), Dense(2)(numbers)]))


def test_tokens_are_drawn_from_the_smallest_vocabulary_and_numbers_are_signed():
    model = two_inputs()
    assert inputs.vocabularies(model) == [5, None]
    tokens, numbers = inputs.drawn(model)
    assert tokens.dtype == np.int32
    assert set(tokens.ravel()) == set(range(5))
    assert numbers.shape == (2, 3)
    assert numbers.min() < 0 < numbers.max()
    assert np.array_equal(tokens, inputs.drawn(model)[0])


def test_an_input_behind_weights_is_no_token():
    x = Input((4,))
    assert inputs.vocabularies(Model(x, Embedding(7, 2)(Dense(3)(x)))) == [None]


def test_open_axes_are_as_long_as_the_model_needs():
    x = Input((None, 2))
    assert inputs.drawn(Model(x, Conv1D(1, 40)(x)))[0].shape == (2, 128, 2)


def test_a_model_that_does_not_say_its_inputs_asks_for_them():
    with pytest.raises(
        ValueError, match=r"'nameless' does not say what its inputs are: give them by --inputs FILE\.npz"
    ):
        inputs.drawn(Sequential([Dense(2)], name="nameless"))


@pytest.mark.parametrize(
    ("arrays", "named"), [(([1.0], [2.0]), {}), ((), {"b": [2.0], "a": [1.0]})], ids=["position", "name"]
)
def test_stored_inputs_go_by_name_or_position(tmp_path, arrays, named):
    np.savez(tmp_path / "x.npz", *map(np.array, arrays), **{key: np.array(value) for key, value in named.items()})
    assert [x.tolist() for x in inputs.stored(tmp_path / "x.npz", ["a", "b"])] == [[1.0], [2.0]]


def test_stored_inputs_that_do_not_fit_say_what_is_there_and_what_is_needed(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.ones(1), c=np.ones(1))
    with pytest.raises(ValueError, match=r"has arrays \['a', 'c'\], the model takes \['a', 'b'\]"):
        inputs.stored(path, ["a", "b"])
    np.savez(path, np.array([{"no": "plain"}], dtype=object))
    with pytest.raises(ValueError, match=r"can't be read as an \.npz file of arrays"):
        inputs.stored(path, ["a"])
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"can't be read as an \.npz file of arrays"):
        inputs.stored(path, ["a"])


# --- processes of their own ------------------------------------------------------------------------------------------


def test_each_keras_reads_it_in_a_process_of_its_own(tmp_path, monkeypatch):
    # In their place stand modules that are loaded at once; processes search where this one does.
    (tmp_path / "tensorflow.py").touch()
    (tmp_path / "keras.py").write_text("raise ImportError('not installed')")
    (tmp_path / "tf_keras.py").write_text("import os; os._exit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    Sequential([Input((3,)), Dense(2)]).save(tmp_path / "m.keras")
    missing, died = files.verify_file(tmp_path / "m.keras").readings
    assert (missing.side, died.side) == ("keras", "tf-keras")
    assert str(missing.missing).startswith("keras on tensorflow can't be imported here (not installed); pip install")
    assert died.refusal == "its process died with exit code 3"


# --- what is made of it ----------------------------------------------------------------------------------------------


def compared(*, equal: bool) -> Whole:
    step = Step("gate", "Dense", (2, 3), own=1e-16 if equal else 0.1, running=1e-16, allowed=1e-10)
    check = Check("semantics", "output 0", equal, error=0.1, allowed=1e-10, figure=0.1)
    return Whole("model.h5 in keras 3.15.1", 7, [step], {"outputs": Verdict([check])})


def wrong() -> Reading:
    whole = compared(equal=False)
    return Reading("keras", "keras 3.15.1", whole=whole, errors=[(whole.steps[0], KERAS_ERRORS[0])])


EQUAL = Reading("tf-keras", "tf-keras 2.21.0", whole=compared(equal=True))
DIFFERENT = Reading("keras", "keras 3.15.1", whole=compared(equal=False))
REFUSES = Reading("keras", "keras 3.15.1", refusal="ValueError: time_major")
MISSING = Reading("tf-keras", missing="tf_keras can't be imported here; pip install --no-deps tf-keras")
READS = Reading("keras", "keras 3.15.1")
FAILS = Reading("keras", "keras 3.15.1", failure="RuntimeError: shapes")


@pytest.mark.parametrize(
    ("readings", "code", "result"),
    [
        ([EQUAL], 0, "equal to tf-keras 2.21.0"),
        ([REFUSES, EQUAL], 0, "equal to tf-keras 2.21.0"),
        ([wrong(), EQUAL], 0, "equal to tf-keras 2.21.0; different from keras 3.15.1, which is believed wrong"),
        ([wrong(), MISSING], 1, "different from keras 3.15.1, which is believed wrong"),
        ([DIFFERENT, EQUAL], 1, "equal to tf-keras 2.21.0; different from keras 3.15.1"),
        ([FAILS], 1, "different from keras 3.15.1"),
        ([READS], 1, "read by keras 3.15.1, not by torch_layers: different"),
        ([REFUSES, MISSING], 2, "no Keras here reads it, so nothing was compared"),
    ],
)
def test_the_exit_code_and_the_result_follow_from_what_each_keras_says(readings, code, result):
    found = FileReport(Path("model.h5"), "Keras 2.2.4 on tensorflow", readings=readings)
    assert found.exit_code == code
    said = report.file_sentences(found)
    assert said[0] == "model.h5: a file of Keras 2.2.4 on tensorflow"
    assert said[-1] == f"model.h5: {result}"
    for reading in readings:
        assert any((reading.framework or reading.side) in line for line in said)


def test_the_first_comparison_that_is_not_equal_is_shown_in_full():
    assert FileReport(Path("a"), "", readings=[EQUAL, DIFFERENT]).shown is DIFFERENT.whole
    assert FileReport(Path("a"), "", readings=[REFUSES, EQUAL]).shown is EQUAL.whole
    assert FileReport(Path("a"), "", readings=[REFUSES]).shown is None


def test_the_command_prints_the_table_and_exits_so(monkeypatch):
    found = FileReport(Path("model.h5"), "Keras 2.2.4", readings=[DIFFERENT])
    monkeypatch.setattr(files, "verify_file", lambda *arguments: found)
    done = CliRunner().invoke(app, ["verify", "model.h5"])
    assert done.exit_code == 1
    assert "departs" in done.stdout
    assert "first departure: gate (Dense): off by 1.0e-01" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "verify takes a FILE or --keras package.module:callable, one of the two"),
        (["m.h5", "--keras", "a:b"], "one of the two"),
        (["m.h5", "--torch", "a:b"], "--torch is not for a file"),
        (["--keras", "a:b", "--inputs", "x.npz"], "--inputs is not for --keras"),
        (["nowhere.h5"], "No such file or directory: 'nowhere.h5'"),
        (
            ["nowhere.h5", "--reference", "tfkeras"],
            "'tfkeras' is not one of keras, tf-keras (did you mean 'tf-keras'?)",
        ),
        (["m.h5", "--plot", "m.jpg"], "the name must end in .png or .svg"),
        (["."], "is a directory, not a file"),
    ],
)
def test_a_question_that_cannot_be_asked_exits_2_with_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        app(["verify", *arguments], prog_name="parity")
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
