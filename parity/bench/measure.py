"""Takes the times: every contestant in turn, one block each, several rounds, after all have computed the same."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean, median, quantiles
from typing import Any

import numpy as np
import torch

from parity.bench.contestants import ByHand, Contestant, OfModule, OfTorchLayers, keep_memory
from parity.bench.process import BACKENDS, Failed, Remote
from parity.bench.rows import Row
from parity.sides.base import machine
from torch_layers.graph import optimize_for_inference

OURS, BY_HAND, KERAS_TORCH, KERAS_TF = "torch_layers", "hand-written", *BACKENDS
OPTIMIZED = "optimized"
# At (1, 32) all that counts is what surrounds the kernels: of interest beside torch alone.
AT = {
    "working": (OURS, BY_HAND, KERAS_TORCH, KERAS_TF),
    "small": (OURS, BY_HAND),
    "model": (OURS, OPTIMIZED, KERAS_TORCH, KERAS_TF),
}
SECONDS_PER_BLOCK = {"working": 0.025, "small": 0.01, "model": 0.5}
# After another process has worked, its threads spin on for a while.
SECONDS_TO_SETTLE = 0.002
# Relative, by norm: rounding passes, another computation doesn't. Around relu's kink a gradient is 0 or 1 by rounding.
ALLOWED = {"output": 1e-4, "gradient": 2e-2}


@dataclass(frozen=True)
class Ratio:
    """How many times as long one takes as another: the median over rounds and its quartiles."""

    median: float
    low: float
    high: float


def ratio_of(seconds: Sequence[float], others: Sequence[float]) -> Ratio:
    """Return by how much times of rounds are longer than those of another contestant in the same rounds."""
    ratios = [a / b for a, b in zip(seconds, others, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(median(ratios), low, high)


@dataclass
class Measured:
    """The times of one row at one size in one mode: each contestant's seconds per call in each round, or `error`."""

    row: Row
    size: str
    mode: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    error: str | None = None

    def ratio(self, one: str, other: str) -> Ratio:
        """Return by how much one takes longer than the other, compared within each round."""
        return ratio_of(self.seconds[one], self.seconds[other])


@dataclass
class Bench:
    """A whole bench: what was measured and on what."""

    measured: list[Measured]
    environment: dict[str, dict[str, str]]
    seconds: float

    @property
    def failed(self) -> list[Measured]:
        """What could not be timed."""
        return [m for m in self.measured if m.error is not None]

    def mean(self, one: str, other: str, mode: str, size: str = "working") -> float | None:
        """Return the geometric mean over rows of the median ratios; None if there are none."""
        ratios = [
            m.ratio(one, other).median for m in self.measured if (m.mode, m.size) == (mode, size) and m.error is None
        ]
        return geometric_mean(ratios) if ratios else None


def bench(
    rows: Sequence[Row],
    modes: Sequence[str],
    threads: int | None = None,
    rounds: int = 9,
    on_measured: Callable[[Measured], None] | None = None,
) -> Bench:
    """Time rows in modes, with so many threads (None: one per core) for every contestant.

    Raises: MissingSide if a framework is missing.
    """
    start, threads = time.perf_counter(), threads or cores()
    ours_before = torch.get_num_threads()
    remotes = {name: Remote(name, threads) for name in BACKENDS}
    load_before = load()
    for remote in remotes.values():
        remote.start()
    try:
        for remote in remotes.values():
            remote.wait()
        torch.set_num_threads(threads)
        keep_memory()
        ours = OfTorchLayers()
        layers: dict[str, Contestant | Remote] = {OURS: ours, BY_HAND: ByHand(ours), **remotes}
        measured = []
        for row, size, mode in _plan(rows, modes):
            if size == "model":
                measured.append(_measure_model(row, mode, remotes, rounds))
            else:
                measured.append(measure(row, size, mode, {name: layers[name] for name in AT[size]}, rounds))
            if on_measured is not None:
                on_measured(measured[-1])
        environment = {
            "machine": {
                **machine(),
                "processor": processor(),
                "cores": str(cores()),
                "load before": f"{load_before:.1f}",
            },
            "torch": ours.environment(),
            **{name: remote.environment for name, remote in remotes.items()},
        }
        return Bench(measured, environment, time.perf_counter() - start)
    finally:
        torch.set_num_threads(ours_before)
        for remote in remotes.values():
            remote.stop()


def _measure_model(row: Row, mode: str, remotes: Mapping[str, Remote], rounds: int) -> Measured:
    """Time a whole model of Keras's, as converted and as optimized, beside Keras."""
    try:
        module = remotes[KERAS_TF].converted(row)
    except Failed as error:
        return Measured(row, "model", mode, error=str(error))
    ours = {OURS: OfModule(module), OPTIMIZED: OfModule(optimize_for_inference(module))}
    return measure(row, "model", mode, {**ours, **remotes}, rounds)


def count(rows: Sequence[Row], modes: Sequence[str]) -> int:
    """Return how many measurements `bench` will make."""
    return len(list(_plan(rows, modes)))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Return how many processes wanted a core in the last minute; 0 where the system doesn't say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _plan(rows: Sequence[Row], modes: Sequence[str]) -> Iterator[tuple[Row, str, str]]:
    return ((row, size, mode) for row in rows for size in row.sizes for mode in modes if mode in row.modes)


def measure(row: Row, size: str, mode: str, contestants: Mapping[str, Contestant | Remote], rounds: int) -> Measured:
    """Time one row at one size in one mode, once all contestants have computed the same."""
    found = Measured(row, size, mode)
    right = BY_HAND if BY_HAND in contestants else KERAS_TF
    try:
        values = {name: _prepared(name, contestant, row, size, mode) for name, contestant in contestants.items()}
        for name in contestants:
            if not (row.random and mode == "training"):
                check_same(name, values[name], values[right], right)
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for index in range(rounds):
            for name in list(contestants)[:: 1 if index % 2 == 0 else -1]:
                time.sleep(SECONDS_TO_SETTLE)
                # Whatever else the machine does only ever adds to a sample.
                seconds[name].append(min(contestants[name].block(SECONDS_PER_BLOCK[size])))
    except Failed as error:
        found.error = str(error)
        return found
    found.seconds = seconds
    return found


def _prepared(name: str, contestant: Contestant | Remote, row: Row, size: str, mode: str) -> list[Any]:
    try:
        values: list[Any] = contestant.prepare(row, size, mode)
    except Failed:
        raise
    except Exception as error:  # whatever a framework raises for a row is what it says of it
        raise Failed(f"{name}: {type(error).__name__}: {error}") from error
    return values


def check_same(name: str, values: list[Any], expected: list[Any], right: str = BY_HAND) -> None:
    """Raise Failed if a contestant's values aren't those of another one, the hand-written module."""
    if len(values) != len(expected):
        raise Failed(f"{name} computes {len(values)} values, {right} {len(expected)}")
    for index, (value, wanted) in enumerate(zip(values, expected, strict=True)):
        what, allowed = ("gradient", ALLOWED["gradient"]) if index else ("output", ALLOWED["output"])
        if value.shape != wanted.shape:
            raise Failed(f"{name}: {what} {index} has shape {value.shape}, {right} has {wanted.shape}")
        error = float(np.linalg.norm((value - wanted).ravel())) / max(float(np.linalg.norm(wanted.ravel())), 1e-30)
        if not error <= allowed:
            raise Failed(f"{name} computes something else than {right}: {what} {index} is off by {error:.1e}")


def processor() -> str:
    """Return what the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
