"""Faults of the regularization layers."""

from __future__ import annotations

from typing import Any

from tests.parity.faults.planting import Fault, attached, instead, then

_HERE = "torch_layers.layers.regularization"
_DROPPED = f"{_HERE}.dropout._Dropping._dropped"
_ALPHA = f"{_HERE}.alpha_dropout.AlphaDropout.noisy"


def _another_mask_backward(correct: Any) -> Any:
    return lambda self, x, sizes: attached(correct(self, x, sizes), correct(self, x, sizes))


FAULTS = [
    Fault("rate taken for the share that is kept", _DROPPED, "Dropout", "distribution",
          instead(lambda self, x, sizes: x * (self._uniform(sizes, x) < self.rate) / self.rate)),
    Fault("values that are kept not scaled", _DROPPED, "Dropout", "distribution",
          instead(lambda self, x, sizes: x * (self._uniform(sizes, x) >= self.rate))),
    Fault("another mask in backward", _DROPPED, "Dropout", "structure", _another_mask_backward),
    Fault("noise_shape ignored", f"{_HERE}.dropout.noise_sizes", "Dropout", "structure",
          instead(lambda layer, noise_shape, x: x.shape)),
    Fault("None in noise_shape taken for 1", f"{_HERE}.alpha_dropout.noise_sizes", "AlphaDropout", "structure",
          instead(lambda layer, noise_shape, x: x.shape if noise_shape is None else [n or 1 for n in noise_shape])),
    Fault("values dropped in evaluation", f"{_HERE}.noise._Noise.forward", "SpatialDropout1D", "semantics",
          instead(lambda self, x: self.noisy(x))),
    Fault("channels dropped by place", _DROPPED, "SpatialDropout1D", "structure",
          lambda correct: lambda self, x, sizes: correct(self, x, x.shape)),
    Fault("one mask for the whole batch", _DROPPED, "SpatialDropout3D", "structure",
          lambda correct: lambda self, x, sizes: correct(self, x, (1, *sizes[1:]))),
    Fault("data_format of SpatialDropout ignored", f"{_HERE}.dropout.checked_data_format", "SpatialDropout2D",
          "structure", instead(lambda layer, data_format: "channels_last")),
    Fault("AlphaDropout drops to 0", f"{_HERE}.alpha_dropout._FLOOR", "AlphaDropout", "distribution", instead(0.0)),
    Fault("AlphaDropout without the shift", _ALPHA, "AlphaDropout", "distribution",
          lambda correct: lambda self, x: correct(self, x) - correct(self, x.new_zeros(x.shape)).max()),
    Fault("rate taken for the standard deviation", f"{_HERE}.gaussian.GaussianDropout.noisy", "GaussianDropout",
          "distribution", instead(lambda self, x: x * self._normal(1.0, self.rate, x))),
    Fault("standard deviation taken for the variance", f"{_HERE}.gaussian.GaussianNoise.noisy", "GaussianNoise",
          "distribution", instead(lambda self, x: x + self._normal(0.0, self.stddev**0.5, x))),
    Fault("GaussianNoise multiplies", f"{_HERE}.gaussian.GaussianNoise.noisy", "GaussianNoise", "distribution",
          instead(lambda self, x: x * self._normal(1.0, self.stddev, x))),
    Fault("l1 and l2 of activities swapped", "torch_layers.regularizers.L1L2", "ActivityRegularization", "semantics",
          lambda correct: lambda l1, l2: correct(l1=l2, l2=l1)),
    Fault("ActivityRegularization without a penalty", f"{_HERE}.activity_regularization.ActivityRegularization.forward",
          "ActivityRegularization", "semantics", then(lambda x: x * 0)),
]  # fmt: skip
