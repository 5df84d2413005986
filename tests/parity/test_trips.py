"""Round trips of files: which are made, what each fault on the way is called, and that rows of limits are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

import torch_layers
from parity import report
from parity.case import Case
from parity.cases import all_cases, name_of, select
from parity.deviations import DEVIATIONS
from parity.record import Record, Value
from parity.run import Result, Run, _is_exact
from parity.sides import files as trip_files
from parity.trip_limits import Limit
from parity.trips import LEFT_OUT, OWN, judge_trip, made_of
from parity.versions import DIFFERENCES
from torch_layers.registry import layers

CASE = Case("Dense", {"units": 3}, [(2, 5)], kind="file")
# No layers of a model, or made by the cases of other layers.
NO_TRIP = {"Layer", "Wrapper", "Functional", "Model", "InputLayer", *(name for name, part, _ in LEFT_OUT if not part)}

OUTPUT, WEIGHT = np.array([[1.0, 2.0]], "float32"), np.array([0.5, 0.25], "float32")


def values(output: np.ndarray = OUTPUT, weight: np.ndarray = WEIGHT, prefix: str = "") -> dict[str, Value]:
    return {f"{prefix}output 0": Value.of(output), f"{prefix}weight 0": Value.of(weight)}


def asked(
    read: Record, back: Record | None = None, own: Record | None = None, start: Record | None = None
) -> Callable[[str, Mapping[str, bytes]], Record]:
    """Return what two sides say that are asked in turn: `own` of the reference's own file, `back` of the one written."""
    first = start or Record(values(), files={".keras": b"theirs"})

    def ask(role: str, files: Mapping[str, bytes]) -> Record:
        if role == "implementation":
            assert files == first.files
            return read
        if not files:
            return first
        return (back or Record()) if files == read.files else (own or Record(GOOD))

    return ask


GOOD = values(prefix=".keras ")
READ = Record(GOOD, files={".keras": b"ours"})
REFUSES = Record(refusals={".keras": "TypeError: no"})


def test_a_trip_that_keeps_everything_is_equal():
    verdict = judge_trip(CASE, asked(READ, Record(GOOD)))
    assert verdict.equal
    assert {check.gate for check in verdict.checks} == {".keras read", ".keras written back"}


@pytest.mark.parametrize(
    ("ask", "gate", "text"),
    [
        (asked(REFUSES), ".keras read", "file: TypeError: no"),
        (asked(Record(error="died"), own=Record(GOOD)), ".keras read", "file: died"),
        (
            asked(Record(values(OUTPUT * 1.001, prefix=".keras "), files=READ.files), Record(GOOD)),
            *(".keras read", "output 0: off by 0.002"),
        ),
        (
            asked(Record(values(weight=WEIGHT * (1 + 2**-23), prefix=".keras "), files=READ.files), Record(GOOD)),
            *(".keras read", "weights: are not the 1 arrays that were saved, bit by bit"),
        ),
        (asked(Record(GOOD, refusals={".keras saved": "OSError: full"})), ".keras written back", "file: OSError: full"),
        (asked(READ, REFUSES, Record(GOOD)), ".keras written back", "file: TypeError: no"),
        (asked(READ, REFUSES, REFUSES), ".keras written back", f"file: TypeError: no ({OWN})"),
        (
            asked(READ, Record(values(-OUTPUT, prefix=".keras ")), Record(GOOD)),
            *(".keras written back", "output 0: off by 4"),
        ),
        (asked(READ, start=Record(error="ValueError: odd")), "made", "model: ValueError: odd"),
        (asked(READ, start=Record(refusals={".h5": "KeyError: x"})), ".h5 saved", "file: KeyError: x"),
    ],
)
def test_each_fault_names_format_and_direction(ask, gate, text):
    failures = judge_trip(CASE, ask).failures
    assert [failure.gate for failure in failures] == [gate]
    assert str(failures[0]).startswith(text)


def test_what_keras_fails_with_alike_in_its_own_file_is_told_from_what_it_does_not():
    wrong = Record(values(-OUTPUT, prefix=".keras "))
    assert OWN in str(judge_trip(CASE, asked(READ, wrong, wrong)).failures[0])
    assert OWN not in str(judge_trip(CASE, asked(READ, wrong, REFUSES)).failures[0])


@pytest.fixture
def files() -> dict[str, bytes]:
    pytest.importorskip("h5py", reason="files are written with h5py")
    x = torch_layers.Input(shape=(5,))
    model = torch_layers.Model(x, torch_layers.Dense(3, bias_initializer="ones")(x))
    return {format: trip_files.written(model, format) for format in (".keras", ".weights.h5")}


def rewritten(files: Mapping[str, bytes]) -> Record:
    record = Record()
    trip_files.rewrite(made_of(CASE), files, record)
    return record


def test_weights_alone_fill_the_model_that_was_read_before_them(files, monkeypatch):
    record = rewritten(files)
    assert not record.refusals
    assert list(record.files) == list(files)
    for what in ("output 0", "weight 0", "weight 1"):
        found = record.values[f".weights.h5 {what}"].array
        np.testing.assert_array_equal(found, record.values[f".keras {what}"].array)
    monkeypatch.setattr(trip_files, "load_weights", lambda model, file: None)
    assert not rewritten(files).values[".weights.h5 weight 1"].array.any()


def test_weights_alone_need_a_model(files):
    record = rewritten({".weights.h5": files[".weights.h5"]})
    assert record.refusals == {".weights.h5": "ValueError: no file holds the model that these weights are of"}


def test_every_layer_travels_and_no_more_cases_than_need_be():
    trips = [case for case in all_cases() if case.kind == "file"]
    assert set(layers.unique()) - NO_TRIP == {case.name for case in trips if made_of(case).kind == "layer"} | {
        "Sequential"
    }
    assert len(trips) < 300
    assert all(case.dtype == "float32" for case in trips)


def test_trips_are_called_files():
    chosen = select(["files.Dense"])
    assert next(iter(chosen)) == "files.Dense#1"
    assert {case.kind for case in chosen.values()} == {"file"}
    assert {name_of(case) for case in chosen.values()} == {"files.Dense"}


def test_rows_about_cases_of_layers_are_not_about_trips():
    trips = [case for case in all_cases() if case.kind == "file"]
    assert not any(row.selects(case) for row in DEVIATIONS for case in trips)
    assert not any(row.covers(case) for row in DIFFERENCES for case in trips)


ROW = Limit("keras", ("Dense",), ("units=3",), ".keras written back", OWN, "a test")


def result(*, limited: bool) -> Result:
    verdict = judge_trip(CASE, asked(READ, REFUSES, REFUSES if limited else Record(GOOD)))
    return Result(CASE, verdict, (ROW,) if all(ROW.covers(CASE, c) for c in verdict.failures) else ())


def test_a_row_of_limits_covers_what_keras_itself_cannot_do():
    assert result(limited=True).status == "deviates"
    assert result(limited=False).status == "different"
    assert _is_exact(ROW, [result(limited=True)])
    assert not _is_exact(ROW, [result(limited=False)])


def test_the_table_has_a_column_for_each_format():
    run = Run(
        "keras",
        "torch_layers",
        "cpu",
        [result(limited=True), Result(CASE, judge_trip(CASE, asked(READ, Record(GOOD))))],
    )
    drawn = report.trips_table(run)
    assert drawn is not None
    assert [column.header for column in drawn.columns][:4] == ["files: read, written back", "cases", ".keras", "worst"]
    assert [list(column.cells) for column in drawn.columns][:3] == [["files.Dense"], ["2"], ["2, 1"]]
