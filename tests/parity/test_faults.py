"""Faults that ports really have, planted in torch_layers one at a time: each must turn the run red, by the gate for it.

And the other way round: Keras compared with itself passes everything.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import pytest

from parity.case import Case
from parity.cases import all_cases, name_of
from parity.judge import Verdict
from parity.record import Record
from parity.run import verdict_of
from parity.sides import make
from tests.parity.faulty import FAULTS, Fault

pytestmark = pytest.mark.keras


@cache
def side(name: str) -> Any:
    return make(name)


@cache
def said_by_keras(kind: str, case_id: str, policy: str) -> Record:
    case = next(c for c in all_cases() if (c.kind, c.id) == (kind, case_id))
    return side("keras").compute(case, policy)


def verdict(case: Case, implementation: str = "torch_layers") -> Verdict:
    def ask(role: str, policy: str) -> Record:
        if role == "reference":
            return said_by_keras(case.kind, case.id, policy)
        return side(implementation).compute(case, policy)

    return verdict_of(case, ask)


def cases_of(name: str) -> list[Case]:
    found = [case for case in all_cases() if name_of(case) == name]
    assert found, f"no case is about {name}"
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught(fault: Fault, monkeypatch: pytest.MonkeyPatch):
    owner, _, attribute = fault.where.rpartition(".")
    target = resolved(owner)
    correct = vars(target)[attribute] if isinstance(target, type) else getattr(target, attribute)
    before = [verdict(case) for case in cases_of(fault.about)]
    monkeypatch.setattr(target, attribute, fault.replacement(correct))
    red = []
    for case, healthy in zip(cases_of(fault.about), before, strict=True):
        found = verdict(case)
        if healthy.equal and not found.equal:
            red.append((case, found))
    assert red, f"no case of {fault.about} notices"
    gates = {check.gate for _, found in red for check in found.failures}
    assert any(gate.startswith(fault.gate) for gate in gates), f"caught by {gates}, not by {fault.gate}"


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


def test_keras_against_itself_is_equal():
    different = [case.id for case in all_cases() if not case.raises and not itself(case).equal]
    assert different == []


def itself(case: Case) -> Verdict:
    return verdict_of(case, lambda role, policy: said_by_keras(case.kind, case.id, policy))
