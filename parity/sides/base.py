"""What every side does alike: name its environment, turn errors into records, number values."""

from __future__ import annotations

import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from parity.case import Case
from parity.record import Record, Value


class Lacks(Exception):
    """Raised by a side for what it does not have, such as a class that an old Keras lacks."""


class MissingSide(Exception):
    """Raised when a side that was asked for can't run here: a framework or a device is missing. Says what to install."""


class Unanswerable(ValueError):
    """Raised for a question that is itself wrong, such as weights that do not pair off; never taken for an answer."""


class Side(ABC):
    """Someone who computes cases. Reference and implementation are roles: any side can play either."""

    name: str
    device: str = "cpu"

    @abstractmethod
    def run(self, case: Case, policy: str) -> dict[str, Value]:
        """Compute a case under a dtype policy. Raises: whatever the framework raises; `Lacks`."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Name what a result depends on beside the case: framework, backend, versions, device, threads, flags."""

    def travel(self, case: Case, files: Mapping[str, bytes], record: Record) -> None:
        """Do a side's part of a round trip: write files of a case, or read those given; see `parity.trips`.

        Raises: whatever the framework raises; `Lacks`.
        """
        raise Lacks(f"side {self.name!r} takes no part in round trips of files")

    def compute(self, case: Case, policy: str, files: Mapping[str, bytes] | None = None) -> Record:
        """Compute a case; an error becomes the record's. Of a round trip, `files` are what to read, none to write."""
        record, start = Record(environment=self.environment()), time.perf_counter()
        try:
            if files is None:
                record.values = self.run(case, policy)
            else:
                self.travel(case, files, record)
        except Unanswerable:
            raise
        except Lacks as lack:
            record.lacks = str(lack)
        except Exception as error:  # whatever a framework raises for this case is what it says of it
            record.error = said(error)
        record.seconds = time.perf_counter() - start
        return record


def said(error: Exception) -> str:
    """Return an error's class and the first line of its message."""
    first_line = (str(error).strip() or "(no message)").splitlines()[0]
    return f"{type(error).__name__}: {first_line}"


def machine() -> dict[str, str]:
    """Name the machine's part of an environment."""
    return {"python": platform.python_version(), "machine": platform.machine()}


def numbered(prefix: str, values: Iterable[Value | None]) -> dict[str, Value]:
    """Name values "prefix 0", "prefix 1" ...; None leaves a gap."""
    return {f"{prefix} {index}": value for index, value in enumerate(values) if value is not None}


def of_tensor(tensor: Tensor) -> Value:
    """Return a copy of a torch tensor, from whatever device, as a value of a record."""
    tensor = tensor.detach().cpu()
    name = str(tensor.dtype).removeprefix("torch.")
    return Value.of((tensor.float() if name == "bfloat16" else tensor).numpy().copy(), name)


def leaves(nested: Any) -> list[Any]:
    """Flatten lists, tuples and dicts (by key) of arrays, in order; None is kept."""
    if isinstance(nested, (list, tuple)):
        return [leaf for item in nested for leaf in leaves(item)]
    if isinstance(nested, dict):
        return [leaf for key in sorted(nested) for leaf in leaves(nested[key])]
    return [nested]


def rebuilt(nested: Any, flat: Iterable[Any]) -> Any:
    """Return `nested` with its leaves replaced, in order, by those of `flat`."""
    iterator = iter(flat)

    def walk(part: Any) -> Any:
        if isinstance(part, (list, tuple)):
            return type(part)(walk(item) for item in part)
        if isinstance(part, dict):
            return {key: walk(part[key]) for key in sorted(part)}
        return next(iterator)

    return walk(nested)
