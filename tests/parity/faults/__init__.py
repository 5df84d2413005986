"""The faults: what a port gets wrong, where it is planted, which cases must notice and by which gate.

One table per module that defines `FAULTS`; a new table joins by existing.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.parity.faults.planting import Fault

FAULTS: list[Fault] = [
    fault
    for module in pkgutil.iter_modules(__path__)
    for fault in getattr(importlib.import_module(f"{__name__}.{module.name}"), "FAULTS", [])
]
