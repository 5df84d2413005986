"""Layers of Keras 2 that Keras 3 has no namesake of. They are no layers of `torch_layers.layers`: old files alone name
them.

Source: keras/layers and keras/legacy/layers.py, Keras 2.0 to 2.3; tf_keras/src/layers, 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.activation.numbers import number
from torch_layers.layers.arguments import positive_ints
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.core.wrapper import Wrapper
from torch_layers.layers.data_format import as_given, channels_first, checked_data_format
from torch_layers.layers.recurrent.bidirectional import Bidirectional
from torch_layers.registry import Registry

legacy_layers = Registry("layer", "torch_layers.saving.legacy.layers")


def around(described: dict[str, Any], class_name: str, **arguments: Any) -> dict[str, Any]:
    """Return the entry of a wrapper that stands for the layer in it: of its name, and computing in its dtype."""
    kept = {key: described["config"][key] for key in ("name", "dtype") if key in described["config"]}
    config = {**kept, "layer": described, **arguments}
    return {"module": legacy_layers.module, "class_name": class_name, "config": config, "registered_name": None}


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

    With `time_major`, the input, its mask and the outputs of all steps begin with the axis of time. Where all steps so far
    were masked, the output is that of a layer that has seen nothing, 0; with `starts_with_state` it is the first state.
    Shape: as of `layer`, with the first two axes exchanged if `time_major`.
    Raises: what `layer` raises.
    Source: keras/layers/recurrent.py (RNN.__call__), Keras 2.3; tf_keras/src/layers/rnn/base_rnn.py, 2.21.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False

    def __init__(self, layer: Any, time_major: bool = False, starts_with_state: bool = False, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.time_major, self.starts_with_state = time_major, starts_with_state

    def build(self, input_shape: Any = None) -> None:
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        super().build((shape[1], shape[0], *shape[2:]) if self.time_major else shape)

    def forward(self, inputs: Any, mask: Any = None) -> Any:
        states = {}
        if isinstance(inputs, (list, tuple)):
            inputs, states = inputs[0], {"initial_state": list(inputs[1:])}
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        if self.time_major:
            inputs, mask = inputs.transpose(0, 1), None if mask is None else mask.transpose(0, 1)
        outputs = self.layer(inputs, mask=mask, **states)
        output, rest = (outputs, ()) if isinstance(outputs, Tensor) else (outputs[0], outputs[1:])
        if self.starts_with_state and mask is not None and states:
            output = self._beginning_with(states["initial_state"][0], output, mask)
        if self.time_major and self.layer.return_sequences:
            output = output.transpose(0, 1)
        return (output, *rest) if rest else output

    def _beginning_with(self, state: Tensor, output: Tensor, mask: Tensor) -> Tensor:
        """Return the outputs with a state in the place of those before the first step that is not masked."""
        mask = mask.flip(1) if self.layer.go_backwards else mask
        if not self.layer.return_sequences:
            return torch.where(mask.any(1, keepdim=True), output, state)
        has_begun = mask.cumsum(1).unsqueeze(-1) > 0
        return torch.where(has_begun, output, state.unsqueeze(1))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the outputs, as `layer` says."""
        return self.layer.compute_mask(inputs, mask)


class BidirectionalOfKeras2(Bidirectional):
    """A Bidirectional that repeats the last output at steps that `mask` leaves out, where later ones return zeros.

    Shape: as of Bidirectional.
    Raises: as Bidirectional.
    Source: keras.layers.Bidirectional, Keras 1.2 to 2.3.
    """

    registry = legacy_layers

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        for one in (self.forward_layer, self.backward_layer):
            one.zero_output_for_mask = False


class BilinearUpSampling2D(Layer):
    """Images `size` times as large: y at place p is interpolated between the pixels around p / size.

    Later versions keep the centres of pixels, not their corners, in place: (p + 0.5) / size - 0.5.
    Shape: (batch, height, width, channels) -> (batch, height * size, width * size, channels), or channels first.
    Raises: ValueError if `size` is not one or two positive ints.
    Source: keras.layers.UpSampling2D(interpolation="bilinear"), Keras 2.2 and 2.3, on TensorFlow.
    """

    registry = legacy_layers
    takes_integers = False
    input_spec = InputSpec(min_ndim=4, max_ndim=4)

    def __init__(self, size: int | Sequence[int] = (2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive_ints(self, "size", size, 2)
        self.data_format = checked_data_format(self, data_format)

    def forward(self, x: Tensor) -> Tensor:
        y = channels_first(x, self.data_format)
        for axis, factor in zip((2, 3), self.size, strict=True):
            places = torch.arange(y.shape[axis] * factor, device=y.device)
            low = places.div(factor, rounding_mode="floor")
            high = (low + 1).clamp(max=y.shape[axis] - 1)
            share = (places % factor).to(y.dtype).div(factor).reshape(-1, *(1,) * (3 - axis))
            y = torch.lerp(y.index_select(axis, low), y.index_select(axis, high), share)
        return as_given(y, self.data_format)
