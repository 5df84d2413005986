"""The run: statuses, the deviations table that must be exact, what a report says."""

from __future__ import annotations

import numpy as np
import pytest

from parity import report
from parity.case import Case
from parity.cases import in_any_dtype, select
from parity.deviations import DEVIATIONS, Deviation
from parity.judge import Check, Verdict
from parity.record import Record, Value
from parity.run import Result, Run, _is_exact, verdict_of

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


def test_a_row_of_some_processors_must_select_a_case_but_need_not_be_needed():
    deviation = row(on_some_processors=True)
    assert _is_exact(deviation, [result(Verdict([Check("semantics", "x", True)]))])
    assert not _is_exact(deviation, [])


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


@pytest.mark.parametrize("off", [0.0, 1e-6])
def test_semantics_alone_asks_for_float64_alone_and_sees_differences_there(off):
    asked = set()

    def ask(role: str, policy: str) -> Record:
        asked.add((role, policy))
        return Record({"output 0": Value.of(np.array([1.0, 2.0 + off * (role == "implementation")]))})

    found = verdict_of(CASE, ask, semantics=True)
    assert asked == {("reference", "float64"), ("implementation", "float64")}
    assert {check.gate for check in found.checks} == {"structure", "structure in float64", "semantics"}
    assert found.equal is (off == 0)


def test_of_cases_that_differ_in_dtype_alone_the_first_stays():
    cases = select(["Dense"])
    first, *others = (
        short for short, case in cases.items() if case.id.rpartition(" ")[0] == cases["Dense#1"].id.rpartition(" ")[0]
    )
    left = in_any_dtype(cases)
    assert len(others) >= 4
    assert first in left
    assert not left.keys() & set(others)
    assert {case.id.rpartition(" ")[0] for case in left.values()} == {
        case.id.rpartition(" ")[0] for case in cases.values()
    }
