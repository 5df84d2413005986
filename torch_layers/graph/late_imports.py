"""torch's compiler, and what it computes with, stay out while shapes are found: to import them takes as long again as to
import torch, and 100 MB. Kernels of the meta device that are written in Python ask for three modules:

- `torch._dynamo`, from `torch._compile` alone: to be left out of what is compiled, at their first call;
- `sympy`, from `torch._prims_common` alone: whether a number is one of its expressions;
- `torch.fx.experimental.symbolic_shapes`: whether conditions hold, of which some might be symbols of the compiler.

So it is in torch 2.6 to 2.13. Another version that asks otherwise gets the real modules, only later than it could.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

# Where `torch._compile` keeps what the compiler's `disable` returned.
_KEPT = "__dynamo_disable"


class _StandIn(ModuleType):
    """Stands for a module. It has an answer for one other, `asker`, as long as it stands in place. Whoever else asks, or for
    something else, makes it go, with the `others`, and gets what the real one has."""

    def __init__(self, name: str, others: list[_StandIn], asker: str = "", **answers: Any) -> None:
        super().__init__(name)
        self._others, self._asker, self._answers = others, asker, answers

    def _is_in_place(self) -> bool:
        return sys.modules.get(self.__name__) is self

    def leave(self) -> None:
        """Make place for the real module."""
        if self._is_in_place():
            del sys.modules[self.__name__]

    def real(self, name: str) -> Any:
        """Return what the real module calls so."""
        for stand_in in (self, *self._others):
            stand_in.leave()
        return getattr(importlib.import_module(self.__name__), name)

    def __getattr__(self, name: str) -> Any:
        asker = sys._getframe(1).f_globals.get("__name__")
        if name in self._answers and asker == self._asker and self._is_in_place():
            return self._answers[name]
        return self.real(name)


class _Compiler(_StandIn):
    """What kernels in Python ask to be left out of is not there yet: they stay as they are, until it is."""

    def __init__(self) -> None:
        super().__init__("torch._dynamo", [], "torch._compile", disable=self._disable)
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
    """Answers everybody: of plain numbers and conditions the answers are those of the real functions, which get the rest."""

    def __init__(self, others: list[_StandIn]) -> None:
        super().__init__("torch.fx.experimental.symbolic_shapes", others)
        vars(self).update({name: partial(self._answer, name) for name in OF_PLAIN})

    def _answer(self, name: str, *values: Any) -> Any:
        found = OF_PLAIN[name](*values)
        return self.real(name)(*values) if found is NotImplemented else found

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # Python asks so at each `from ... import`: it is no package
            raise AttributeError(name)
        return self.real(name)


def _condition(value: Any) -> Any:
    return value if type(value) is bool else NotImplemented


def _number(value: Any) -> Any:
    return value if type(value) in (bool, int) else NotImplemented


def _conditions(combined: Callable[[Any], bool], *values: Any) -> Any:
    return combined(values) if set(map(type, values)) == {bool} else NotImplemented


def _equal(one: Any, other: Any) -> Any:
    if type(one) is int and type(other) is int:
        return one == other
    # Of a tuple and a list, some versions of torch say that they are no equals, and some compare them.
    alike = any(isinstance(one, kind) and isinstance(other, kind) for kind in (tuple, list))
    return one == other if alike and {int}.issuperset(map(type, (*one, *other))) else NotImplemented


_CONDITIONS = (
    *("definitely_true", "expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious"),
    "statically_known_true",
)
# What torch's functions return for plain numbers and conditions, by name; NotImplemented for anything else.
OF_PLAIN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_CONDITIONS, _condition),
    "guarding_hint_or_throw": _number,
    "has_guarding_hint": lambda value: NotImplemented if _number(value) is NotImplemented else True,
    "is_nested_int": lambda value: NotImplemented if _number(value) is NotImplemented else False,
    "sym_and": partial(_conditions, all),
    "sym_eq": _equal,
    "sym_or": partial(_conditions, any),
}


class _Nothing:
    """A class of which there is no object."""


def _stand_ins() -> list[_StandIn]:
    # Of the shapes, each would keep the other if it stayed.
    made: list[_StandIn] = []
    made += [_Shapes(made), _StandIn("sympy", made, "torch._prims_common", Basic=_Nothing)]
    return [_Compiler(), *made]


_STAND_INS = _stand_ins()


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

    What fails is called again with all that torch imports: the error is torch's own. Where other threads run, which might
    import the modules meanwhile, all is imported too.
    """
    stand_ins = [stand_in for stand_in in _STAND_INS if stand_in.__name__ not in sys.modules]
    if stand_ins and threading.active_count() == 1:
        try:
            with _in_place(stand_ins):
                return run(*args, **kwargs)
        except Exception:  # whatever it is, torch says it better
            pass
    return run(*args, **kwargs)
