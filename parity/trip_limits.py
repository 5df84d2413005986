"""What Keras itself can't do with a model that a round trip saves, in its own words.

Must be exact, as the table of deviations: a row that covers nothing, or selects a trip that is equal after all, fails
the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.case import Case
from parity.judge import Check


@dataclass(frozen=True)
class Limit:
    """Round trips of `names` (with all of `case` in their id) under the reference `side` stop at `gate`, in `words`."""

    side: str
    names: tuple[str, ...]
    case: tuple[str, ...]
    gate: str
    words: str
    reason: str

    def selects(self, case: Case) -> bool:
        """Tell whether this row is about a case."""
        return case.kind == "file" and case.name in self.names and all(part in case.id for part in self.case)

    def covers(self, case: Case, check: Check) -> bool:
        """Tell whether this row is about a failed check of a case."""
        return self.selects(case) and check.gate.startswith(self.gate) and self.words in str(check)


LIMITS: Sequence[Limit] = (
    Limit(
        "tf-keras",
        names=("Embedding",),
        case=("weights=",),
        gate="made",
        words="set_weights",
        reason="Keras 2 takes a list of weights",
    ),
    Limit(
        "tf-keras",
        names=("SpectralNormalization",),
        case=(),
        gate="made",
        words="input_spec must be an instance of InputSpec",
        reason="SpectralNormalization of tf-keras 2.21 takes the InputSpec of Keras 3",
    ),
)
