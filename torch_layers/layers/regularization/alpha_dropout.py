"""AlphaDropout."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.regularization.noise import _Noise, checked_noise_shape, noise_sizes

# What selu goes to for very small inputs: -alpha * scale of its definition.
_FLOOR = -1.6732632423543772 * 1.0507009873554805


class AlphaDropout(_Noise):
    """In training, set values to selu's lower limit at a rate of `rate`, then scale and shift all so that mean 0 and
    variance 1 stay; in eval, the identity.

    Shape: (batch, *) -> the same; `noise_shape` as of `Dropout`.
    Raises: ValueError if `rate` is not from 0 to 1, or `noise_shape` not of positive ints and None; at a training call
    if `rate` is 1, if `noise_shape` does not broadcast to the input's shape, or for an input that is not a float.
    Source: keras.layers.AlphaDropout, Keras 3.15.
    """

    rate: float

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(rate, seed)
        self.noise_shape = checked_noise_shape(self, noise_shape)

    def noisy(self, x: Tensor) -> Tensor:
        if self.rate == 1:
            raise ValueError("AlphaDropout: rate=1 leaves no value from which a variance of 1 could come")
        kept = self._uniform(noise_sizes(self, self.noise_shape, x), x) >= self.rate
        scale = ((1 - self.rate) * (1 + self.rate * _FLOOR**2)) ** -0.5
        return x.where(kept, _FLOOR).mul_(scale).add_(-scale * _FLOOR * self.rate)
