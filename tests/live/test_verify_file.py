"""`parity verify FILE` with both Kerases. Their processes are those of `tests/parity/test_verify_file.py`."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.record import Numbers
from parity.whole import files
from parity.whole.files import Reading
from torch_layers import LSTM, Activation, Dense, Input, Model, Sequential

pytestmark = pytest.mark.keras


def read_here(path: Path, sides: Sequence[str], arrays: Sequence[Numbers] | None) -> Iterator[Reading]:
    """Read in this process, which holds both Kerases, and pickle what is found, as on the way out of another one."""
    return (pickle.loads(pickle.dumps(files.read(path, side, arrays))) for side in sides)


def test_a_file_of_torch_layers_is_equal_in_keras_3_and_refused_by_keras_2(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_read_apart", read_here)
    x = Input((6, 4))
    inner = Sequential([Input((3,)), Dense(2, activation="hard_sigmoid", name="gate")], name="inner")
    Model(x, Activation("tanh", name="end")(inner(LSTM(3, name="memory")(x)))).save(tmp_path / "m.keras")
    np.savez(tmp_path / "x.npz", np.ones((1, 6, 4), "float32"))
    options = ["--inputs", str(tmp_path / "x.npz"), "--plot", str(tmp_path / "p.svg")]
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "m.keras"), *options])
    assert done.exit_code == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["memory", "inner/gate", "end"]
    assert "m.keras: a file of Keras 3" in lines[4]
    assert "m.keras in keras 3" in lines[5]
    assert "tf-keras" in lines[6]
    assert lines[-1].startswith("m.keras: equal to keras 3")
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")
