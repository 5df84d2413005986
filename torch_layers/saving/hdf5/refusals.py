"""How a file is refused: one sentence with its place, whatever went wrong inside."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from torch_layers.saving.errors import FileError

P = ParamSpec("P")
R = TypeVar("R")

# What Python and numpy say of nonsense (a shape that no array can have, text that is not UTF-8) where no check of ours
# came first. TypeError and AttributeError are not among them: those would be our own mistakes.
_NONSENSE = (ArithmeticError, LookupError, RecursionError, ValueError, struct.error, zlib.error)


class Placed(Protocol):
    @property
    def place(self) -> str: ...


S = TypeVar("S", bound=Placed)


class NoSuchNameError(FileError, KeyError):
    """A group has no member, or an object no attribute, of that name; a KeyError too, as of any mapping."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the sentence in quotes


class NonsenseRefused:
    """Within it, what Python and numpy say of nonsense becomes a FileError that names the place."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, MemoryError):
            raise FileError(self._place, "needs more memory than there is") from error
        if isinstance(error, _NONSENSE) and not isinstance(error, FileError):
            raise FileError(self._place, f"is damaged ({type(error).__name__}: {error})") from error


def refusing(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Let only FileError, NotImplementedError and OSError out of a method of something that has a place."""

    @functools.wraps(method)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with NonsenseRefused(self.place):
            return method(self, *args, **kwargs)

    return guarded


def unsupported(place: str, what: str) -> NotImplementedError:
    """Return the error for a part of HDF5 that is sound, but that Keras never writes and this reader doesn't know."""
    return NotImplementedError(f"{place}: {what}, which is not read here")
