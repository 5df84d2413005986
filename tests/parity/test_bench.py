"""The bench: every row does the same work by hand, times are compared within a round, what differs is never timed."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from parity import draw
from parity.bench import MODES, ROWS, Bench, Measured, Row, measure, report, run, select_rows
from parity.bench.contestants import ByHand, Contestant, OfTorchLayers
from parity.bench.measure import BY_HAND, KERAS_TF, KERAS_TORCH, OPTIMIZED, OURS
from parity.cli import app
from parity.sides.base import leaves
from torch_layers.registry import layers, losses

ROOT = Path(__file__).parents[2]
MAIN = "import sys; from parity.cli import app; sys.argv[0] = 'parity'; app()"
# They compute nothing of their own.
NOT_TIMED = {"Functional", "InputLayer", "Lambda", "Layer", "Loss", "Model", "Sequential", "Wrapper"}
# One step of layers that are timed.
NOT_TIMED |= {"GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"}


def bench(*arguments: str) -> Any:
    """Ask in this process: one of its own would import torch anew for each question."""
    return CliRunner().invoke(app, ["bench", *arguments], prog_name="parity")


class Fake(Contestant):
    """Computes what it is told, or raises it, and writes down its blocks."""

    def __init__(self, name: str, log: list[str], values: list[np.ndarray] | Exception) -> None:
        self.name, self.log, self.values = name, log, values

    def ready(self, row: Row, size: str, mode: str) -> list[np.ndarray]:
        self._function = gc.isenabled
        if isinstance(self.values, Exception):
            raise self.values
        return self.values

    def block(self, seconds: float) -> list[float]:
        self.log.append(self.name)
        return [3e-6, 1e-6, 2e-6]


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if not row.is_model], ids=lambda row: row.label)
def test_by_hand_computes_the_same_outputs_and_gradients(row):
    ours, mode = OfTorchLayers(), "forward" if row.random else "training"
    values = ours.prepare(row, "small", mode)
    assert all(np.isfinite(value).all() for value in values)
    measure.check_same(OURS, values, ByHand(ours).prepare(row, "small", mode))


def test_by_hand_computes_on_the_same_tensors_row_by_row():
    ours = OfTorchLayers()
    by_hand = ByHand(ours)
    for row in select_rows(["MeanSquaredError", "Add"]):
        for side in (ours, by_hand):
            side.prepare(row, "small", "forward")
        pairs = zip(leaves(list(ours._args)), leaves(list(by_hand._args)), strict=True)
        assert all(a is b and tuple(a.shape) == (1, 32) for a, b in pairs)


@pytest.mark.parametrize("row", [row for row in ROWS if row.random], ids=lambda row: row.label)
def test_random_rows_train_on_the_same_shapes(row):
    ours = OfTorchLayers()
    values, by_hand = (side.prepare(row, "small", "training") for side in (ours, ByHand(ours)))
    assert [value.shape for value in values] == [value.shape for value in by_hand]


@pytest.mark.parametrize("row", [row for row in ROWS if row.case.kind == "layer"], ids=lambda row: row.label)
def test_gradients_are_taken_of_all_floating_inputs_and_weights(row):
    ours = OfTorchLayers()
    values = ours.prepare(row, "small", "training")
    floating = [x for x in leaves(draw.inputs(row.small, "float32")) if x.dtype.kind == "f"]
    by_hand = row.by_hand(*(torch.from_numpy(weight) for weight in ours.weights(row.small)))
    parameters = list(by_hand.parameters()) if isinstance(by_hand, torch.nn.Module) else []
    assert len(values) == 1 + len(floating) + len(parameters)


def test_labels_are_unique():
    assert len({row.label for row in ROWS}) == len(ROWS)


def test_every_layer_and_loss_has_a_row():
    named = {row.case.name for row in ROWS}
    classes = {name for name, thing in {**layers.unique(), **losses.unique()}.items() if isinstance(thing, type)}
    assert classes - NOT_TIMED <= named


def test_rows_are_chosen_by_name_pattern_or_label():
    assert [row.label for row in select_rows(["Dense"])] == ["Dense relu", "Dense rank 3"]
    assert [row.label for row in select_rows(["Dense relu", "M*imum"])] == ["Dense relu", "Maximum", "Minimum"]
    assert len(select_rows([])) == len(ROWS)
    with pytest.raises(ValueError, match=r"no row of the bench is called 'Dens' \(did you mean 'Dense'\?\)"):
        select_rows(["Dens"])


def test_whole_models_are_timed_in_inference_alone():
    models = [row for row in ROWS if row.is_model]
    assert [row.label for row in models] == [
        *("MobileNetV2 batch 8", "ResNet50 batch 4", "EfficientNetB0 batch 4", "DenseNet121 batch 4")
    ]
    assert measure.count(models, MODES) == 4
    assert select_rows(["MobileNetV2"]) == models[:1]


# --- measuring --------------------------------------------------------------------------------------------------------


def _fakes(log: list[str], **values: list[np.ndarray] | Exception) -> dict[str, Contestant]:
    right = [np.ones(4), np.ones(3)]
    return {name: Fake(name, log, values.get(name, right)) for name in ("torch_layers", "hand-written", "keras")}


def test_contestants_take_turns_and_the_order_alternates():
    log: list[str] = []
    found = measure.measure(ROWS[0], "small", "forward", _fakes(log), rounds=2)
    assert found.error is None
    assert log == ["torch_layers", "hand-written", "keras", "keras", "hand-written", "torch_layers"]
    assert found.seconds == {name: [1e-6, 1e-6] for name in _fakes([])}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            [np.ones(4) * 1.001, np.ones(3)],
            "keras computes something else than hand-written: output 0 is off by 1.0e-03",
        ),
        (
            [np.ones(4), np.ones(3) * 1.1],
            "keras computes something else than hand-written: gradient 1 is off by 1.0e-01",
        ),
        ([np.ones(4), np.full(3, np.nan)], "gradient 1 is off by nan"),
        ([np.ones((2, 2)), np.ones(3)], r"keras: output 0 has shape \(2, 2\), hand-written has \(4,\)"),
        ([np.ones(4)], "keras computes 1 values, hand-written 2"),
        (RuntimeError("no kernel"), "keras: RuntimeError: no kernel"),
    ],
)
def test_what_computes_something_else_is_an_error_and_never_timed(values, error):
    log: list[str] = []
    found = measure.measure(ROWS[0], "small", "training", _fakes(log, keras=values), rounds=2)
    assert found.error is not None
    assert re.search(error, found.error)
    assert log == []
    assert found.seconds == {}


def test_a_block_is_free_of_garbage_collection_and_gradients():
    seen = []
    ours = OfTorchLayers()
    ours.prepare(select_rows(["ReLU"])[0], "small", "forward")
    inner = ours._function
    ours._function = lambda *args: seen.append((gc.isenabled(), torch.is_grad_enabled())) or inner(*args)
    assert all(sample > 0 for sample in ours.block(0.001))
    assert set(seen) == {(False, False)}
    assert gc.isenabled()
    assert torch.is_grad_enabled()


def test_a_block_that_raises_leaves_garbage_collection_on():
    ours = OfTorchLayers()
    ours.prepare(select_rows(["ReLU"])[0], "small", "forward")
    ours._function = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        ours.block(0.001)
    assert gc.isenabled()


# --- figures ----------------------------------------------------------------------------------------------------------


def _done(*errors: str | None) -> Bench:
    measured = []
    for row, error in zip(select_rows(["Dense"]), errors, strict=False):
        for mode in MODES:
            for size, ours in (("working", [1.0, 2.0, 3.0, 4.0, 50.0]), ("small", [2.0] * 5)):
                seconds = {OURS: ours, BY_HAND: [1.0] * 5, KERAS_TORCH: [2.0] * 5, KERAS_TF: [4.0] * 5}
                measured.append(Measured(row, size, mode, {} if error else seconds, error))
    sides = {name: {"framework": "keras 3", "tensorflow": "2", "threads": "1"} for name in (KERAS_TORCH, KERAS_TF)}
    ours_side = {"torch": "2", "torch_layers": "0", "threads": "1"}
    machine = {"processor": "x", "cores": "2", "load before": "0.0", "python": "3.11"}
    return Bench(measured, {"machine": machine, "torch": ours_side, **sides}, 1.0)


def test_ratios_are_compared_within_rounds_and_reported_with_their_quartiles():
    done = _done(None)
    ratio = done.measured[0].ratio(OURS, BY_HAND)
    assert (ratio.median, ratio.low, ratio.high) == (3.0, 2.0, 4.0)
    assert done.mean(OURS, KERAS_TORCH, "forward") == pytest.approx(1.5)
    assert done.mean(BY_HAND, KERAS_TF, "training") == pytest.approx(0.25)
    assert done.mean(OURS, BY_HAND, "forward", "small") == pytest.approx(2.0)


def test_whole_models_have_a_table_of_their_own():
    (row,) = select_rows(["MobileNetV2"])
    seconds = {OURS: [0.3] * 3, OPTIMIZED: [0.1] * 3, KERAS_TORCH: [0.6] * 3, KERAS_TF: [0.2] * 3}
    done = replace(_done(None), measured=[Measured(row, "model", "forward", seconds)])
    console = Console(width=200, record=True, file=io.StringIO())
    report.show(done, console)
    text = console.export_text()
    assert re.search(r"MobileNetV2 batch 8 +300 +100 +0.50 \(.*\) +1.50 \(.*\) +0.17 \(.*\) +0.50", text)
    assert "optimized / Keras TF, whole models           0.50" in text
    assert "(1, 32)" not in text


def test_one_round_is_its_own_spread():
    ratio = replace(_done(None).measured[0], seconds={OURS: [3.0], BY_HAND: [2.0]}).ratio(OURS, BY_HAND)
    assert (ratio.median, ratio.low, ratio.high) == (1.5, 1.5, 1.5)


def test_a_failed_row_is_shown_and_left_out_of_means(tmp_path):
    done = _done(None, "it differs")
    assert len(done.failed) == 4
    assert done.mean(OURS, BY_HAND, "forward") == pytest.approx(3.0)
    assert _done("it differs").mean(OURS, BY_HAND, "forward") is None
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    report.show(done, console)
    console.file.close()
    text = console.export_text()
    assert "3.00 (2.00-4.00)" in text
    assert "error" in text
    assert "2 rows: 1 timed, 1 could not be (Dense rank 3), 1 s" in text.splitlines()[-1]
    report.write_json(done, tmp_path / "b.json")
    written = json.loads((tmp_path / "b.json").read_text())
    assert written["rows"][0]["ratios"][BY_HAND] == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert {row["error"] for row in written["rows"]} == {None, "it differs"}


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Dens"], "no row of the bench is called 'Dens' (did you mean 'Dense'?)"),
        (["--mode", "forwards"], "mode 'forwards' is not one of forward, training (did you mean 'forward'?)"),
    ],
)
def test_a_question_that_cannot_be_asked_exits_2_with_one_sentence(arguments, message):
    done = bench(*arguments)
    assert done.exit_code == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_framework_exits_2_and_says_what_to_install(tmp_path, monkeypatch):
    for name in ("keras", "tensorflow"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not installed')")
    monkeypatch.syspath_prepend(tmp_path)  # Keras's processes search where this one does
    monkeypatch.setattr(measure, "BACKENDS", ["Keras torch"])  # of two, one would start in vain
    done = bench("ReLU")
    assert done.exit_code == 2, done.stderr
    assert "keras on torch can't be imported here (not installed); pip install keras torch" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("threads", "busy", "warned"), [(2, 3.0, True), (1, 3.0, False), (2, 0.5, False)])
def test_warns_that_several_threads_on_a_busy_machine_mean_little(monkeypatch, capsys, threads, busy, warned):
    monkeypatch.setattr(run, "load", lambda: busy)
    monkeypatch.setattr(run, "bench", lambda *_: _done(None))
    run.command(["ReLU"], ["forward"], threads, 1, Console(width=200))
    assert ("--threads 1 is less disturbed" in capsys.readouterr().out) is warned


@pytest.mark.keras
def test_all_four_are_timed(tmp_path):
    rows, options = ("Dense relu", "Embedding", "Huber"), ("--rounds", "1", "--threads", "1")
    # In a process of its own: the bench sets how its process keeps memory.
    command = [sys.executable, "-c", MAIN, "bench", *rows, *options, "--json", str(tmp_path / "b.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 rows: 3 timed, 0 could not be" in done.stdout.splitlines()[-1]
    assert "forward and backward" in done.stdout
    written = json.loads((tmp_path / "b.json").read_text())
    assert len(written["rows"]) == 3 * 2 * 2
    assert {side["threads"] for name, side in written["environment"].items() if name != "machine"} == {"1"}
    working = [row for row in written["rows"] if row["size"] == "working"]
    assert all(set(row["ratios"]) == {BY_HAND, KERAS_TORCH, KERAS_TF} for row in working)
