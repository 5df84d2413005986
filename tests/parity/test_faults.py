"""Faults that ports really have, planted in torch_layers one at a time: each must turn the run red, by the gate for it.

And the other way round: Keras compared with itself passes everything.
"""

from __future__ import annotations

import importlib
import pickle
from collections import Counter
from functools import cache, partial
from typing import Any

import pytest

from parity.case import Case
from parity.cases import all_cases, in_any_dtype, name_of
from parity.judge import Verdict
from parity.record import Record
from parity.run import verdict_of
from parity.sides import make
from tests.parity.faults import FAULTS
from tests.parity.faults.planting import Fault

pytestmark = pytest.mark.keras


@cache
def side(name: str) -> Any:
    return make(name)


ANSWERS: dict[tuple[str, int, str], Record] = {}


def said_by(name: str, case: Case, policy: str) -> Record:
    """Return what a side says when nothing is planted."""
    key = (name, id(case), policy)  # `all_cases` keeps every case alive
    if key not in ANSWERS:
        ANSWERS[key] = side(name).compute(case, policy)
    return ANSWERS[key]


def content(records: dict[str, Record]) -> bytes:
    """Return all that a verdict depends on, to be compared bit by bit."""
    return pickle.dumps([(record.values, record.error, record.lacks) for record in records.values()])


def verdict(case: Case, ours: dict[str, Record]) -> Verdict:
    def ask(role: str, policy: str) -> Record:
        return said_by("keras", case, policy) if role == "reference" else ours[policy]

    return verdict_of(case, ask, semantics=ours.keys() == {"float64"})


@cache
def accepted() -> dict[str, list[Case]]:
    """Return the cases of each name that are no refusals."""
    found: dict[str, list[Case]] = {}
    for case in all_cases():
        if not case.raises:
            found.setdefault(name_of(case), []).append(case)
    return found


def detail(case: Case) -> int:
    """Count what a case says beside its inputs."""
    return len(case.config) + len(case.call) + (case.masks is not None) + (case.calls > 1) + case.training


def cases_for(fault: Fault) -> list[Case]:
    """Return the cases that can show a fault by its gate, first those that say most: it is of one argument among many."""
    cases = sorted(accepted()[fault.about], key=detail, reverse=True)
    if fault.gate == "distribution":
        return [case for case in cases if case.statistical]
    if fault.gate.startswith("semantics"):
        return list(in_any_dtype({case.id: case for case in cases if not case.statistical}).values())
    return cases


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught(fault: Fault, monkeypatch: pytest.MonkeyPatch):
    owner, _, attribute = fault.where.rpartition(".")
    target = resolved(owner)
    correct = vars(target)[attribute] if isinstance(target, type) else getattr(target, attribute)
    gates: set[str] = set()
    for case in cases_for(fault):
        right: dict[str, Record] = {}
        wrong: dict[str, Record] = {}
        # One gate sees float64 alone.
        for policy in ("float64",) if fault.gate.startswith("semantics") else dict.fromkeys((case.dtype, "float64")):
            right[policy] = said_by("torch_layers", case, policy)
            with monkeypatch.context() as planted:
                planted.setattr(target, attribute, fault.replacement(correct))
                wrong[policy] = side("torch_layers").compute(case, policy)
            if content(right) == content(wrong):
                break
        # Keras, which takes long, is asked where the fault changes anything. Where the right one differs from it too,
        # nothing can be told.
        if content(right) == content(wrong) or not verdict(case, right).equal:
            continue
        found = verdict(case, wrong)
        gates |= {check.gate for check in found.failures} | ({"error"} if found.error else set())
        if any(gate.startswith(fault.gate) for gate in gates):
            return
    assert gates, f"no case of {fault.about} notices"
    pytest.fail(f"caught by {sorted(gates)}, not by {fault.gate}")


def resolved(path: str) -> Any:
    """Return the module or class of a dotted path."""
    parts = path.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for name in parts[split:]:
            found = getattr(found, name)
        return found
    raise AssertionError(f"no such place: {path}")


def test_there_are_enough_faults_of_every_kind():
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {"semantics", "accuracy", "structure", "semantics of gradients"} <= {fault.gate for fault in FAULTS}


# A file goes from one side to the other and back: there is nothing that Keras could do alone. See test_trips.py.
@pytest.mark.parametrize("kind", sorted({case.kind for case in all_cases()} - {"file"}))
def test_keras_against_itself_is_equal(kind: str):
    """Each role is computed by itself; `parity run --implementation keras` asks it of every case."""
    seen: Counter[str] = Counter()
    different = []
    for case in all_cases():
        seen[name_of(case)] += 1
        # A case in float64 asks a part of what the same one asks in float32, which is here too; a model in float16, what
        # its layers are asked.
        if seen[name_of(case)] > 3 or case.kind != kind or case.dtype == "float64":
            continue
        if kind == "model" and case.dtype != "float32":
            continue
        verdict = verdict_of(case, partial(asked_of_keras, case))
        # TensorFlow's CPU has no kernels that pool volumes in float16.
        if not verdict.equal and not (verdict.lacks and "Pooling3D" in case.name and case.dtype == "float16"):
            different.append(case.id)
    assert different == []


def asked_of_keras(case: Case, role: str, policy: str) -> Record:
    # What is asked in float64 of a case in float16 is asked of the same one in float32.
    if role == "reference" or (policy == "float64" and case.dtype != "float32"):
        return said_by("keras", case, policy)
    return side("keras").compute(case, policy)
