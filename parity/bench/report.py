"""A bench becomes tables and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from parity.bench.measure import AT, BY_HAND, KERAS_TF, KERAS_TORCH, OPTIMIZED, OURS, Bench, Measured, Ratio
from parity.bench.rows import SIZES

TITLES = {"forward": "forward", "training": "forward and backward"}
MEANS = (
    (OURS, BY_HAND, "working"),
    (OURS, BY_HAND, "small"),
    (OURS, KERAS_TORCH, "working"),
    (OURS, KERAS_TF, "working"),
    (BY_HAND, KERAS_TORCH, "working"),
    (BY_HAND, KERAS_TF, "working"),
    (OURS, KERAS_TORCH, "model"),
    (OURS, KERAS_TF, "model"),
    (OPTIMIZED, KERAS_TORCH, "model"),
    (OPTIMIZED, KERAS_TF, "model"),
)
WHERE = {"working": "", "small": ", (1, 32)", "model": ", whole models"}


def modes_of(bench: Bench) -> list[str]:
    """Return the modes that were measured, in order."""
    return list(dict.fromkeys(m.mode for m in bench.measured))


def show(bench: Bench, console: Console) -> None:
    """Print everything: a table per mode, one of whole models, the means, what it was measured on, a countable line."""
    for drawn in (*(table(bench, mode) for mode in modes_of(bench)), models(bench), means(bench)):
        if drawn.row_count:
            console.print(drawn)
            console.print()
    for line in (environment(bench), summary(bench)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def table(bench: Bench, mode: str) -> Table:
    """Draw one line per row: torch_layers' time, and its ratios to the others with their quartiles."""
    drawn = Table(box=None, header_style="bold", pad_edge=False, title=TITLES[mode], title_justify="left")
    drawn.add_column("", no_wrap=True)
    heads = ("ms, min / median", *(f"/ {name}" for name in AT["working"][1:]), "(1, 32): us", f"/ {BY_HAND}")
    for head in heads:
        drawn.add_column(head, justify="right", no_wrap=True)
    by_size = {size: [m for m in bench.measured if (m.mode, m.size) == (mode, size)] for size in SIZES}
    for working, small in zip(*by_size.values(), strict=True):
        cells = [*_cells(working, 1e3), *_cells(small, 1e6)]
        drawn.add_row(working.row.label, *cells, style="red" if working.error or small.error else None)
    return drawn


def models(bench: Bench) -> Table:
    """Draw one line per whole model: its time as converted and as optimized, and the ratios of both to Keras."""
    drawn = Table(box=None, header_style="bold", pad_edge=False, title="whole models, inference", title_justify="left")
    drawn.add_column("", no_wrap=True)
    pairs = [(one, other) for one in (OURS, OPTIMIZED) for other in (KERAS_TORCH, KERAS_TF)]
    for head in (f"{OURS}: ms", f"{OPTIMIZED}: ms", *(f"{one} / {other}" for one, other in pairs)):
        drawn.add_column(head, justify="right", no_wrap=True)
    for found in [m for m in bench.measured if m.size == "model"]:
        if found.error is not None:
            drawn.add_row(found.row.label, "error", style="red")
            continue
        times = (f"{1e3 * median(found.seconds[name]):.0f}" for name in (OURS, OPTIMIZED))
        drawn.add_row(found.row.label, *times, *(_ratio(found.ratio(*pair)) for pair in pairs))
    return drawn


def _cells(measured: Measured, unit: float) -> Iterator[str]:
    others = AT[measured.size][1:]
    if measured.error is not None:
        yield from ("error", *[""] * len(others))
        return
    times = [seconds * unit for seconds in measured.seconds[OURS]]
    yield f"{min(times):.3g} / {median(times):.3g}"
    yield from (_ratio(measured.ratio(OURS, other)) for other in others)


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def means(bench: Bench) -> Table:
    """Draw the geometric means over the rows: one line per pair."""
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    drawn.add_column("geometric means", no_wrap=True)
    for mode in modes_of(bench):
        drawn.add_column(TITLES[mode], justify="right", no_wrap=True)
    for one, other, size in MEANS:
        found = [bench.mean(one, other, mode, size) for mode in modes_of(bench)]
        if any(mean is not None for mean in found):
            drawn.add_row(f"{one} / {other}{WHERE[size]}", *("" if mean is None else f"{mean:.2f}" for mean in found))
    return drawn


def environment(bench: Bench) -> str:
    """Return in one line what the times were taken on."""
    of = bench.environment
    threads = "/".join(dict.fromkeys(of[name]["threads"] for name in ("torch", KERAS_TORCH, KERAS_TF)))
    versions = [
        f"torch {of['torch']['torch']}",
        f"torch_layers {of['torch']['torch_layers']}",
        of[KERAS_TF]["framework"],
        f"tensorflow {of[KERAS_TF]['tensorflow']}",
        f"python {of['machine']['python']}",
    ]
    device = f"cpu ({of['machine']['processor']}, {of['machine']['cores']} cores, load {of['machine']['load before']})"
    return ", ".join([*versions, f"threads {threads}", f"device {device}"])


def summary(bench: Bench) -> str:
    """Return the bench in one countable line."""
    rows = len({m.row.label for m in bench.measured})
    failed = sorted({m.row.label for m in bench.failed})
    shown = f" ({', '.join(failed[:8])}{', ...' if len(failed) > 8 else ''})" if failed else ""
    return f"{rows} rows: {rows - len(failed)} timed, {len(failed)} could not be{shown}, {bench.seconds:.0f} s"


def to_json(bench: Bench) -> dict[str, Any]:
    """Return the whole bench as plain values: seconds per call in each round, ratios, means, environment."""
    return {
        "environment": bench.environment,
        "seconds": bench.seconds,
        "summary": summary(bench),
        "geometric_means": [
            {"of": one, "to": other, "size": size, "mode": mode, "ratio": bench.mean(one, other, mode, size)}
            for one, other, size in MEANS
            for mode in modes_of(bench)
        ],
        "rows": [
            {
                "row": m.row.label,
                "case": m.row.at(m.size).id,
                "size": m.size,
                "mode": m.mode,
                "error": m.error,
                "seconds_per_call": m.seconds,
                "ratios": {other: vars(m.ratio(OURS, other)) for other in m.seconds if other != OURS},
            }
            for m in bench.measured
        ],
    }


def write_json(bench: Bench, path: Path) -> None:
    """Write the whole bench as JSON."""
    path.write_text(json.dumps(to_json(bench), indent=1) + "\n")
