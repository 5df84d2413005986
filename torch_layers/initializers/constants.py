"""Initializers that draw nothing: constants, the identity and the kernels of a Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_layers.initializers import windows
from torch_layers.initializers.initializer import Device, DType, Initializer, dtype_of


class Zeros(Initializer):
    """All values are 0. Source: keras.initializers.Zeros, Keras 3.15."""

    aliases = ("zeros", "zero")

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        return torch.zeros(tuple(shape), dtype=dtype_of(dtype), device=device)


class Ones(Initializer):
    """All values are 1. Source: keras.initializers.Ones, Keras 3.15."""

    aliases = ("ones", "one")

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        return torch.ones(tuple(shape), dtype=dtype_of(dtype), device=device)


class Constant(Initializer):
    """All values are `value`, a number or an array or tensor that broadcasts to the weight's shape.

    Raises: ValueError, when called, if it doesn't.
    Source: keras.initializers.Constant, Keras 3.15.
    """

    aliases = ("constant",)

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value
        # What `initializers.get` makes of an array fits one shape only.
        self.only_shape: tuple[int, ...] | None = None

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        made = torch.empty(tuple(shape), dtype=dtype_of(dtype), device=device)
        value = torch.as_tensor(self.value, dtype=made.dtype).detach()
        pairs = zip(reversed(value.shape), reversed(made.shape), strict=False)
        fits = value.ndim <= made.ndim and all(size in (1, wanted) for size, wanted in pairs)
        if not fits or self.only_shape not in (None, made.shape):
            raise ValueError(f"Constant: value has the shape {tuple(value.shape)}, the weight {tuple(shape)}")
        return made.copy_(value)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere. Like Keras's, its config forgets `gain`.

    Raises: ValueError, when called, if the shape has not two axes.
    Source: keras.initializers.Identity, Keras 3.15.
    """

    aliases = ("identity", "IdentityInitializer")
    config_omits = frozenset({"gain"})

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity: shape={tuple(shape)} has {len(shape)} axes, not 2")
        made = dtype_of(dtype)
        return (torch.eye(*shape, dtype=made, device=device) * self.gain).to(made)


class STFT(Initializer):
    """The kernel of a convolution that computes one side of a short-time Fourier transform.

    kernel[t, 0, f] = window[t] / scale * cos(-2 pi t f / n), with n = 2 * (bands - 1) and sin for the "imag" side; the
    scale is the window's L2 norm for scaling="density", its L1 norm for "spectrum". Computed in float64.

    Shape: (frame, 1, bands).
    Raises: ValueError for a `side`, `window` or `scaling` that isn't known, and, when called, for another shape or a
    window of another length than the frame.
    Source: keras.initializers.STFT, Keras 3.15.
    """

    aliases = ("stft", "STFTInitializer")

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: side={side!r} is not one of ('real', 'imag')")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"STFT: scaling={scaling!r} is not one of (None, 'density', 'spectrum')")
        if isinstance(window, str):
            windows.window(window, 1, periodic)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        if len(shape) != 3 or shape[1] != 1:
            raise ValueError(f"STFT: shape={tuple(shape)} is not (frame, 1, bands)")
        frame, _, bands = shape
        angle = np.outer(np.arange(frame), np.arange(bands)) * (-np.pi / (bands - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            values = windows.window(self.window, frame, self.periodic) if isinstance(self.window, str) else self.window
            values = np.asarray(values, dtype=np.float64)
            if values.shape != (frame,):
                raise ValueError(f"STFT: window has the shape {values.shape}, not ({frame},) as the frame has")
            if self.scaling is not None:
                values = values / np.linalg.norm(values, 2 if self.scaling == "density" else 1)
            kernel = kernel * values[:, None]
        return torch.as_tensor(kernel[:, None], dtype=dtype_of(dtype), device=device)
