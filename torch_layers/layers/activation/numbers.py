"""Checks of the numbers that activation layers take."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any


def number(layer: object, argument: str, value: Any, low: float = -math.inf) -> float:
    """Return `value` if it is a number of at least `low`. Raises: ValueError if not."""
    if not isinstance(value, Real) or not float(value) >= low:
        least = "" if low == -math.inf else f" of at least {low:g}"
        raise ValueError(f"{type(layer).__name__}: {argument}={value!r} is not a number{least}")
    return value  # type: ignore[return-value]
