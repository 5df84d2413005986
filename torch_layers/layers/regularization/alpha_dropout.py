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
    Raises: ValueError if `rate` is not from 0 to 1, or if `noise_shape` does not broadcast to the input's shape.
    Source: keras.layers.AlphaDropout, Keras 3.15.
    """

    rate: float

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_noise(seed, rate=rate)
        self.noise_shape = checked_noise_shape(self, noise_shape)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        kept = self._uniform(noise_sizes(self, self.noise_shape, x), x) >= self.rate
        scale = ((1 - self.rate) * (1 + self.rate * _FLOOR**2)) ** -0.5 if self.rate < 1 else float("inf")
        return x.where(kept, _FLOOR) * scale - scale * _FLOOR * self.rate
