"""What the layers that draw random numbers have in common: a rate, and a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.base import Layer


class _Noise(Layer):
    """Base of the layers that change their input at random in training, and return it as it is in eval.

    With `seed`, an int, a layer draws from a generator of its own (one for each device), which copies and pickles keep
    where it stands; without, from torch's. Under torch.compile and torch.export it is torch's in any case.
    """

    supports_masking = True
    # What `optimize_for_inference` may leave out.
    is_identity_in_eval = True

    def _set_noise(self, seed: int | None, **share: float) -> None:
        ((argument, value),) = share.items()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not a number from 0 to 1")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ValueError(f"{type(self).__name__}: seed={seed!r} is neither an int nor None")
        setattr(self, argument, value)
        self.seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def _generator(self, device: torch.device) -> torch.Generator | None:
        if self.seed is None or torch.compiler.is_compiling() or device.type == "meta":
            return None
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self.seed)
        return self._generators[device]

    def _uniform(self, shape: Sequence[int], x: Tensor) -> Tensor:
        """Draw numbers from 0 to 1 in float32 at least: the narrow dtypes have too few numbers below 1."""
        dtype = torch.float64 if x.dtype is torch.float64 else torch.float32
        return torch.rand(shape, generator=self._generator(x.device), dtype=dtype, device=x.device)

    def _normal(self, x: Tensor) -> Tensor:
        return torch.empty_like(x).normal_(generator=self._generator(x.device))

    def __getstate__(self) -> dict[str, Any]:
        states = {device: generator.get_state() for device, generator in self._generators.items()}
        return {**super().__getstate__(), "_generators": states}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for device, numbers in self._generators.items():
            self._generators[device] = torch.Generator(device)
            self._generators[device].set_state(numbers)  # type: ignore[arg-type]


def checked_noise_shape(layer: object, noise_shape: Any) -> tuple[int | None, ...] | None:
    """Return a noise shape as a tuple. Raises: ValueError if it is not of positive ints and None."""
    if noise_shape is None:
        return None
    given = tuple(noise_shape) if isinstance(noise_shape, (list, tuple)) else None
    if given is None or not all(n is None or (isinstance(n, int) and n > 0) for n in given):
        raise ValueError(
            f"{type(layer).__name__}: noise_shape={noise_shape!r} is not a tuple of positive ints and None"
        )
    return given


def noise_sizes(layer: object, noise_shape: Sequence[int | None] | None, x: Tensor) -> Sequence[int]:
    """Return the sizes of what is drawn for `x`, its own where the noise shape says None.

    Raises: ValueError if they do not broadcast to the input's.
    """
    if noise_shape is None:
        return x.shape
    sizes = [size if n is None else n for n, size in zip(noise_shape, x.shape, strict=False)]
    if len(noise_shape) != x.ndim or any(n not in (1, size) for n, size in zip(sizes, x.shape, strict=True)):
        raise ValueError(
            f"{type(layer).__name__}: noise_shape={tuple(noise_shape)} does not broadcast to an input of shape "
            f"{tuple(x.shape)}"
        )
    return sizes
