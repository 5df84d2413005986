"""Which axes a layer normalizes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def checked_axes(layer: object, axis: Any, shape: Sequence[int | None]) -> list[int]:
    """Return the axes of an input that `axis` (an int or a list of them) names, counted from 0, in order.

    Raises: ValueError if one is outside of the input, the batch axis, named twice, or of unknown size.
    """
    cls, given = type(layer).__name__, list(axis) if isinstance(axis, (list, tuple)) else [axis]
    for one in given:
        if not isinstance(one, int) or not -len(shape) <= one < len(shape):
            raise ValueError(f"{cls}: axis={axis!r} is outside of an input of shape {tuple(shape)}")
        if one % len(shape) == 0:
            raise ValueError(f"{cls}: axis={axis!r} holds the batch axis of an input of shape {tuple(shape)}")
        if shape[one] is None:
            raise ValueError(f"{cls}: input of shape {tuple(shape)} has no known size in axis {one}")
    axes = sorted(one % len(shape) for one in given)
    if len(set(axes)) < len(axes):
        raise ValueError(f"{cls}: axis={axis!r} names an axis of an input of shape {tuple(shape)} twice")
    return axes


def trailing(axes: Sequence[int], rank: int) -> bool:
    """Tell whether the axes are the last ones, for which torch has fused kernels."""
    return list(axes) == list(range(rank - len(axes), rank))
