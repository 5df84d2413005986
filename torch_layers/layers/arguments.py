"""Checks of constructor arguments, with one sentence that names the layer, the argument, what came and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch_layers.registry import nearest


def positive_int(layer: object, argument: str, value: Any) -> int:
    """Return `value` if it is an int above 0. Raises: ValueError if not."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"{type(layer).__name__}: {argument}={value!r} is not a positive int")
    return value


def positive_ints(layer: object, argument: str, value: Any, count: int, *, least: int = 1) -> tuple[int, ...]:
    """Return `count` ints of at least `least`, from one int for all or from a list or tuple. Raises: ValueError if not."""
    given = (value,) * count if isinstance(value, int) else value
    if (
        not isinstance(given, (list, tuple))
        or len(given) != count
        or not all(isinstance(n, int) and not isinstance(n, bool) and n >= least for n in given)
    ):
        many = f"{count} ints of at least {least}" if count > 1 else f"an int of at least {least}"
        raise ValueError(f"{type(layer).__name__}: {argument}={value!r} is not {many}")
    return tuple(given)


def one_of(layer: object, argument: str, value: Any, allowed: Sequence[Any]) -> Any:
    """Return `value` if it is among `allowed`. Raises: ValueError, with the nearest, if not."""
    if value not in allowed:
        hint = nearest(value, [item for item in allowed if isinstance(item, str)])
        raise ValueError(f"{type(layer).__name__}: {argument}={value!r} is not one of {tuple(allowed)}{hint}")
    return value
