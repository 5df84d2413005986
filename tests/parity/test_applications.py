"""What `parity applications` says of what it found, without running Keras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.judge import Check, Verdict
from parity.whole import applications
from parity.whole.applications import Application
from parity.whole.compare import Step, Whole


def found(name: str, *, passed: bool = True) -> Application:
    checks = [
        Check("semantics", "output 0", passed, error=3e-15, allowed=1e-10, figure=2e-15),
        Check("accuracy", "output 0", True, error=1e-6, allowed=2e-6, figure=1.25),
    ]
    steps = [Step("a", "Dense", (2, 3), own=4e-16, running=4e-16, allowed=1e-10)]
    whole = Whole(name, 1_234_567, steps, {"eval": Verdict(checks)})
    return Application(name, whole, ours=0.002, keras=0.004, memory=3 * 2**30, seconds=7.0)


DONE = [found("Good"), found("Bad", passed=False), Application("Dead", error="its process died with exit code -9")]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    def run(done: list[Application], *options: str):
        monkeypatch.setattr(applications, "names", lambda chosen: [one.name for one in done])
        monkeypatch.setattr(applications, "compare_all", lambda chosen, train, threads: iter(done))
        return CliRunner().invoke(app, ["applications", *options])

    return run


def test_each_has_a_line_and_what_is_wrong_below_it(command):
    lines = command(DONE).stdout.splitlines()
    heads, good, bad, why, *_, dead, died, summary = lines
    assert " ".join(good.split()) == "Good 1,234,567 1 4e-16 2e-15 1.2x 2.0 ms 4.0 ms 0.50 3.0 GB equal"
    assert {heads.index("float64") + 7, good.index("2e-15") + 5} == {bad.index("2e-15") + 5}
    assert why.startswith("eval: output 0: off by 3e-15")
    assert dead.split() == ["Dead", "error"]
    assert died == "Dead: its process died with exit code -9"
    assert summary == (
        "3 applications: 1 equal, 1 different (Bad), 1 not compared (Dead), forward 0.50 of TensorFlow's graph, 14 s"
    )


@pytest.mark.parametrize("done, code", [(DONE[:1], 0), (DONE[:2], 1), (DONE[2:], 1)])
def test_the_exit_code_is_0_only_if_all_are_equal(command, done: list[Application], code: int):
    assert command(done).exit_code == code


def test_the_file_has_every_figure(command, tmp_path: Path):
    command(DONE, "--json", str(tmp_path / "a.json"), "--threads", "2")
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["threads"] == 2
    assert written["passed"] is False
    assert [one["status"] for one in written["applications"]] == ["equal", "different", "error"]
    assert written["applications"][0]["ratio"] == 0.5
    assert written["applications"][2]["error"] == "its process died with exit code -9"
