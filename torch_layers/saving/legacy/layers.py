"""Layers of Keras 2 that Keras 3 has no namesake of. They are no layers of `torch_layers.layers`: old files alone name
them.

Source: keras/layers and keras/legacy/layers.py, Keras 2.0 to 2.3; tf_keras/src/layers, 2.21.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.activation.numbers import number
from torch_layers.layers.base import Layer
from torch_layers.layers.core.wrapper import Wrapper
from torch_layers.registry import Registry

legacy_layers = Registry("layer", "torch_layers.saving.legacy.layers")


class ThresholdedReLU(Layer):
    """y = x where x > theta, else 0.

    Shape: any -> the same.
    Raises: ValueError if `theta` is no number of at least 0.
    Source: keras.layers.ThresholdedReLU, Keras 2.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = number(self, "theta", theta, low=0.0)

    def forward(self, x: Tensor) -> Tensor:
        # A product, as in Keras: -inf gives NaN.
        return x * (x > self.theta)


class CalledAsInKeras2(Wrapper):
    """A recurrent layer, `layer`, that takes a list of its input and its first states, and sees the input's mask then too.

    With `time_major`, the input, its mask and the outputs of all steps begin with the axis of time.
    Shape: as of `layer`, with the first two axes exchanged if `time_major`.
    Raises: what `layer` raises.
    Source: keras/layers/recurrent.py (RNN.__call__), Keras 2.3; tf_keras/src/layers/rnn/base_rnn.py, 2.21.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False

    def __init__(self, layer: Any, time_major: bool = False, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.time_major = time_major

    def build(self, input_shape: Any = None) -> None:
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        super().build((shape[1], shape[0], *shape[2:]) if self.time_major else shape)

    def forward(self, inputs: Any, mask: Any = None) -> Any:
        states = {}
        if isinstance(inputs, (list, tuple)):
            inputs, states = inputs[0], {"initial_state": list(inputs[1:])}
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        if not self.time_major:
            return self.layer(inputs, mask=mask, **states)
        mask = None if mask is None else mask.transpose(0, 1)
        outputs = self.layer(inputs.transpose(0, 1), mask=mask, **states)
        if not self.layer.return_sequences:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs.transpose(0, 1)
        return (outputs[0].transpose(0, 1), *outputs[1:])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the outputs, as `layer` says."""
        return self.layer.compute_mask(inputs, mask)
