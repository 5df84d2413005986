"""Where torch_layers and Keras really differ: each with its reason and its measured size. Must be exact.

A case whose differences no row covers is different. A row that covers nothing, or that selects a case which is equal after
all, fails the run too: the table never holds more than what is true.
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
    """A difference that stays: in which cases (`name`, and a part of their id), gate and values, and why.

    `gate` is how the check's gate begins, `what` a part of its value's name. `measured` is the largest error that was
    seen; a larger one is a new difference.
    """

    name: str
    case: str
    gate: str
    what: str
    measured: float
    reason: str

    def selects(self, case: Case) -> bool:
        """Tell whether this row is about a case."""
        return self.name == case.name and self.case in case.id

    def covers(self, case: Case, check: Check) -> bool:
        """Tell whether this row is about a failed check of a case, and large enough for it."""
        about = self.selects(case) and check.gate.startswith(self.gate) and self.what in check.what
        return about and check.error <= self.measured


DEVIATIONS: Sequence[Deviation] = (
    Deviation(
        name="celu",
        case="(((0.0, -0.0",
        gate="",
        what="gradient of input 0",
        measured=2.26,
        reason="Keras adds the slopes of both sides at exactly 0 and gives 2; celu is smooth there, with slope 1",
    ),
    Deviation(
        name="selu",
        case="(((1e-30",
        gate="semantics of gradients",
        what="gradient of input 0",
        measured=0.416,
        reason="TensorFlow computes exp(x) - 1, which is 0 for a tiny negative x, and takes x for a positive one",
    ),
)
