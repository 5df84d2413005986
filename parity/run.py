"""The main job: every case through two sides and the judge."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from parity.case import Case
from parity.deviations import DEVIATIONS, IMPLEMENTATION, REFERENCE, Deviation
from parity.draw import compute_dtype
from parity.judge import Check, Verdict, judge
from parity.record import Record
from parity.sides.process import SideProcess
from parity.trip_limits import LIMITS, Limit
from parity.trips import judge_trip
from parity.versions import DIFFERENCES, Difference

# What a run passes with; "lacks" and "version" can only come from a reference that is older than the one followed.
PASSING = ("equal", "deviates", "version", "lacks")


@dataclass(frozen=True)
class Result:
    """One case with its verdict, the deviations that cover its differences, and how long both sides took."""

    case: Case
    verdict: Verdict
    deviations: tuple[Deviation | Limit, ...] = ()
    version: Difference | None = None
    seconds: float = 0.0

    @property
    def uncovered(self) -> list[Check]:
        """The failed checks that no deviation covers."""
        return [c for c in self.verdict.failures if not any(d.covers(self.case, c) for d in self.deviations)]

    @property
    def status(self) -> str:
        """One of "equal", "deviates" (as the table says), "version", "different", "error" and "lacks"."""
        if self.version is not None:
            return "version"
        if self.verdict.lacks is not None:
            return "lacks"
        if self.verdict.error is not None:
            return "error"
        if self.verdict.equal:
            return "equal"
        return "different" if self.uncovered else "deviates"


@dataclass
class Run:
    """What was asked for and what came of it."""

    reference: str
    implementation: str
    device: str
    results: list[Result] = field(default_factory=list)
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    stale: list[Deviation | Difference | Limit] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all cases are equal, or deviate as the table says, and no row of the table is stale."""
        return not self.stale and all(result.status in PASSING for result in self.results)


def _is_exact(deviation: Deviation | Limit, results: Sequence[Result]) -> bool:
    """Tell whether a row of the table is needed by every case that it selects, and by one at least; a row that holds on
    some processors alone has to select one."""
    selected = [result for result in results if deviation.selects(result.case)]
    varies = isinstance(deviation, Deviation) and deviation.on_some_processors
    return bool(selected) and (varies or all(deviation in result.deviations for result in selected))


def verdict_of(case: Case, ask: Callable[[str, str], Record], semantics: bool = False) -> Verdict:
    """Judge one case, with `semantics` by that gate alone; `ask(role, policy)` gives a role's record."""
    oracle, implementation64 = ask("reference", "float64"), ask("implementation", "float64")
    if semantics or case.dtype == "float64":
        reference, implementation = oracle, implementation64
    else:
        reference, implementation = ask("reference", case.dtype), ask("implementation", case.dtype)
    return judge(
        *(oracle, implementation64, reference, implementation),
        computed_in=compute_dtype(case.dtype),
        refusal=case.raises,
        statistical=case.statistical,
    )


class _Pair:
    """One process of each side, which work on the same case at the same time."""

    def __init__(self, run: Run, threads: int) -> None:
        self.reference = SideProcess(run.reference, "cpu", threads)
        self.implementation = SideProcess(run.implementation, run.device, threads)

    def start(self) -> None:
        self.reference.start()
        self.implementation.start()

    def wait(self) -> None:
        self.implementation.wait()  # is there sooner than Keras, and knows about the device
        self.reference.wait()

    def stop(self) -> None:
        self.reference.stop()
        self.implementation.stop()

    def judge(self, case: Case, semantics: bool) -> Result:
        sides = {"reference": self.reference, "implementation": self.implementation}
        start, records = time.perf_counter(), {}
        if case.kind == "file":

            def ask(role: str, files: Mapping[str, bytes]) -> Record:
                sides[role].ask(case, case.dtype, files)
                return sides[role].answer()

            return Result(case, judge_trip(case, ask), seconds=time.perf_counter() - start)
        for policy in dict.fromkeys(("float64",) if semantics else ("float64", case.dtype)):
            for side in sides.values():
                side.ask(case, policy)
            for role, side in sides.items():
                records[role, policy] = side.answer()
        verdict = verdict_of(case, lambda role, policy: records[role, policy], semantics)
        return Result(case, verdict, seconds=time.perf_counter() - start)


def run(
    cases: Sequence[Case],
    *,
    reference: str = REFERENCE,
    implementation: str = IMPLEMENTATION,
    device: str = "cpu",
    jobs: int = 1,
    fail_fast: bool = False,
    semantics: bool = False,
    whole: bool = False,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Run:
    """Compute and judge cases with `jobs` pairs of processes; `on_result` sees each result as it comes.

    `semantics` asks for that gate alone: each side computes each case once, in float64.
    `whole` says that `cases` are all there are, so that a deviation no case needs is stale.
    Raises: MissingSide if a side or the device can't be had here.
    """
    done = Run(reference, implementation, device)
    table = DEVIATIONS if (reference, implementation) == (REFERENCE, IMPLEMENTATION) else ()
    limits = [limit for limit in LIMITS if limit.side == reference and implementation == IMPLEMENTATION]
    rows: tuple[Deviation | Limit, ...] = (*table, *limits)
    differences: list[Difference] = []
    todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in cases:
        todo.put(case)
    pairs = [_Pair(done, threads=1) for _ in range(max(1, min(jobs, len(cases))))]
    start, stop, lock = time.perf_counter(), threading.Event(), threading.Lock()

    def work(pair: _Pair) -> None:
        while not stop.is_set():
            try:
                case = todo.get_nowait()
            except queue.Empty:
                return
            try:
                result = pair.judge(case, semantics)
            except Exception as error:  # a side that can't be started again: the run goes on and says so
                result = Result(case, Verdict(error=f"{type(error).__name__}: {error}"))
            covering = tuple(d for d in rows if any(d.covers(case, check) for check in result.verdict.failures))
            odd = not result.verdict.equal and result.verdict.lacks is None
            known = next((d for d in differences if odd and d.covers(case)), None)
            result = Result(case, result.verdict, covering, known, result.seconds)
            with lock:
                done.results.append(result)
                on_result(result)
            if fail_fast and result.status in ("different", "error"):
                stop.set()

    try:
        for pair in pairs:
            pair.start()
        for pair in pairs:
            pair.wait()
        done.environments = {
            "reference": pairs[0].reference.environment,
            "implementation": pairs[0].implementation.environment,
        }
        differences += [d for d in DIFFERENCES if d.holds(pairs[0].reference.environment)]
        workers = [threading.Thread(target=work, args=(pair,), daemon=True) for pair in pairs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        for pair in pairs:
            pair.stop()
    order = {case.id: index for index, case in enumerate(cases)}
    done.results.sort(key=lambda result: order[result.case.id])
    if whole and not stop.is_set():
        # Most deviations are of rounding, which semantics alone doesn't see.
        judged = () if differences or semantics else table
        done.stale = [d for d in judged if not _is_exact(d, done.results)]
        done.stale += [limit for limit in limits if not _is_exact(limit, done.results)]
        seen = [d for d in differences if d.in_float64 or not semantics]
        done.stale += [d for d in seen if not any(result.version is d for result in done.results)]
    done.seconds = time.perf_counter() - start
    return done
