"""A side in a process of its own: one Keras backend fits in one process, and a side that dies is an error of its case."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from parity.case import Case
from parity.record import Record
from parity.sides.base import MissingSide

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

# A case takes milliseconds; one that takes this long hangs.
SECONDS_PER_CASE = 120.0
SECONDS_TO_START = 240.0


def processes() -> ForkServerContext | SpawnContext:
    """Return how processes are started: as copies of one that has imported torch, which takes two seconds, where the
    system can copy; else anew. A copy sees the environment and the streams as they were at the first start.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # The second is what torch imports at the first gradient.
    context.set_forkserver_preload(["parity.sides.torch_layers", "torch.fx.experimental.symbolic_shapes"])
    return context


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence what C++ code prints while a framework is imported: TensorFlow greets on stderr past every setting."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _serve(connection: Connection, side: str, device: str, threads: int) -> None:
    """Make the side, then answer each (case, policy, files) with its record, until None comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends this one
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = str(threads)
    gc.disable()  # what frameworks hold is kept anyhow: each search for garbage would go through it
    import torch

    torch.set_num_threads(threads)
    from parity.sides import make

    try:
        with quiet_stderr():
            made = make(side, device)
    except Exception as error:
        connection.send((type(error).__name__, str(error)))
        return
    gc.freeze()
    gc.enable()
    connection.send(("ready", made.environment()))
    while (question := connection.recv()) is not None:
        connection.send(made.compute(*question))


class SideProcess:
    """A side that runs in a process of its own and is started again if it dies."""

    def __init__(self, side: str, device: str = "cpu", threads: int = 1) -> None:
        self.name, self.device, self._threads = side, device, threads
        self._process: BaseProcess | None = None
        self._connection: Any = None
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        """Start the process without waiting for it."""
        context = processes()
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self.name, self.device, self._threads), daemon=True
        )
        self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Wait until the side is ready. Raises: MissingSide if it can't run here."""
        if not self._connection.poll(SECONDS_TO_START):
            raise MissingSide(f"side {self.name!r} did not start within {SECONDS_TO_START:.0f} s")
        try:
            word, said = self._connection.recv()
        except EOFError:
            raise MissingSide(f"side {self.name!r} died while it started") from None
        if word != "ready":
            raise MissingSide(said if word in ("MissingSide", "ValueError") else f"side {self.name!r}: {word}: {said}")
        self.environment = said

    def ask(self, case: Case, policy: str, files: Mapping[str, bytes] | None = None) -> None:
        """Send a question, as `Side.compute` takes it; `answer` gives its record."""
        if self._process is None or not self._process.is_alive():
            self.start()
            self.wait()
        with contextlib.suppress(BrokenPipeError):  # `answer` reports the death
            self._connection.send((case, policy, files))

    def answer(self) -> Record:
        """Return the record of the question asked last; a death or a hang becomes its error."""
        try:
            if self._connection.poll(SECONDS_PER_CASE):
                record: Record = self._connection.recv()
                return record
            reason = f"gave no answer within {SECONDS_PER_CASE:.0f} s"
        except (EOFError, ConnectionResetError):
            assert self._process is not None
            self._process.join()
            reason = f"died with exit code {self._process.exitcode}"
        self.stop()
        return Record(error=f"side {self.name!r} {reason}", environment=self.environment)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None
