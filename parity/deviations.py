"""Where torch_layers and Keras really differ: each with its reason and its measured size. Must be exact.

A case whose differences no row covers is different; a row that covers no difference is stale and fails the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.case import Case
from parity.judge import Check

# The sides that the table is about; other pairs are judged without it.
REFERENCE, IMPLEMENTATION = "keras", "torch_layers"


@dataclass(frozen=True)
class Deviation:
    """A difference that stays: of which cases (`name`, and a part of their id), in which gate and values, and why.

    `gate` and `what` are how the check's gate and value begin.

    `measured` is the error as the gate gives it, relative or absolute as there; more than twice that is a new difference.
    """

    name: str
    case: str
    gate: str
    what: str
    measured: float
    reason: str

    def covers(self, case: Case, check: Check) -> bool:
        """Tell whether this row is about a failed check of a case, and still large enough for it."""
        return (
            self.name == case.name
            and self.case in case.id
            and check.gate.startswith(self.gate)
            and check.what.startswith(self.what)
            and check.error <= 2 * self.measured
        )


DEVIATIONS: Sequence[Deviation] = (
    Deviation(
        "celu",
        "(((0.0, -0.0",
        *("", "gradient of input 0"),
        measured=2.3,
        reason="Keras adds the slopes of both sides at exactly 0 and gives 2; celu is smooth there, with slope 1",
    ),
    Deviation(
        "celu",
        "(((0.0, -0.0",
        *("accuracy", "root mean square of gradient of input 0"),
        measured=0.68,
        reason="the same, at exactly 0",
    ),
    Deviation(
        "selu",
        "(((1e-30",
        *("semantics", "gradient of input 0"),
        measured=0.42,
        reason="TensorFlow computes exp(x) - 1, which is 0 for a tiny negative x, and takes x for a positive one",
    ),
)
