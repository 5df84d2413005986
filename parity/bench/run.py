"""What `parity bench` does: choose rows, time them, say how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from parity.bench.files import FilesBench, bench_files
from parity.bench.measure import Bench, Measured, bench, cores, count, load
from parity.bench.rows import MODES, select_rows
from torch_layers.registry import nearest


def command(
    patterns: Sequence[str], modes: Sequence[str], threads: int | None, rounds: int, progress: Console
) -> Bench:
    """Time the rows that match, in the given modes (all for none), with progress on a console.

    Raises: ValueError for a pattern or a mode that is unknown; MissingSide if a framework is missing.
    """
    for mode in modes:
        if mode not in MODES:
            raise ValueError(f"mode {mode!r} is not one of {', '.join(MODES)}{nearest(mode, list(MODES))}")
    rows, modes = select_rows(patterns), [mode for mode in MODES if mode in (modes or MODES)]
    busy = load()
    if (threads or cores()) > 1 and busy > 1:
        # Threads that wait for one that has no core spin, for a hundred times the time of the kernel.
        advice = (
            f"other work loads this machine of {cores()} cores by {busy:.1f}: times of several threads will mean little"
        )
        progress.print(
            f"parity: {advice}; --threads 1 is less disturbed", markup=False, highlight=False, soft_wrap=True
        )
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=progress, transient=True, disable=not progress.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("starting Keras on torch and on TensorFlow", total=count(rows, modes))

        def on_measured(measured: Measured) -> None:
            bar.update(task, advance=1, description=measured.row.label)
            if measured.error is not None:
                text = f"{measured.row.label}, {measured.size} size, {measured.mode}: {measured.error}"
                bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

        return bench(rows, modes, threads, rounds, on_measured)


def files_command(megabytes: float, rounds: int, progress: Console) -> FilesBench:
    """Time the files that Keras writes of a model of so many megabytes, and say on a console how far it is.

    Raises: MissingSide if Keras can't run here; Failed if the two compute something else.
    """
    with progress.status("starting") as status:
        return bench_files(megabytes, rounds, lambda what: status.update(escape(what)))
