"""The command as a user meets it: what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from typer.testing import CliRunner

from parity.cli import app
from parity.sides import MissingSide, make

ROOT = Path(__file__).parents[2]
MAIN = "import sys; from parity.cli import app; sys.argv[0] = 'parity'; app()"
# Keras takes seconds to start: torch_layers stands for it in what doesn't depend on the reference.
WITHOUT_KERAS = ("--reference", "torch_layers")


def parity(*arguments: str) -> Any:
    """Ask in this process: one of its own would import torch anew for each question."""
    return CliRunner().invoke(app, arguments, prog_name="parity")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "Dens"], "no layer, loss or function is called 'Dens' (did you mean 'Dense'?)"),
        (["run", "--dtype", "float31"], "dtype 'float31' is not one of float64, float32"),
        (["run", "--implementation", "keras-torsch"], "side 'keras-torsch' is not one of keras, keras-torch"),
        (
            ["run", "Dense#1", *WITHOUT_KERAS, "--device", "cud"],
            "device 'cud' is not one of 'cpu', 'cuda', 'cuda:N', 'auto'",
        ),
        (["list", "Dens"], "(did you mean 'Dense'?)"),
        (["show", "Dense#999"], "no layer, loss or function is called 'Dense#999'"),
    ],
)
def test_a_question_that_cannot_be_asked_exits_2_with_one_sentence(arguments, message):
    done = parity(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("nowhere:Side", "'nowhere:Side': nowhere can't be imported here (No module named 'nowhere')"),
        ("tests.parity.adapters:absent", "absent is not installed; pip install absent"),
    ],
)
def test_a_side_that_is_not_there_says_what_is_missing(side, message):
    # What the command makes of it, in whatever process it is raised, is shown below by a GPU that isn't there.
    with pytest.raises(MissingSide, match=f"^{re.escape(message)}$"):
        make(side)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device, so asking for it is no error")
def test_a_missing_gpu_is_an_error_never_a_pass():
    done = parity("run", "Dense#1", *WITHOUT_KERAS, "--device", "cuda")
    assert done.exit_code == 2
    assert "sees no CUDA GPU here" in done.stderr
    assert "pip install torch" in done.stderr


def test_list_counts_cases():
    done = parity("list", "Dense")
    assert done.exit_code == 0
    assert done.stdout.startswith("Dense#1\tDense(units=")
    assert done.stdout.splitlines()[-1].endswith("cases of 1 names")


@pytest.mark.keras
def test_an_equal_run_exits_0_and_writes_reports(tmp_path):
    names = ("Dense#1", "Dense#2", "--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml"))
    command = [sys.executable, "-c", MAIN, "run", *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 cases: 2 equal" in done.stdout.splitlines()[-1]
    run = json.loads((tmp_path / "r.json").read_text())
    assert run["passed"]
    assert run["environments"]["reference"]["backend"] == "tensorflow"
    assert {check["gate"] for check in run["cases"][0]["checks"]} >= {"semantics", "accuracy", "semantics of gradients"}
    suite = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "0"


def test_a_difference_exits_1_and_says_what_where_and_how_to_repeat_it_and_fail_fast_stops_there():
    options = (*WITHOUT_KERAS, "--implementation", "tests.parity.adapters:Wrong")
    done = parity("run", "Dense", *options, "--fail-fast")
    assert done.exit_code == 1
    assert "output 0: off by" in done.stderr
    assert " ".join(("parity show 'Dense#1'", *options)) in done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 cases: 0 equal, 1 differ (Dense)")


def test_a_side_that_dies_is_an_error_of_its_case_not_of_the_run():
    dies = ("--implementation", "tests.parity.adapters:Dies")
    done = parity("run", "Dense#2", "Dense#3", "Dense#4", *WITHOUT_KERAS, *dies)
    assert done.exit_code == 1
    assert "died with exit code 7" in done.stderr
    assert "3 cases: 2 equal, 1 could not run (Dense)" in done.stdout


def test_show_gives_every_gate_of_one_case():
    done = parity("show", "Dense#1", *WITHOUT_KERAS)
    assert done.exit_code == 0, done.stderr
    gates = ("structure", "semantics of gradients", "accuracy of gradients")
    for part in ("Dense#1: equal", f"torch={torch.__version__}", *gates, "gradient of weight 0 (kernel)"):
        assert part in done.stdout
