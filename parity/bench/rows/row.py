"""A row of the bench, and short ways to write one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from parity.case import Array, Case
from parity.cases import name_of

SIZES = ("working", "small")
MODES = ("forward", "training")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `case` is the work at a size at which a call takes about 0.2 to 20 ms (views take none), `small` at (1, 32), where
    all that counts is what surrounds the kernels. `by_hand` makes a module, or is a function's maker, from the case's
    weights in Keras's layout. `remark` tells rows of one name apart. `random` says that training draws random numbers, so
    that contestants' values differ. A whole model, of `keras.applications`, has one size, and is timed in inference.
    """

    case: Case
    small: Case
    by_hand: Callable[..., Any] | None
    remark: str = ""
    random: bool = False

    @property
    def is_model(self) -> bool:
        """Whether the row is a whole model."""
        return self.case.kind == "application"

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes at which it is timed."""
        return ("model",) if self.is_model else SIZES

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes in which it is timed."""
        return MODES[:1] if self.is_model else MODES

    @property
    def name(self) -> str:
        """What it is about."""
        return self.case.name if self.is_model else name_of(self.case)

    @property
    def label(self) -> str:
        """The row's name in the table."""
        return f"{self.name} {self.remark}".strip()

    def at(self, size: str) -> Case:
        """Return the case of one of `SIZES`."""
        return self.small if size == "small" else self.case


def row(
    name: str,
    config: Mapping[str, Any],
    inputs: Sequence[Any],
    by_hand: Callable[..., Any],
    small: Sequence[Any] = ((1, 32),),
    *,
    small_config: Mapping[str, Any] | None = None,
    remark: str = "",
    random: bool = False,
    **rest: Any,
) -> Row:
    case = Case(name, config, inputs, **rest)
    return Row(case, replace(case, inputs=small, config={**config, **(small_config or {})}), by_hand, remark, random)


def elementwise(name: str, config: Mapping[str, Any], by_hand: Callable[..., Any], **rest: Any) -> Row:
    return row(name, config, [(256, 4096)], by_hand, **rest)


def merge(name: str, by_hand: Callable[..., Any], config: Mapping[str, Any] | None = None) -> Row:
    return row(name, config or {}, [[(256, 4096), (256, 4096)]], by_hand, [[(1, 32), (1, 32)]])


def loss(
    name: str,
    y_true: Callable[..., Array],
    y_pred: Callable[..., Array],
    by_hand: Callable[..., Any],
    config: Mapping[str, Any] | None = None,
    remark: str = "",
) -> Row:
    big, small = ([y_true(*shape), y_pred(*shape)] for shape in ((256, 4096), (1, 32)))
    return row(name, config or {}, big, by_hand, small, remark=remark, kind="loss")


def function_of(function: Callable[..., Any], **fixed: Any) -> Callable[[], Any]:
    """Return a maker of `function`, which has no weights."""
    return partial(partial, function, **fixed)


def whole_model(name: str, batch: int) -> Row:
    """Return the row of one of `keras.applications`, at the size of its images."""
    case = Case(name, {}, [(batch, 224, 224, 3)], kind="application")
    return Row(case, case, None, f"batch {batch}")
