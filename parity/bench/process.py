"""Keras in a process of its own, which computes when it is asked and waits on a pipe otherwise."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from typing import Any

from parity.bench.rows import Row
from parity.sides.base import MissingSide
from parity.sides.process import SECONDS_PER_CASE, SECONDS_TO_START, quiet_stderr

BACKENDS = {"Keras torch": "OfKerasTorch", "Keras TF": "OfKerasTensorFlow"}


class Failed(Exception):
    """Raised for a row that a contestant could not compute; says who and why."""


def _serve(connection: Any, name: str, threads: int) -> None:
    """Make the contestant, then answer each (method, arguments) with (word, result), until None comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends this one
    os.environ.update(CUDA_VISIBLE_DEVICES="-1", KERAS_TORCH_DEVICE="cpu")
    with quiet_stderr():
        try:
            import torch

            torch.set_num_threads(threads)
            from parity.bench import contestants

            contestants.keep_memory()
            contestant = getattr(contestants, BACKENDS[name])()
        except Exception as error:
            connection.send((type(error).__name__, str(error)))
            return
        connection.send(("done", contestant.environment()))
    while (question := connection.recv()) is not None:
        method, arguments = question
        try:
            with quiet_stderr():
                answer = ("done", getattr(contestant, method)(*arguments))
        except Exception as error:  # whatever a framework raises for a row is what it says of it
            answer = (type(error).__name__, (str(error).strip() or "(no message)").splitlines()[0])
        connection.send(answer)


class Remote:
    """A contestant in a process of its own: `start` it, `wait` for it, then `prepare` and `block` as any other."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self._threads = name, threads
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        """Start the process without waiting for it."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.name, self._threads), daemon=True)
        self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Wait until the contestant is ready. Raises: MissingSide if it can't run here."""
        try:
            self.environment = self._answer(SECONDS_TO_START)
        except Failed as error:
            raise MissingSide(str(error)) from None

    def prepare(self, row: Row, size: str, mode: str) -> Any:
        """As `Contestant.prepare`. Raises: Failed if it can't."""
        if not self._process.is_alive():  # it died of the row before
            self.start()
            self.wait()
        return self._ask("prepare", row, size, mode)

    def block(self, seconds: float) -> list[float]:
        """As `Contestant.block`. Raises: Failed if it can't."""
        samples: list[float] = self._ask("block", seconds)
        return samples

    def converted(self, row: Row) -> Any:
        """Return the torch module of a whole model, made from Keras's. Raises: Failed if it can't be."""
        return self._ask("converted", row)

    def _ask(self, method: str, *arguments: Any) -> Any:
        with contextlib.suppress(BrokenPipeError):  # `_answer` reports the death
            self._connection.send((method, arguments))
        return self._answer(SECONDS_PER_CASE)

    def _answer(self, seconds: float) -> Any:
        try:
            if not self._connection.poll(seconds):
                self.stop()
                raise Failed(f"{self.name} gave no answer within {seconds:.0f} s")
            word, said = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            raise Failed(f"{self.name} died with exit code {self._process.exitcode}") from None
        if word != "done":
            raise Failed(said if word == "MissingSide" else f"{self.name}: {word}: {said}")
        return said

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()
