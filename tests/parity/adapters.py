"""Sides of somebody else's, for tests of the command: they are named as `tests.parity.adapters:Name`."""

from __future__ import annotations

import os

from parity.case import Case
from parity.record import Value
from parity.sides.base import MissingSide
from parity.sides.torch_layers import TorchLayers


class Wrong(TorchLayers):
    """Off by one part in a million, in every output."""

    name = "wrong"

    def run(self, case: Case, policy: str) -> dict[str, Value]:
        found = super().run(case, policy)
        value = found["output 0"]
        return {**found, "output 0": Value(value.array * (1 + 1e-6), value.dtype)}


class Dies(TorchLayers):
    """Takes its process with it, at a case of its own."""

    name = "dies"

    def run(self, case: Case, policy: str) -> dict[str, Value]:
        if case.dtype == "float16":
            os._exit(7)
        return super().run(case, policy)


def absent(device: str) -> TorchLayers:
    """Be missing."""
    raise MissingSide("absent is not installed; pip install absent")
