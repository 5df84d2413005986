"""Prove that a PyTorch module computes what its Keras namesake computes: outputs, states and gradients."""

from __future__ import annotations

from typing import Any

__all__ = ["Case", "Comparison", "ParityError", "assert_parity", "compare"]

_HOME = {"Case": "parity.case"}


def __getattr__(name: str) -> Any:
    # Lazily, so that the processes of other sides and the CLI don't import what they don't use.
    if name not in __all__:
        raise AttributeError(f"parity has no {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOME.get(name, "parity.live")), name)
