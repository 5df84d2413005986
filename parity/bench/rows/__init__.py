"""What is timed, as data: a row is a case at a working size and at a small one, and the same work by hand.

One table per module that defines `ROWS`; a new table joins by existing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from fnmatch import fnmatchcase

from parity.bench.rows.row import MODES, SIZES, Row
from torch_layers.registry import nearest

__all__ = ["MODES", "ROWS", "SIZES", "Row", "select_rows"]

ROWS: tuple[Row, ...] = tuple(
    row
    for module in pkgutil.iter_modules(__path__)
    for row in getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROWS", ())
)


def select_rows(patterns: Sequence[str]) -> list[Row]:
    """Return the rows whose name or label matches a pattern; all for none.

    Raises: ValueError for a pattern that matches nothing, with the nearest name.
    """
    chosen: set[str] = set()
    for pattern in patterns or ["*"]:
        found = {r.label for r in ROWS if fnmatchcase(r.name, pattern) or r.label == pattern}
        if not found:
            names = sorted({row.name for row in ROWS})
            raise ValueError(f"no row of the bench is called {pattern!r}{nearest(pattern, names)}")
        chosen |= found
    return [row for row in ROWS if row.label in chosen]
