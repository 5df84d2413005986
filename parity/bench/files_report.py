"""A bench of files becomes a table and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from parity.bench.files import FROM_DISK, GOAL_MEMORY, GOAL_TIME, KERAS, OURS, READING, FilesBench, FileTimes


def show(bench: FilesBench, console: Console) -> None:
    """Print a line per file, what it was measured on, and a sentence per file with the goals."""
    console.print(table(bench))
    console.print()
    for line in (environment(bench), *sentences(bench)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def table(bench: FilesBench) -> Table:
    """Draw one line per file and contestant: seconds to the first output, of each step, and the peaks of memory."""
    title = "a cold process to its first output: median seconds, memory beyond the imports in sizes of the weights"
    drawn = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    heads = ("seconds", "imports", "load", "of it CPU", "output", "memory: load", "output", f"/ {KERAS}")
    for head in ("file", "by", *heads):
        drawn.add_column(head, justify="left" if head in ("file", "by") else "right", no_wrap=True)
    for found in bench.measured:
        for name in (OURS, KERAS):
            steps = [f"{found.step(name, number):.2f}" for number in range(3)]
            steps.insert(2, f"{found.busy(name):.2f}")
            memory = [f"{found.memory(name, number):.2f}" for number in (1, 2)]
            ratio = found.ratio
            shown = f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})" if name == OURS else ""
            file = f"{found.ending}, {found.size / 1e6:.0f} MB" if name == OURS else ""
            drawn.add_row(file, name, f"{median(found.seconds(name)):.2f}", *steps, *memory, shown)
        for name in (READING, *FROM_DISK):
            if name in found.samples:
                drawn.add_row("", name, "", "", f"{found.step(name, 1):.2f}", f"{found.busy(name):.2f}")
    return drawn


def environment(bench: FilesBench) -> str:
    """Return in one line what the times were taken on."""
    of = bench.environment
    versions = f"torch_layers {of['torch_layers']}, torch {of['torch']}, keras {of['keras']}, python {of['python']}"
    return f"{versions}, {of['processor']}, {of['cores']} cores, load {of['load before']}"


def sentences(bench: FilesBench) -> Iterator[str]:
    """Say of each file how far it is from the goals, then count."""
    for found in bench.measured:
        time, memory = found.ratio.median, found.memory(OURS, 1)
        yield f"{found.ending}: {time:.2f} of Keras's time, aimed at {GOAL_TIME}: {_verdict(time <= GOAL_TIME)}"
        met = _verdict(memory <= GOAL_MEMORY)
        yield f"{found.ending}: loading takes {memory:.2f} times the weights' memory, aimed at {GOAL_MEMORY}: {met}"
    rounds = len(bench.measured[0].samples[OURS])
    count = len(bench.measured)
    yield f"{count} file{'s' * (count != 1)}: {rounds} rounds each, {bench.seconds:.0f} s"


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"


def to_json(bench: FilesBench) -> dict[str, Any]:
    """Return the whole bench as plain values."""
    return {
        "environment": bench.environment,
        "seconds": bench.seconds,
        "summary": list(sentences(bench)),
        "files": [_file(found) for found in bench.measured],
    }


def _file(found: FileTimes) -> dict[str, Any]:
    return {
        "file": found.ending,
        "bytes": found.size,
        "weights": found.weights,
        "ratio": vars(found.ratio),
        "memory_to_load": {name: found.memory(name, 1) for name in (OURS, KERAS)},
        "samples": {name: [asdict(sample) for sample in samples] for name, samples in found.samples.items()},
    }


def write_json(bench: FilesBench, path: Path) -> None:
    """Write the whole bench as JSON."""
    path.write_text(json.dumps(to_json(bench), indent=1) + "\n")
