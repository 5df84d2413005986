"""GaussianDropout and GaussianNoise."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.regularization.noise import _Noise


class GaussianDropout(_Noise):
    """In training, x times normal noise of mean 1 and standard deviation sqrt(rate / (1 - rate)); in eval, the identity.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `rate` is not from 0 to 1; at a training call if it is 1.
    Source: keras.layers.GaussianDropout, Keras 3.15.
    """

    rate: float

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(seed, rate=rate)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        if self.rate == 1:
            raise ValueError("GaussianDropout: rate=1 would multiply by noise of infinite standard deviation")
        stddev: float = (self.rate / (1 - self.rate)) ** 0.5
        return x * (self._normal(x) * stddev + 1)


class GaussianNoise(_Noise):
    """In training, x plus normal noise of mean 0 and standard deviation `stddev`; in eval, the identity.

    Shape: (batch, *) -> the same.
    Raises: ValueError if `stddev` is not from 0 to 1.
    Source: keras.layers.GaussianNoise, Keras 3.15.
    """

    stddev: float

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(seed, stddev=stddev)

    def forward(self, x: Tensor) -> Tensor:
        return x + self._normal(x) * self.stddev if self.training and self.stddev else x
