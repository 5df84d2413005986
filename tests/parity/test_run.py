"""The run: statuses, the deviations table that must be exact, what a report says."""

from __future__ import annotations

import numpy as np
import pytest

from parity import report
from parity.case import Case
from parity.deviations import DEVIATIONS, Deviation
from parity.judge import Check, Verdict
from parity.run import Result, Run, _is_exact

CASE = Case("celu", {"alpha": 0.3}, [(2, 5)], kind="activation")


def failed(error: float = 0.1) -> Verdict:
    return Verdict([Check("semantics", "gradient of input 0", False, error, 1e-10, error, (0, 1), 1.0, 1.1)])


def row(**changes) -> Deviation:
    fields = {"names": ("celu",), "case": ("alpha=0.3",), "gate": "semantics", "what": "gradient", "measured": 0.2}
    return Deviation(**{**fields, **changes}, reason="a test")


def result(verdict: Verdict, *table: Deviation) -> Result:
    return Result(CASE, verdict, tuple(d for d in table if any(d.covers(CASE, c) for c in verdict.failures)))


@pytest.mark.parametrize(
    ("deviation", "status"),
    [
        (row(), "deviates"),
        (row(measured=0.05), "different"),
        (row(gate="accuracy"), "different"),
        (row(case=("alpha=0.3", "float16")), "different"),
        (row(names=("selu",)), "different"),
        (row(what="output"), "different"),
    ],
)
def test_a_row_covers_what_it_describes_and_no_more(deviation, status):
    assert result(failed(), deviation).status == status


def test_a_row_that_covers_nothing_or_selects_an_equal_case_is_not_exact():
    deviation = row()
    assert _is_exact(deviation, [result(failed(), deviation)])
    assert not _is_exact(deviation, [])
    assert not _is_exact(deviation, [result(failed(), deviation), result(Verdict([Check("semantics", "x", True)]))])


def test_stale_rows_fail_a_run():
    run = Run("keras", "torch_layers", "cpu", [result(failed(), row())])
    assert run.passed
    run.stale = [row()]
    assert not run.passed
    assert "1 rows of the deviations table are not exact" in report.summary(run)


def test_every_row_has_a_reason_and_a_size():
    assert all(len(d.reason) > 20 and 0 < d.measured < np.inf for d in DEVIATIONS)


def test_the_summary_counts_and_names():
    run = Run("keras", "torch_layers", "cpu", [result(failed()), result(Verdict()), Result(CASE, Verdict(error="no"))])
    assert report.summary(run).startswith("3 cases: 1 equal, 1 differ, 1 could not run (activations.celu)")


def test_the_summary_says_when_keras_disagrees_with_itself():
    run = Run("keras", "keras-torch", "cpu", [result(failed()), result(Verdict())])
    assert "Keras's own backends disagree" in report.summary(run)


def test_a_failure_names_place_values_allowance_and_how_to_repeat_it():
    text = report.failure("activations.celu#3", result(failed()), "parity show 'activations.celu#3'")
    for part in (
        "celu(alpha=0.3) (2x5) float32",
        "off by 0.1 at [0, 1]",
        "expected 1.0, got 1.1",
        "repeat: parity show",
    ):
        assert part in text
