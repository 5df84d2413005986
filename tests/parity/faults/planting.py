"""What a fault is, and the ways to plant one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Replace = Callable[[Any], Any]


@dataclass(frozen=True)
class Fault:
    """`replacement` gets what stands at `where` and gives the faulty thing; the cases of `about` must notice by `gate`."""

    name: str
    where: str
    about: str
    gate: str
    replacement: Replace


def instead(faulty: Any) -> Replace:
    """Put something else there."""
    return lambda correct: faulty


def then(change: Callable[[Any], Any]) -> Replace:
    """Call what stands there and change its result."""
    return lambda correct: lambda *args, **kwargs: change(correct(*args, **kwargs))


def first(change: Callable[[Any], Any]) -> Replace:
    """Change the first argument before calling what stands there."""
    return lambda correct: lambda x, *args, **kwargs: correct(change(x), *args, **kwargs)


def second(change: Callable[[Any], Any]) -> Replace:
    """Change the second argument, such as the inputs of a method, before calling what stands there."""
    return lambda correct: lambda a, b, *args, **kwargs: correct(a, change(b), *args, **kwargs)


def without(*names: str) -> Replace:
    """Forget keyword or positional arguments of these names."""
    import inspect

    def replacement(correct: Any) -> Any:
        signature = inspect.signature(correct)

        def faulty(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            for name in names:
                bound.arguments.pop(name, None)
            return correct(*bound.args, **bound.kwargs)

        return faulty

    return replacement


def half_precision(function: Any) -> Any:
    """Compute in float16 what should be float32: right in meaning, wrong in accuracy."""

    def faulty(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if x.dtype is not torch.float32:
            return function(x, *args, **kwargs)
        return function(x.half(), *args, **kwargs).float()

    return faulty


def attached(x: Tensor, cut: Tensor) -> Tensor:
    """Return the values of x whose gradient is another's."""
    return cut + (x - cut).detach()
