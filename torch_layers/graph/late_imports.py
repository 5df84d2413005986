"""torch's compiler, and what it computes with, stay out while shapes are found: to import them takes longer than to load
most models, and more memory."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

# Where torch keeps what the compiler's `disable` returned.
_KEPT = "__dynamo_disable"


class _StandIn(ModuleType):
    """Stands for a module until somebody other than torch asks it for something, or torch for what it does not `offer`:
    then it goes, with the `others`, and the real one is imported."""

    def __init__(self, name: str, others: list[_StandIn], offered: dict[str, Any], is_package: bool = True) -> None:
        super().__init__(name)
        self._others, self._offered, self._is_package = others, offered, is_package

    def leave(self) -> None:
        """Make place for the real module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def real(self, name: str) -> Any:
        """Return what the real module calls so."""
        for stand_in in (self, *self._others):
            stand_in.leave()
        return getattr(importlib.import_module(self.__name__), name)

    def __getattr__(self, name: str) -> Any:
        asked_by = str(sys._getframe(1).f_globals.get("__name__"))
        if name in self._offered and asked_by.split(".")[0] == "torch":
            return self._offered[name]
        if name == "__path__" and not self._is_package:
            raise AttributeError(name)
        return self.real(name)


class _Compiler(_StandIn):
    """Kernels of the meta device that are written in Python ask, at their first call, to be left out of what is compiled
    (`torch._compile._disable_dynamo`)."""

    def __init__(self, others: list[_StandIn]) -> None:
        super().__init__("torch._dynamo", others, {"disable": self._disable})
        self._left_out: list[Any] = []

    def _disable(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        self._left_out.append(fn)
        return fn

    def leave(self) -> None:
        super().leave()
        for fn in self._left_out:
            if vars(fn).get(_KEPT) is fn:
                delattr(fn, _KEPT)
        self._left_out.clear()


class _Shapes(_StandIn):
    """Kernels ask whether conditions hold, of which some might be symbols of the compiler: plain ones hold or don't."""

    def __init__(self, others: list[_StandIn]) -> None:
        offered = {name: partial(self._of_plain, name) for name in _OF_PLAIN}
        super().__init__("torch.fx.experimental.symbolic_shapes", others, offered, is_package=False)

    def _of_plain(self, name: str, *values: Any) -> Any:
        return _OF_PLAIN[name](*values) if all(map(_is_plain, values)) else self.real(name)(*values)


def _is_plain(value: Any) -> bool:
    return type(value) in (bool, int) or (isinstance(value, Sequence) and all(map(_is_plain, value)))


_CONDITIONS = ("expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious", "statically_known_true")
_OF_PLAIN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys((*_CONDITIONS, "guarding_hint_or_throw"), lambda value: value),
    "has_guarding_hint": lambda value: True,
    "is_nested_int": lambda value: False,
    "sym_and": lambda *values: all(values),
    "sym_eq": lambda one, other: one == other,
    "sym_or": lambda *values: any(values),
}


class _Nothing:
    """A class of which there is no object."""


def _stand_ins() -> list[_StandIn]:
    # Of the shapes, each would keep the other if it stayed.
    made: list[_StandIn] = []
    made += [_Shapes(made), _StandIn("sympy", made, {"Basic": _Nothing})]
    made = [_Compiler([]), *made]
    return [stand_in for stand_in in made if stand_in.__name__ not in sys.modules]


@contextmanager
def _in_place(stand_ins: list[_StandIn]) -> Iterator[None]:
    sys.modules.update({stand_in.__name__: stand_in for stand_in in stand_ins})
    try:
        yield
    finally:
        for stand_in in stand_ins:
            stand_in.leave()


def run_lightly(run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on meta tensors, without what torch imports for it if that isn't there yet.

    What fails is called again with all that torch imports: the error is torch's own.
    """
    stand_ins = _stand_ins()
    if stand_ins:
        try:
            with _in_place(stand_ins):
                return run(*args, **kwargs)
        except Exception:  # whatever it is, torch says it better
            pass
    return run(*args, **kwargs)
