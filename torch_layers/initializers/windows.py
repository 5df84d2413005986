"""Window functions by the names that scipy.signal.get_window gives them, in numpy and float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from torch_layers.registry import nearest

Array = np.ndarray[Any, Any]

# w(x) = sum of a[i] * cos(i pi x) for x from -1 to 1, the middle of the window being 0.
_COSINE_SUMS: dict[str, tuple[float, ...]] = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


def _bohman(x: Array) -> Array:
    return (1 - x) * np.cos(np.pi * x) + np.sin(np.pi * x) / np.pi


def _parzen(x: Array) -> Array:
    x = np.abs(x)
    return np.where(x <= 0.5, 1 - 6 * x**2 * (1 - x), 2 * (1 - x) ** 3)


def _taylor(x: Array, bars: int = 4, level: float = 30.0) -> Array:
    # Four nearly equal side lobes, 30 dB below the main one: scipy's defaults.
    a = np.arccosh(10 ** (level / 20)) / np.pi
    stretch = bars**2 / (a**2 + (bars - 0.5) ** 2)
    m = np.arange(1, bars)
    result = np.ones_like(x)
    for i in m:
        above = np.prod(1 - i**2 / stretch / (a**2 + (m - 0.5) ** 2))
        below = 2 * np.prod([1 - i**2 / j**2 for j in m if j != i])
        result += 2 * (-1) ** (i + 1) * above / below * np.cos(np.pi * i * x)
    return result


# Functions of the places, in steps from the middle of the window, and of the number of steps from end to end.
_OTHERS: dict[str, Callable[[Array, int], Array]] = {
    "bartlett": lambda n, steps: 1 - np.abs(2 * n / steps),
    "triang": lambda n, steps: 1 - np.abs(2 * n) / (steps + 2 - steps % 2),
    "parzen": lambda n, steps: _parzen(2 * n / (steps + 1)),
    "bohman": lambda n, steps: _bohman(np.abs(2 * n / steps)),
    "barthann": lambda n, steps: 0.62 - 0.48 * np.abs(n / steps) + 0.38 * np.cos(2 * np.pi * n / steps),
    "cosine": lambda n, steps: np.cos(np.pi * n / (steps + 1)),
    "exponential": lambda n, steps: np.exp(-np.abs(n)),
    "tukey": lambda n, steps: 0.5 * (1 + np.cos(np.pi * np.clip(np.abs(4 * n / steps) - 1, 0, 1))),
    "lanczos": lambda n, steps: np.sinc(2 * n / steps),
    "taylor": lambda n, steps: _taylor(2 * n / (steps + 1)) / _taylor(np.zeros(1)),
}


def window(name: str, size: int, periodic: bool) -> Array:
    """Return the `size` values of a window, symmetric or, for spectra, periodic: the symmetric one a step longer.

    Raises: ValueError for a name that is not one of scipy's windows without arguments.
    """
    if name not in _COSINE_SUMS and name not in _OTHERS:
        allowed = [*_COSINE_SUMS, *_OTHERS]
        raise ValueError(f"window={name!r} is not one of {tuple(allowed)}{nearest(name, allowed)}; or give its values")
    if size <= 1:
        return np.ones(size)
    steps = size if periodic else size - 1
    n = np.arange(steps + 1) - steps / 2
    if name in _COSINE_SUMS:
        values = sum(a * np.cos(2 * np.pi * i * n / steps) for i, a in enumerate(_COSINE_SUMS[name]))
    else:
        values = _OTHERS[name](n, steps)
    return np.asarray(values)[:size]
