"""How much is taken off, or put on, at both ends of each axis of an image."""

from __future__ import annotations

from typing import Any

from torch_layers.layers.arguments import positive_ints


def edges(layer: object, argument: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Return (before, after) for each of `rank` axes: from one int for all, or an int or a pair for each.

    Of a sequence (`rank` 1), two ints are the pair. Raises: ValueError for negative numbers and other forms.
    """
    if isinstance(value, int):
        value = (value,) * rank
    elif rank == 1:
        value = (value,)
    if not isinstance(value, (list, tuple)) or len(value) != rank:
        raise ValueError(
            f"{type(layer).__name__}: {argument}={value!r} is neither an int nor {rank} ints or pairs of ints"
        )
    first, second = zip(*(positive_ints(layer, argument, one, 2, least=0) for one in value), strict=True)
    return tuple(zip(first, second, strict=True))
