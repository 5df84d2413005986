"""Comparisons of whole models as tables and sentences."""

from __future__ import annotations

from rich.table import Table

from parity.whole.applications import Application
from parity.whole.compare import Whole


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


APPLICATION_HEADS = (
    ("", "parameters", "layers", "worst layer", "float64", "float32", "training", "ours", "TensorFlow", "ratio", "")
)  # fmt: skip


def application_row(found: Application) -> list[str]:
    """Return one application's line: parameters, worst errors, milliseconds of a forward pass, ratio, result."""
    whole = found.whole
    verdict, step = whole.verdicts["eval"], whole.verdicts.get("training")
    return [
        whole.name,
        f"{whole.parameters:,}",
        str(len(whole.steps)),
        f"{max(step.own for step in whole.steps):.0e}",
        f"{verdict.worst('semantics'):.0e}",
        f"{verdict.worst('accuracy'):.1f}x",
        "" if step is None else f"{max(step.worst('semantics'), step.worst('semantics of gradients')):.0e}",
        f"{found.ours * 1e3:.0f} ms",
        f"{found.keras * 1e3:.0f} ms",
        f"{found.ours / found.keras:.2f}",
        "equal" if whole.equal else "different",
    ]
