"""GaussianDropout and GaussianNoise."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.regularization.noise import _Noise


class GaussianDropout(_Noise):
    """In training, x times normal noise of mean 1 and standard deviation sqrt(rate / (1 - rate)); in eval, the identity.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `rate` is not from 0 to 1; at a training call if it is 1 or for an input that is not a float.
    Source: keras.layers.GaussianDropout, Keras 3.15.
    """

    rate: float

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(rate, seed)

    def noisy(self, x: Tensor) -> Tensor:
        if self.rate == 1:
            raise ValueError("GaussianDropout: rate=1 would multiply by noise of infinite standard deviation")
        return x * self._normal(1.0, (self.rate / (1 - self.rate)) ** 0.5, x)


class GaussianNoise(_Noise):
    """In training, x plus normal noise of mean 0 and standard deviation `stddev`; in eval, the identity.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `stddev` is not from 0 to 1; at a training call for an input that is not a float.
    Source: keras.layers.GaussianNoise, Keras 3.15.
    """

    strength = "stddev"
    stddev: float

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(stddev, seed)

    def noisy(self, x: Tensor) -> Tensor:
        return x + self._normal(0.0, self.stddev, x)
