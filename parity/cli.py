"""The `parity` command. Exit 0: all that was asked for ran and is equal; 1: a difference; 2: it could not be asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from parity import report
from parity.cases import in_any_dtype, name_of, numbered, select
from parity.deviations import IMPLEMENTATION, REFERENCE
from parity.run import Result, run
from parity.sides import MissingSide, check_name

DIFFERENT, NOT_ASKED = 1, 2

app = typer.Typer(
    help="Prove that torch_layers computes what Keras computes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Names = Annotated[list[str] | None, typer.Argument(help="Names or patterns, such as Dense, 'losses.*' or Dense#3.")]
Dtypes = Annotated[list[str] | None, typer.Option("--dtype", help="Only cases of this dtype; may be repeated.")]
Reference = Annotated[str, typer.Option(help="The side that plays the reference.")]
Implementation = Annotated[str, typer.Option(help="The side that is judged, or package.module:attribute.")]
Device = Annotated[str, typer.Option(help="Where the implementation computes: cpu, cuda, cuda:N or auto.")]


def _fail(error: Exception) -> typer.Exit:
    Console(stderr=True).print(f"parity: {error}", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(NOT_ASKED)


def _repeat(short: str, reference: str, implementation: str, device: str) -> str:
    options = [("--reference", reference, REFERENCE), ("--implementation", implementation, IMPLEMENTATION)]
    options.append(("--device", device, "cpu"))
    return " ".join([f"parity show '{short}'", *(f"{o} {given}" for o, given, usual in options if given != usual)])


@app.command("run")
def run_command(
    names: Names = None,
    device: Device = "cpu",
    dtype: Dtypes = None,
    reference: Reference = REFERENCE,
    implementation: Implementation = IMPLEMENTATION,
    jobs: Annotated[int, typer.Option(min=1, help="Pairs of processes at work.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the whole run to this file.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first difference.")] = False,
    semantics: Annotated[
        bool, typer.Option("--semantics", help="Ask what is computed, in float64, not how it rounds: half the work.")
    ] = False,
) -> None:
    """Compare an implementation with a reference, case by case, and say how far apart they are."""
    console, progress_console = report.console(), Console(stderr=True)
    try:
        for side in (reference, implementation):
            check_name(side)
        cases = select(names or [], dtype or [])
        if semantics:
            cases = in_any_dtype(cases)
        short = {(case.kind, case.id): name for name, case in cases.items()}
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=progress_console, transient=True, disable=not progress_console.is_terminal,
        ) as bar:  # fmt: skip
            task = bar.add_task(f"starting {reference} and {implementation}", total=len(cases))

            def on_result(result: Result) -> None:
                bar.update(task, advance=1, description=name_of(result.case))
                if result.status in ("different", "error"):
                    name = short[result.case.kind, result.case.id]
                    text = report.failure(name, result, _repeat(name, reference, implementation, device))
                    bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

            done = run(
                list(cases.values()),
                reference=reference,
                implementation=implementation,
                device=device,
                jobs=jobs,
                fail_fast=fail_fast,
                semantics=semantics,
                whole=not names and not dtype,
                on_result=on_result,
            )
    except (ValueError, MissingSide) as error:
        raise _fail(error) from error
    for table in (report.table(done), report.trips_table(done)):
        if table is not None and table.row_count:
            console.print(table)
    for deviation in done.stale:
        console.print(f"stale deviation: {deviation}", markup=False, soft_wrap=True)
    lacking = {r.verdict.lacks for r in done.results if r.verdict.lacks}
    for reason in sorted(lacking):
        console.print(f"not there: {reason}", markup=False, highlight=False, soft_wrap=True)
    for write, path in ((report.write_json, json), (report.write_junit, junit)):
        if path is not None:
            write(done, path)
    console.print(report.summary(done), markup=False, highlight=False, soft_wrap=True)
    sys.exit(0 if done.passed else DIFFERENT)


@app.command("list")
def list_command(names: Names = None, dtype: Dtypes = None) -> None:
    """List cases: short name, content, and what each guards."""
    try:
        cases = select(names or [], dtype or [])
    except ValueError as error:
        raise _fail(error) from error
    for short, case in cases.items():
        typer.echo(f"{short}\t{case.id}" + (f"\t{case.why}" if case.why else ""))
    typer.echo(f"{len(cases)} cases of {len({name_of(case) for case in cases.values()})} names")


@app.command()
def show(
    case: Annotated[str, typer.Argument(help="A short name such as 'Dense#3', or an id.")],
    device: Device = "cpu",
    reference: Reference = REFERENCE,
    implementation: Implementation = IMPLEMENTATION,
) -> None:
    """Show one case in full: config, shapes, every gate's figures, the worst element, both values."""
    try:
        chosen = {s: c for s, c in numbered().items() if case in (s, c.id)}
        if not chosen:
            chosen = select([case])
        done = run(list(chosen.values()), reference=reference, implementation=implementation, device=device)
    except (ValueError, MissingSide) as error:
        raise _fail(error) from error
    for short, result in zip(chosen, done.results, strict=True):
        report.full(short, result, done.environments, report.console())
    sys.exit(0 if done.passed else DIFFERENT)


@app.command()
def coverage(reference: Reference = REFERENCE) -> None:
    """List classes, functions and constructor arguments of the installed Keras that no case touches."""
    from parity.coverage import KINDS, complete, summary
    from parity.coverage import coverage as measure
    from parity.sides.keras_package import load

    try:
        keras = load("tf_keras" if reference == "tf-keras" else "keras", "tensorflow")
    except MissingSide as error:
        raise _fail(error) from error
    table = measure(keras)
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("kind", "in Keras", "built", "with cases", "arguments", "set by cases"):
        drawn.add_column(head, justify="left" if head == "kind" else "right")
    for kind in KINDS:
        of_kind = [thing for thing in table if thing.kind == kind]
        built = [thing for thing in of_kind if thing.built]
        numbers = (len(of_kind), len(built), sum(bool(t.cases) for t in built))
        arguments = (sum(len(t.arguments) for t in built), sum(len(t.touched) for t in built))
        drawn.add_row(kind, *map(str, numbers + arguments))
    report.console().print(drawn)
    for line in summary(table):
        typer.echo(line)
    sys.exit(0 if complete(table) else DIFFERENT)


@app.command("bench")
def bench_command(
    rows: Annotated[list[str] | None, typer.Argument(help="Names or patterns, such as Dense or 'Cat*'.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all times to this file.")] = None,
    mode: Annotated[list[str] | None, typer.Option(help="Only forward, or training; may be repeated.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each; all cores if not given.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is timed.")] = 9,
    size: Annotated[float, typer.Option(min=1, help="Of 'bench files': megabytes of weights.")] = 100,
) -> None:
    """Time torch_layers beside the same work by hand in torch, and beside Keras on torch and on TensorFlow.

    `parity bench files` times a .keras and an .h5 file instead: a cold process, imports included, to its first output.
    """
    from parity import bench

    try:
        if rows == ["files"]:
            if mode or threads:
                raise ValueError("'bench files' takes neither --mode nor --threads")
            files = bench.files_command(size, rounds, Console(stderr=True))
            bench.files_report.show(files, Console(width=None if sys.stdout.isatty() else 200))
            if json is not None:
                bench.files_report.write_json(files, json)
            return
        done = bench.command(rows or [], mode or [], threads, rounds, Console(stderr=True))
    except (ValueError, MissingSide, bench.Failed) as error:
        raise _fail(error) from error
    bench.show(done, Console(width=None if sys.stdout.isatty() else 200))
    if json is not None:
        bench.write_json(done, json)
    sys.exit(DIFFERENT if done.failed else 0)


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="A Keras file: .keras, .h5, .hdf5.")] = None,
    keras: Annotated[str | None, typer.Option(help="Or package.module:callable that returns a Keras model.")] = None,
    torch: Annotated[str | None, typer.Option(help="The same of your own module; without it, from_keras's.")] = None,
    weights: Annotated[str | None, typer.Option(help="Of --keras: random, or own, that the callable gave.")] = None,
    inputs: Annotated[Path | None, typer.Option(help="Of a file: an .npz of arrays; else they are drawn.")] = None,
    reference: Annotated[str | None, typer.Option(help="Of a file: keras or tf-keras alone; else both.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the errors along the layers to this PNG or SVG.")] = None,
) -> None:
    """Compare a file, or a model that is made, layer by layer on the same input, and name the first layer that departs.

    Keras itself runs on the file, in a process of its own: that is for files that you trust.
    """
    from parity.whole import plot as plots

    try:
        if (file is None) == (keras is None):
            raise ValueError("verify takes a FILE or --keras package.module:callable, one of the two")
        foreign = {"--torch": torch, "--weights": weights} if file else {"--inputs": inputs, "--reference": reference}
        for option, value in foreign.items():
            if value is not None:
                raise ValueError(f"{option} is not for {'a file' if file else '--keras'}")
        if plot is not None:
            plots.check(plot)
        code = _verify_file(file, inputs, reference, plot) if file else _verify_model(str(keras), torch, weights, plot)
    except (ValueError, OSError, NotImplementedError, MissingSide) as error:
        raise _fail(error) from error
    sys.exit(code)


def _verify_model(keras: str, torch: str | None, weights: str | None, plot: Path | None) -> int:
    from parity.whole import plot as plots
    from parity.whole import report as whole_report
    from parity.whole.verify import verify as compare

    with Console(stderr=True).status(f"comparing {keras}"):
        whole = compare(keras, torch, weights or "random")
    if plot is not None:
        plots.plot(whole, plot)
    console = report.console()
    console.print(whole_report.steps_table(whole))
    for line in whole_report.sentences(whole):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0 if whole.equal else DIFFERENT


def _verify_file(file: Path, inputs: Path | None, reference: str | None, plot: Path | None) -> int:
    from parity.whole import plot as plots
    from parity.whole import report as whole_report
    from parity.whole.files import verify_file

    with Console(stderr=True).status(f"reading {file} in torch_layers and Keras"):
        found = verify_file(file, inputs, reference)
    console, shown = report.console(), found.shown
    if shown is not None:
        console.print(whole_report.steps_table(shown))
        if plot is not None:
            plots.plot(shown, plot)
    for line in whole_report.file_sentences(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return found.exit_code


@app.command()
def applications(
    names: Annotated[list[str] | None, typer.Argument(help="Names in keras.applications; all if not given.")] = None,
    train: Annotated[
        bool | None, typer.Option("--train/--no-train", help="A training step of each, or of none; else of six.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each framework.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write what was found to this file, anew with each model.")] = None,
) -> None:
    """Compare all models of keras.applications, random weights everywhere, with what from_keras makes of them."""
    from parity.whole import applications as apps
    from parity.whole import report as whole_report

    done: list[apps.Application] = []
    try:
        chosen = apps.names(names or [])
        typer.echo(whole_report.application_heads())
        results = apps.compare_all(chosen, train, threads)
        for number, name in enumerate(chosen, 1):
            with Console(stderr=True).status(f"{name}, {number} of {len(chosen)}"):
                done.append(next(results))
            for line in (whole_report.application_line(done[-1]), *whole_report.application_sentences(done[-1])):
                typer.echo(line)
            sys.stdout.flush()
            if json is not None:
                whole_report.write_applications(done, threads, json)
    except (ValueError, MissingSide) as error:
        raise _fail(error) from error
    typer.echo(whole_report.application_summary(done))
    sys.exit(0 if all(found.status == "equal" for found in done) else DIFFERENT)
