"""Models of `keras.applications`: some of the quickest of all that `parity applications` compares, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.whole import report
from parity.whole.applications import compare_all, maker
from parity.whole.compare import compare_models

pytestmark = pytest.mark.keras


# And MobileNet, by the command.
@pytest.mark.parametrize("name", ["MobileNetV3Small", "EfficientNetV2B0"])
def test_an_application_is_equal_in_every_layer(name: str):
    whole = compare_models(maker(name), name=name)
    assert whole.equal, "\n".join(report.sentences(whole))
    assert len(whole.steps) > 80


def test_the_command_writes_a_line_as_each_is_done_and_counts_them(tmp_path: Path):
    done = CliRunner().invoke(app, ["applications", "MobileNet", "--json", str(tmp_path / "a.json")])
    assert done.exit_code == 0, done.output
    heads, line, summary = done.stdout.splitlines()
    assert heads.split()[:3] == ["application", "parameters", "layers"]
    assert line.startswith("MobileNet             3,239,114      90")
    assert line.endswith("  equal")
    assert summary.startswith("1 applications: 1 equal, forward ")
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["passed"] is True
    [found] = written["applications"]
    assert found["float64"] < 1e-13
    assert found["training"] is None
    assert found["bytes"] > 2**28


def test_what_a_process_raises_is_the_error_of_its_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # In Keras's place stands what is loaded at once; processes search where this one does.
    (tmp_path / "tensorflow.py").touch()
    (tmp_path / "keras.py").write_text(
        "class backend:\n    backend = lambda: 'tensorflow'\n\nclass applications: ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    [found] = compare_all(["NoSuchModel"])
    assert found.status == "error"
    assert "has no attribute 'NoSuchModel'" in str(found.error)
