"""Comparisons of whole models as tables and sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from parity.whole.applications import Application
from parity.whole.compare import Whole
from parity.whole.files import STATUSES, FileReport, Reading
from parity.whole.keras_errors import KerasError


def steps_table(whole: Whole) -> Table:
    """Draw a line per call of a layer: its own error, and the error in the model so far."""
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("layer", "class"):
        drawn.add_column(head, no_wrap=True)
    for head in ("output", "own error", "in the model"):
        drawn.add_column(head, justify="right", no_wrap=True)
    drawn.add_column("")
    for step in whole.steps:
        running = "" if step.running is None else f"{step.running:.1e}"
        shape = "x".join(map(str, step.shape))
        drawn.add_row(step.path, step.cls, shape, f"{step.own:.1e}", running, "departs" if step.departs else "")
    return drawn


def sentences(whole: Whole) -> list[str]:
    """Say what was found, the result last."""
    lines = []
    first = whole.first
    if first is not None:
        others = sum(step.departs for step in whole.steps) - 1
        lines.append(
            f"first departure: {first.path} ({first.cls}): off by {first.own:.1e} of the largest value when given the "
            f"same input, allowed {first.allowed:.0e}" + (f"; {others} more depart by themselves" if others else "")
        )
        before = [step.running for step in whole.steps[: whole.steps.index(first)] if step.running is not None]
        after = [step.running for step in whole.steps[whole.steps.index(first) :] if step.running is not None]
        if after:
            grown = f"{max(before, default=0.0):.1e} before it, {after[0]:.1e} at it, {after[-1]:.1e} at the end"
            lines.append(f"error in the model: {grown}")
    if whole.gap is not None:
        earlier, step = whole.gap
        start = f"after {earlier.path}" if earlier is not None else "at the input"
        lines.append(
            f"first departure: {start}, before {step.path} ({step.cls}), whose input is wrong while the layer is right: "
            f"the error in the model jumps from {(earlier and earlier.running) or 0.0:.1e} to {step.running:.1e} there"
        )
    for mode, verdict in whole.verdicts.items():
        if verdict.error:
            lines.append(f"{mode}: {verdict.error}")
        lines += [f"{mode}: {check}" for check in verdict.failures[:3]]
    figures = ", ".join(
        f"{mode} float64 {max(v.worst('semantics'), v.worst('semantics of gradients')):.1e}, "
        f"float32 {max(v.worst('accuracy'), v.worst('accuracy of gradients')):.1f} times Keras's own error"
        for mode, v in whole.verdicts.items()
    )
    result = "equal" if whole.equal else "different"
    lines.append(
        f"{whole.name}: {len(whole.steps)} calls of layers, {whole.parameters:,} parameters, {figures}: {result} "
        f"({whole.seconds:.1f} s)"
    )
    return lines


def file_sentences(found: FileReport) -> list[str]:
    """Say what torch_layers and each Keras make of a file, where a Keras is believed wrong and why; the result last."""
    lines = [f"{found.path}: a file of {found.age}"]
    if found.refusal is not None:
        lines.append(f"torch_layers refuses it: {found.refusal}")
    for reading in found.readings:
        if reading.missing is not None:
            lines.append(f"{reading.side} is not there: {reading.missing}")
        elif reading.refusal is not None:
            lines.append(f"{reading.framework} refuses it: {reading.refusal}")
        elif reading.failure is not None:
            lines.append(f"{reading.framework} reads it, but the comparison failed: {reading.failure}")
        elif reading.whole is None:
            lines.append(f"{reading.framework} reads it")
        else:
            lines += sentences(reading.whole)
            lines += _beliefs(reading)
    lines.append(f"{found.path.name}: {_result(found)}")
    return lines


def _beliefs(reading: Reading) -> list[str]:
    """Say at which layers a Keras is believed wrong, a line for each reason."""
    reasons: dict[KerasError, list[str]] = {}
    for step, error in reading.errors:
        reasons.setdefault(error, []).append(step.path)
    lines = []
    for error, paths in reasons.items():
        named = ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
        lines.append(f"{reading.framework} is believed wrong at {named}: {error.why} ({error.evidence})")
    return lines


def _result(found: FileReport) -> str:
    of = {status: [r.framework for r in found.readings if r.status == status] for status in STATUSES}
    if found.exit_code == 2:
        return "no Keras here reads it, so nothing was compared"
    if of["reads"]:
        return f"read by {', '.join(of['reads'])}, not by torch_layers: different"
    parts = [f"equal to {', '.join(of['equal'])}"] if of["equal"] else []
    parts += [f"different from {', '.join(of['different'])}"] if of["different"] else []
    parts += [f"different from {', '.join(of['keras wrong'])}, which is believed wrong"] if of["keras wrong"] else []
    return "; ".join(parts)


# What a line of an application says, and how wide: the lines are printed as they come, so no table can find it out.
APPLICATION_COLUMNS = {
    "application": 18,
    "parameters": 11,
    "layers": 6,
    "worst layer": 11,
    "float64": 7,
    "float32": 7,
    "training": 8,
    "ours": 8,
    "TensorFlow": 10,
    "ratio": 5,
    "memory": 7,
    "": 0,
}


def application_heads() -> str:
    """Return the line above those of the applications."""
    return _aligned(list(APPLICATION_COLUMNS))


def application_line(found: Application) -> str:
    """Return one application's line: parameters, worst errors, milliseconds of a forward pass, ratio, memory, result.

    Errors are relative in float64, and in float32 multiples of Keras's own (0 for less than some ulps).
    """
    if found.whole is None:
        return _aligned([found.name, *[""] * (len(APPLICATION_COLUMNS) - 3), _gigabytes(found), "error"])
    whole, figures = found.whole, application_figures(found)
    training = figures["training"]
    cells = [
        found.name,
        f"{whole.parameters:,}",
        str(len(whole.steps)),
        f"{figures['worst_layer']:.0e}",
        f"{figures['float64']:.0e}",
        f"{figures['float32']:.1f}x",
        "" if training is None else f"{training['float64']:.0e}",
        f"{found.ours * 1e3:.1f} ms",
        f"{found.keras * 1e3:.1f} ms",
        f"{found.ours / found.keras:.2f}",
        _gigabytes(found),
        found.status,
    ]
    return _aligned(cells)


def application_sentences(found: Application) -> list[str]:
    """Say what is wrong with an application; nothing if it is equal."""
    if found.whole is None:
        return [f"{found.name}: {found.error}"]
    return [] if found.whole.equal else sentences(found.whole)


def application_summary(done: Sequence[Application]) -> str:
    """Count the applications by what came of them, in one line."""
    parts = [f"{sum(found.status == 'equal' for found in done)} equal"]
    for status, text in (("different", "different"), ("error", "not compared")):
        if chosen := [found.name for found in done if found.status == status]:
            parts.append(f"{len(chosen)} {text} ({', '.join(chosen)})")
    if timed := [found.ours / found.keras for found in done if found.keras]:
        parts.append(f"forward {math.exp(sum(map(math.log, timed)) / len(timed)):.2f} of TensorFlow's graph")
    return f"{len(done)} applications: {', '.join(parts)}, {sum(found.seconds for found in done):.0f} s"


def application_figures(found: Application) -> dict[str, Any]:
    """Return the figures of an application that was compared, as plain values."""
    whole = found.whole
    assert whole is not None
    of = {
        mode: {
            "float64": max(verdict.worst("semantics"), verdict.worst("semantics of gradients")),
            "float32": max(verdict.worst("accuracy"), verdict.worst("accuracy of gradients")),
        }
        for mode, verdict in whole.verdicts.items()
    }
    return {
        "parameters": whole.parameters,
        "layers": len(whole.steps),
        "worst_layer": max(step.own for step in whole.steps),
        **of["eval"],
        "training": of.get("training"),
        "seconds of torch_layers": found.ours,
        "seconds of TensorFlow": found.keras,
        "ratio": found.ours / found.keras,
    }


def write_applications(done: Sequence[Application], threads: int, path: Path) -> None:
    """Write what came of the applications as JSON."""
    written = {
        "summary": application_summary(done),
        "passed": all(found.status == "equal" for found in done),
        "threads": threads,
        "applications": [
            {
                "name": found.name,
                "status": found.status,
                "error": found.error,
                **({} if found.whole is None else application_figures(found)),
                "bytes": found.memory,
                "seconds": found.seconds,
                "found": application_sentences(found),
            }
            for found in done
        ],
    }
    path.write_text(json.dumps(written, indent=1) + "\n")


def _gigabytes(found: Application) -> str:
    return f"{found.memory / 2**30:.1f} GB" if found.memory else ""


def _aligned(cells: Sequence[str]) -> str:
    first, *others = zip(cells, APPLICATION_COLUMNS.values(), strict=True)
    last = others.pop()[0]
    return "  ".join([f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in others), last]).rstrip()
