"""What the layers that draw random numbers have in common: how strong the noise is, its seed and its generators."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from torch_layers.layers.base import Layer


class _Noise(Layer):
    """Base of the layers that change their input at random in training, and return it as it is in eval.

    With `seed`, an int, a layer draws from a generator of its own (one for each device), which copies and pickles keep
    where it stands; without, from torch's. torch.compile and torch.export take no generator: there it is torch's too.
    Subclasses define `noisy`.
    """

    supports_masking = True
    # The argument that says how strong the noise is; 0 is none.
    strength: ClassVar[str] = "rate"
    seed: int | None
    _is_identity: bool

    def _set_noise(self, strength: float, seed: int | None) -> None:
        cls = type(self).__name__
        if not isinstance(strength, Real) or not 0 <= strength <= 1:
            raise ValueError(f"{cls}: {self.strength}={strength!r} is not a number from 0 to 1")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**63):
            raise ValueError(f"{cls}: seed={seed!r} is neither an int of 64 bits nor None")
        setattr(self, self.strength, strength if isinstance(strength, (int, float)) else float(strength))
        self.seed = seed
        self._is_identity = not strength
        # By device; after a copy, the state that a generator is to start from.
        self._generators: dict[torch.device, torch.Generator | Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        return self.noisy(x) if self.training and not self._is_identity else x

    def noisy(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _generator(self, x: Tensor) -> torch.Generator | None:
        if not x.is_floating_point():
            raise ValueError(f"{type(self).__name__}: input of dtype {x.dtype}: in training it must be a float")
        if self.seed is None or torch.compiler.is_compiling() or x.is_meta or isinstance(x, FakeTensor):
            return None
        known = self._generators.get(x.device)
        if isinstance(known, torch.Generator):
            return known
        made = torch.Generator(x.device)
        self._generators[x.device] = made
        return made.manual_seed(self.seed) if known is None else made.set_state(known)

    def _uniform(self, sizes: Sequence[int], x: Tensor) -> Tensor:
        """Draw numbers from 0 to 1 for `x`, in float32 at least: narrow dtypes have too few of them to meet a rate."""
        generator, dtype = self._generator(x), torch.float64 if x.dtype is torch.float64 else torch.float32
        if generator is None:  # with the argument, even as None, no size may be symbolic
            return torch.rand(sizes, dtype=dtype, device=x.device)
        return torch.rand(sizes, generator=generator, dtype=dtype, device=x.device)

    def _normal(self, mean: float, stddev: float, x: Tensor) -> Tensor:
        generator = self._generator(x)
        return torch.empty_like(x).normal_(mean, stddev, generator=generator)

    def __getstate__(self) -> dict[str, Any]:
        states = {d: g if isinstance(g, Tensor) else g.get_state() for d, g in self._generators.items()}
        return {**super().__getstate__(), "_generators": states}


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
    """Return the sizes of what is drawn for `x`: where the noise shape says None, those of `x` in the same place.

    A shorter noise shape holds for the last axes. Raises: ValueError if it does not broadcast to the shape of `x`.
    """
    if noise_shape is None:
        return x.shape
    sizes = [size if n is None else n for n, size in zip(noise_shape, x.shape, strict=False)]
    last = x.shape[x.ndim - len(sizes) :]
    if len(noise_shape) > x.ndim or any(n not in (1, size) for n, size in zip(sizes, last, strict=True)):
        raise ValueError(
            f"{type(layer).__name__}: noise_shape={tuple(noise_shape)} does not broadcast to an input of shape "
            f"{tuple(x.shape)}"
        )
    return sizes
