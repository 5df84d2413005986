"""Faults that ports really have, planted in torch_layers one at a time: each must turn the run red, by the gate for it.

And the other way round: Keras compared with itself passes everything.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest

from parity.case import Case
from parity.cases import all_cases, name_of
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


ANSWERS: dict[tuple[int, str], Record] = {}


def said_by_keras(case: Case, policy: str) -> Record:
    key = (id(case), policy)  # `all_cases` keeps every case alive
    if key not in ANSWERS:
        ANSWERS[key] = side("keras").compute(case, policy)
    return ANSWERS[key]


def verdict(case: Case) -> Verdict:
    def ask(role: str, policy: str) -> Record:
        return said_by_keras(case, policy) if role == "reference" else side("torch_layers").compute(case, policy)

    return verdict_of(case, ask)


@cache
def cases_of(name: str) -> tuple[Case, ...]:
    """Return the cases of a name that torch_layers, as it should be, is equal in."""
    found = tuple(case for case in all_cases() if name_of(case) == name and not case.raises and verdict(case).equal)
    assert found, f"no case is about {name}"
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught(fault: Fault, monkeypatch: pytest.MonkeyPatch):
    owner, _, attribute = fault.where.rpartition(".")
    target = resolved(owner)
    correct = vars(target)[attribute] if isinstance(target, type) else getattr(target, attribute)
    cases = cases_of(fault.about)
    monkeypatch.setattr(target, attribute, fault.replacement(correct))
    gates: set[str] = set()
    for case in cases:
        found = verdict(case)
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


def test_keras_against_itself_is_equal():
    """Both sides compute anew; `parity run --implementation keras` asks it of every case."""
    seen: Counter[str] = Counter()
    different = []
    for case in all_cases():
        seen[name_of(case)] += 1
        compute = partial(side("keras").compute, case)
        if seen[name_of(case)] > 3:
            continue
        verdict = verdict_of(case, anew(compute))
        # TensorFlow's CPU has no kernels that pool volumes in float16.
        if not verdict.equal and not (verdict.lacks and "Pooling3D" in case.name and case.dtype == "float16"):
            different.append(case.id)
    assert different == []


def anew(compute: Callable[[str], Record]) -> Callable[[str, str], Record]:
    """Return a side that plays both roles and remembers nothing."""
    return lambda role, policy: compute(policy)
