"""All cases: one table per family, in modules of this package that define `CASES`; a new table joins by existing."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache

from parity.case import DTYPES, Case
from parity.trips import trips
from torch_layers.registry import nearest


def _in_every_dtype(cases: Sequence[Case]) -> Iterator[Case]:
    """Yield the cases; the first of each name in every dtype policy."""
    seen: set[tuple[str, str]] = set()
    for case in cases:
        yield case
        key = (case.kind, case.name)
        if key not in seen and case.dtype == "float32" and not case.raises and not case.statistical:
            seen.add(key)
            yield from (replace(case, dtype=dtype) for dtype in DTYPES if dtype != "float32")


@cache
def all_cases() -> tuple[Case, ...]:
    """Return every case of every table, and the round trips of files. Raises: ValueError if two have the same content."""
    found: dict[tuple[str, str], Case] = {}
    for module in pkgutil.iter_modules(__path__):
        table = importlib.import_module(f"{__name__}.{module.name}").CASES
        for case in _in_every_dtype(table):
            if (case.kind, case.id) in found:
                raise ValueError(f"two cases of parity.cases.{module.name} are the same: {case.id}")
            found[case.kind, case.id] = case
    return (*found.values(), *trips(found.values()))


def numbered() -> dict[str, Case]:
    """Return every case under its short name, "Dense#3": the third of that name, counted in the order of the tables."""
    counts: dict[str, int] = {}
    names = {}
    for case in all_cases():
        label = name_of(case)
        counts[label] = counts.get(label, 0) + 1
        names[f"{label}#{counts[label]}"] = case
    return names


def name_of(case: Case) -> str:
    """Return what a case is about; "Identity" is a layer, "initializers.Identity" is not."""
    return case.name if case.kind in ("layer", "loss") else f"{FOLDER.get(case.kind, case.kind + 's')}.{case.name}"


FOLDER = {"merge_function": "layers", "loss_function": "losses", "model": "models"}


def select(patterns: Sequence[str], dtypes: Sequence[str] = ()) -> dict[str, Case]:
    """Return the cases whose name ("Dense", "losses.*"), short name ("Dense#3") or id matches a pattern; all for none.

    Raises: ValueError for a pattern that matches nothing or a dtype that is not known, with the nearest name.
    """
    for dtype in dtypes:
        if dtype not in DTYPES:
            raise ValueError(f"dtype {dtype!r} is not one of {', '.join(DTYPES)}{nearest(dtype, list(DTYPES))}")
    everything = numbered()
    chosen: dict[str, Case] = {}
    for pattern in patterns or ["*"]:
        matches = {
            short: case
            for short, case in everything.items()
            if fnmatchcase(name_of(case), pattern) or pattern in (short, case.id)
        }
        if not matches:
            known = sorted({name_of(case) for case in everything.values()})
            raise ValueError(f"no layer, loss or function is called {pattern!r}{nearest(pattern, known)}")
        chosen |= matches
    return {s: c for s, c in everything.items() if s in chosen and (not dtypes or c.dtype in dtypes)}


def in_any_dtype(cases: Mapping[str, Case]) -> dict[str, Case]:
    """Return the first of those cases that differ in their dtype alone: in float64 all of them ask the same."""
    first: dict[tuple[str, str], str] = {}
    for short, case in cases.items():
        first.setdefault((case.kind, replace(case, dtype="").id), short)
    return {short: cases[short] for short in first.values()}
