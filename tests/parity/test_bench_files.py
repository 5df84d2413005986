"""`parity bench files`: processes take turns, what computes something else is no result, ratios are those of rounds."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
import sys
from functools import cache

import pytest
from rich.console import Console
from typer.testing import CliRunner

from parity import sides
from parity.bench import files, files_report
from parity.bench.files import KERAS, OURS, READING, FilesBench, FileTimes, Sample, check_outputs
from parity.bench.process import Failed
from parity.cli import app
from parity.sides.base import MissingSide

MB = 10**6
DISK = f"{READING}, from disk"
MEASURED = FileTimes(
    ".keras",
    100 * MB,
    90 * MB,
    {
        OURS: [
            Sample(1.2, [0.8, 1.0, 1.1], [100 * MB, 200 * MB, 210 * MB], 0.1),
            Sample(2.0, [0.8, 1.2, 1.3], [100 * MB, 200 * MB, 220 * MB], 0.2),
        ],
        KERAS: [Sample(4.0, [2.0, 3.0, 3.9], [100 * MB, 400 * MB, 400 * MB], 0.9)] * 2,
        READING: [Sample(0.1, [0.0, 0.05, 0.0], [0, 0, 0], 0.01)] * 2,
        DISK: [Sample(0.1, [0.0, 0.5, 0.0], [0, 0, 0], 0.07)] * 2,
    },
)
ENVIRONMENT = dict.fromkeys(("torch_layers", "torch", "keras", "python", "processor", "cores", "load before"), "1")
BENCH = FilesBench([MEASURED], ENVIRONMENT, 12.0)


def test_ratios_are_of_rounds():
    assert MEASURED.ratio.median == pytest.approx(0.4)
    assert MEASURED.ratio.low < 0.4 < MEASURED.ratio.high
    assert [MEASURED.step(OURS, number) for number in range(3)] == pytest.approx([0.8, 0.3, 0.1])
    assert MEASURED.memory(OURS, 1) == pytest.approx(10 / 9)
    assert MEASURED.memory(KERAS, 2) == pytest.approx(30 / 9)


def test_the_goals_are_said_to_be_met_or_missed():
    assert list(files_report.sentences(BENCH)) == [
        ".keras: 0.40 of Keras's time, aimed at 0.3: missed",
        ".keras: loading takes 1.11 times the weights' memory, aimed at 1.2: met",
        "1 file: 2 rounds each, 12 s",
    ]


def test_the_table_and_the_json(tmp_path):
    console = Console(width=200, record=True, file=io.StringIO())
    files_report.show(BENCH, console)
    shown = console.export_text()
    assert re.search(
        r"\.keras, 100 MB +torch_layers +1\.60 +0\.80 +0\.30 +0\.15 +0\.10 +1\.11 +1\.28 +0\.40 \(0\.35-0\.45\)", shown
    )
    assert re.search(r"reading alone, from disk +0\.50 +0\.07", shown)
    files_report.write_json(BENCH, tmp_path / "bench.json")
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["files"][0]["ratio"]["median"] == pytest.approx(0.4)
    assert len(written["files"][0]["samples"][KERAS]) == 2


def test_processes_take_turns_and_the_first_round_is_not_counted(monkeypatch):
    order = []

    def run(script, *arguments):
        name = next((name for name, known in files._SCRIPTS.items() if known == script), "making")
        order.append(name)
        if name == "making":
            for ending in files.FORMATS:
                (arguments[0] / f"model{ending}").write_bytes(bytes(1000))
            return json.dumps({"weights": 900, "keras": "3"}), 1.0
        return json.dumps({"times": [1, 2, 3], "peaks": [1, 2, 3], "busy": 1, "output": [1.0]}), float(len(order))

    monkeypatch.setattr(files, "_run", run)
    monkeypatch.setattr(files, "_forget", lambda path: order.append("forgotten"))
    done = files.bench_files(100, 2)
    turn = [OURS, KERAS, READING]
    forth, back = (
        [*turn, "forgotten", OURS, "forgotten", READING],
        ["forgotten", READING, "forgotten", OURS, *turn[::-1]],
    )
    assert order == ["making", *[*forth, *back, *forth] * 2]
    assert [found.ending for found in done.measured] == [".keras", ".h5"]
    assert done.measured[0].seconds(OURS) == [15.0, 16.0]
    assert done.measured[0].size == 1000


def test_another_output_is_no_result():
    check_outputs([[1.0, 2.0]], [[1.0, 2.00001]])
    for other in ([[1.0, 2.1]], [[1.0, 2.0, 3.0]], [[1.0, float("nan")]]):
        with pytest.raises(Failed, match="computes something else than Keras TF"):
            check_outputs(other, [[1.0, 2.0]])


def test_a_process_that_fails_is_told_by_its_last_line():
    with pytest.raises(Failed, match=r"^ValueError: no such thing$"):
        files._run("raise ValueError('no such thing')")
    with pytest.raises(Failed, match="ended with 3 and said nothing"):
        files._run("import os; os._exit(3)")


def test_a_keras_that_is_not_there_can_not_be_asked(monkeypatch):
    monkeypatch.setattr(files, "_MAKE", "import no_such_keras")
    with pytest.raises(MissingSide, match="Keras can't write the files: ModuleNotFoundError"):
        files.bench_files(1, 1)


@pytest.mark.keras
@pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="Keras files are written with h5py")
def test_both_load_what_keras_has_written(monkeypatch):
    sides.make("keras")
    in_a_process = files._run

    @cache  # what is run again does the same again
    def run(script, *arguments):
        if script not in (files._MAKE, files._SCRIPTS[KERAS]):
            return in_a_process(script, *arguments)
        # What Keras does is done here: another process would load it anew.
        with monkeypatch.context() as patched, contextlib.redirect_stdout(io.StringIO()) as printed:
            patched.setattr(sys, "argv", ["", *map(str, arguments)])
            exec(script, {})
        return printed.getvalue(), 1.0

    monkeypatch.setattr(files, "_run", run)
    done = files.bench_files(1, 1)
    for found in done.measured:
        assert abs(found.size / 1e6 - 1) < 0.5
        assert found.memory(OURS, 2) > 0
        assert all(len(samples) == 1 for samples in found.samples.values())
        assert 0 < found.samples[OURS][0].steps[0] < found.samples[OURS][0].seconds


def test_options_that_mean_nothing_for_files_are_refused():
    done = CliRunner().invoke(app, ["bench", "files", "--threads", "1"])
    assert done.exit_code == 2
    assert "'bench files' takes neither --mode nor --threads" in done.output
