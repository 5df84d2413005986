"""Verdicts become a table, a JSON file, a JUnit file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from parity.cases import name_of
from parity.run import Result, Run
from parity.trips import READ, WRITTEN

_WORDS = {
    "different": "differ",
    "error": "could not run",
    "deviates": "deviate as the table says",
    "version": "differ as that version did",
    "lacks": "not there",
}


def groups(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return results by what they are about, in order."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(name_of(result.case), []).append(result)
    return found


def table(run: Run) -> Table:
    """Draw one line per layer: cases, passed, the worst figure of each gate, time.

    For float64 the figure is the error relative to the largest value; for a case's own dtype it is the error as a multiple
    of the reference's own, 0.0x where it is within a few ulp.
    """
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    drawn.add_column("", no_wrap=True)
    for head in ("cases", "passed", "float64", "gradients", "own dtype", "gradients", "time"):
        drawn.add_column(head, justify="right", no_wrap=True)
    drawn.add_column("", no_wrap=True)
    for name, results in groups(result for result in run.results if result.case.kind != "file").items():
        statuses = Counter(result.status for result in results)
        passed = statuses["equal"] + statuses["deviates"] + statuses["version"]
        remarks = ", ".join(f"{n} {_WORDS[s]}" for s, n in statuses.items() if s in _WORDS)
        bad = statuses["different"] + statuses["error"]
        drawn.add_row(
            name,
            str(len(results)),
            str(passed),
            f"{_worst(results, 'semantics'):.0e}",
            f"{_worst(results, 'semantics of gradients'):.0e}",
            f"{_worst(results, 'accuracy'):.1f}x",
            f"{_worst(results, 'accuracy of gradients'):.1f}x",
            f"{sum(result.seconds for result in results):.1f} s",
            remarks or "equal",
            style="red" if bad else None,
        )
    return drawn


def trips_table(run: Run) -> Table | None:
    """Draw one line per layer of the round trips of files: how many are equal, as read and as written back, by format.

    None without any trips.
    """
    trips = groups(result for result in run.results if result.case.kind == "file")
    if not trips:
        return None
    gates = {c.gate: None for results in trips.values() for r in results for c in r.verdict.checks}
    formats = [gate.removesuffix(f" {READ}") for gate in gates if gate.endswith(f" {READ}")]
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    drawn.add_column(f"files: {READ}, {WRITTEN}", no_wrap=True)
    for head in ("cases", *formats, "worst", "time"):
        drawn.add_column(head, justify="right", no_wrap=True)
    drawn.add_column("", no_wrap=True)
    for name, results in trips.items():
        checks = [check for result in results for check in result.verdict.checks]
        equal = [
            ", ".join(str(sum(map(partial(_passed, gate=f"{format} {way}"), results))) for way in (READ, WRITTEN))
            for format in formats
        ]
        statuses = Counter(result.status for result in results)
        remarks = ", ".join(f"{n} {_WORDS[s]}" for s, n in statuses.items() if s in _WORDS)
        worst = max((check.figure for check in checks if check.passed), default=0.0)
        drawn.add_row(
            name,
            str(len(results)),
            *equal,
            f"{worst:.0e}",
            f"{sum(result.seconds for result in results):.1f} s",
            remarks or "equal",
            style="red" if statuses["different"] + statuses["error"] else None,
        )
    return drawn


def _passed(result: Result, gate: str) -> bool:
    checks = [check.passed for check in result.verdict.checks if check.gate == gate]
    return bool(checks) and all(checks)


def console() -> Console:
    """Return the console for tables, wide enough for them where there is no terminal to ask."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def _worst(results: list[Result], gate: str) -> float:
    figures = [c.figure for r in results for c in r.verdict.checks if c.gate == gate and c.passed]
    return max(figures, default=0.0)


def summary(run: Run) -> str:
    """Return the run in one line, countable, such as "612 cases: 611 equal, 1 differs"."""
    statuses = Counter(result.status for result in run.results)
    parts = [f"{statuses['equal']} equal"]
    parts += [f"{statuses[status]} {word}" for status, word in _WORDS.items() if statuses[status]]
    if run.stale:
        parts.append(f"{len(run.stale)} rows of the deviations table are not exact")
    names = sorted({name_of(r.case) for r in run.results if r.status in ("different", "error")})
    if {run.reference, run.implementation} <= {"keras", "keras-torch", "keras-jax"} and names:
        parts.append("Keras's own backends disagree where they differ")
    shown = f" ({', '.join(names[:8])}{', ...' if len(names) > 8 else ''})" if names else ""
    return f"{len(run.results)} cases: {', '.join(parts)}{shown}, {run.seconds:.0f} s"


def failure(short: str, result: Result, command: str) -> str:
    """Describe a case that is not equal: what differs, by how much, where, and the command that shows it alone."""
    lines = [f"{short}  {result.case.id}"]
    if result.case.why:
        lines.append(f"  guards: {result.case.why}")
    if result.verdict.lacks or result.verdict.error:
        lines.append(f"  {result.verdict.lacks or result.verdict.error}")
    failures = result.uncovered
    lines += [f"  {check}" for check in failures[:4]]
    if len(failures) > 4:
        lines.append(f"  and {len(failures) - 4} more")
    lines.append(f"  repeat: {command}")
    return "\n".join(lines)


def full(short: str, result: Result, environments: dict[str, dict[str, str]], console: Console) -> None:
    """Print one case in full: config, shapes, environments, every check's figures, worst element and both values."""
    case = result.case
    console.print(f"{short}: {result.status}", style="bold")
    console.print(case.id, markup=False)
    if case.why:
        console.print(f"guards: {case.why}", markup=False)
    for role, environment in environments.items():
        console.print(f"{role}: " + ", ".join(f"{k}={v}" for k, v in environment.items()), markup=False, soft_wrap=True)
    for problem in (result.verdict.error, result.verdict.lacks):
        if problem:
            console.print(problem, markup=False)
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("gate", "value", "", "error", "allowed", "times own", "worst at", "reference", "implementation"):
        drawn.add_column(head)
    for check in result.verdict.checks:
        numbers = check.allowed > 0
        drawn.add_row(
            check.gate,
            check.what,
            "ok" if check.passed else "DIFFERS",
            f"{check.error:.3g}" if numbers else check.note,
            f"{check.allowed:.3g}" if numbers else "",
            f"{check.figure:.2g}" if check.gate.startswith("accuracy") else "",
            str(list(check.index)) if numbers else "",
            f"{check.expected!r}" if numbers else "",
            f"{check.actual!r}" if numbers else "",
            style=None if check.passed else "red",
        )
    console.print(drawn)


def to_json(run: Run) -> dict[str, Any]:
    """Return the whole run as plain values."""
    return {
        "reference": run.reference,
        "implementation": run.implementation,
        "device": run.device,
        "environments": run.environments,
        "summary": summary(run),
        "passed": run.passed,
        "seconds": run.seconds,
        "stale_deviations": [vars(deviation) for deviation in run.stale],
        "cases": [
            {
                "name": name_of(result.case),
                "id": result.case.id,
                "dtype": result.case.dtype,
                "why": result.case.why,
                "status": result.status,
                "seconds": result.seconds,
                "error": result.verdict.error,
                "lacks": result.verdict.lacks,
                "version": result.version.reason if result.version else None,
                "deviations": [deviation.reason for deviation in result.deviations],
                "checks": [vars(check) for check in result.verdict.checks],
            }
            for result in run.results
        ],
    }


def write_json(run: Run, path: Path) -> None:
    """Write the whole run as JSON."""
    path.write_text(json.dumps(to_json(run), indent=1, default=str) + "\n")


def write_junit(run: Run, path: Path) -> None:
    """Write the run as JUnit XML, one test case per case."""
    counts = Counter(result.status for result in run.results)
    suite = ElementTree.Element(
        "testsuite",
        name=f"parity {run.reference} {run.implementation} {run.device}",
        tests=str(len(run.results)),
        failures=str(counts["different"]),
        errors=str(counts["error"]),
        skipped=str(counts["lacks"]),
        time=f"{run.seconds:.3f}",
    )
    for result in run.results:
        node = ElementTree.SubElement(
            suite, "testcase", classname=name_of(result.case), name=result.case.id, time=f"{result.seconds:.3f}"
        )
        if result.status == "different":
            text = "\n".join(map(str, result.uncovered))
            ElementTree.SubElement(node, "failure", message=text.splitlines()[0]).text = text
        elif result.status == "error":
            ElementTree.SubElement(node, "error", message=result.verdict.error or "")
        elif result.status == "lacks":
            ElementTree.SubElement(node, "skipped", message=result.verdict.lacks or "")
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
