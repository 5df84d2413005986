"""The cell of the convolutional LSTMs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations, registry
from torch_layers.layers.convolution.base import AXES, _Convolution
from torch_layers.layers.data_format import as_given
from torch_layers.layers.recurrent.cell import _share
from torch_layers.layers.recurrent.loop import loop
from torch_layers.layers.recurrent.lstm import open_forget_gate
from torch_layers.layers.regularization.noise import _Noise
from torch_layers.layers.windows import flat, same_padding, spread

_GATES = 4
_ELEMENTWISE = {
    *("elu", "gelu", "hard_sigmoid", "linear", "relu", "relu6"),
    *("sigmoid", "silu", "softplus", "softsign", "tanh"),
}


class _ConvLSTMCell(_Convolution, _Noise):
    """One step of a convolutional LSTM: the gates i, f, c, o are convolutions of the input and of the last output.

    i, f, o = recurrent_activation(conv(x) + conv(h) + bias), c = f * c + i * activation(conv(x) + conv(h) + bias) and
    h = o * activation(c). conv(h) keeps h's size, whatever conv(x) does to that of x. States have the user's layout.
    """

    strength = "dropout"
    computes_on_views = False
    kernel_size: tuple[int, ...]
    filters: int
    dropout: float
    activation: Any
    weight_ih: Tensor
    weight_hh: Tensor
    bias_initializer: Any

    # What describes a cell; its constructor takes all of them by name.
    arguments = (
        *("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation"),
        *("recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer"),
        *("unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer"),
        *("kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "seed"),
    )

    def __init__(self, **kwargs: Any) -> None:
        given = {name: kwargs.pop(name) for name in self.arguments}
        super().__init__(**kwargs)
        self._set_counts(filters=given["filters"])
        self._set_geometry(*(given[name] for name in self.arguments[1:6]))
        self._forbid_strided_dilation()
        self.recurrent_activation = activations.get(given["recurrent_activation"])
        self.unit_forget_bias = given["unit_forget_bias"]
        self._set_noise(_share(self, "dropout", given["dropout"]), given["seed"])
        self.recurrent_dropout = _share(self, "recurrent_dropout", given["recurrent_dropout"])
        self.state_size: Any = [-1, -1]  # known when the cell is built
        axes = AXES[self.rank - 1]
        self.declare("weight_ih", f"{axes} i o -> o i {axes}", "kernel", "kernel", given)
        self.declare("weight_hh", f"{axes} i o -> o i {axes}", "recurrent_kernel", "recurrent", given)
        self._set_ends(given["activation"], given["use_bias"], given)
        if self.use_bias and self.unit_forget_bias:
            initializer = partial(open_forget_gate, self.bias_initializer)
            self._specs["bias"] = replace(self._specs["bias"], initializer=initializer)
        functions = (self.activation, self.recurrent_activation)
        # Others, such as softmax, see the user's axes.
        self._is_elementwise = all(registry.activations.name_of(f) in _ELEMENTWISE for f in functions)
        pads = [same_padding(size, size, 1, 1) for size in self.kernel_size]
        # An even kernel gets one more at the end.
        self._recurrent_pads = flat(pads)
        self._even_pads = [0] * (self.rank == 1) + [b for b, _ in pads] if all(b == a for b, a in pads) else None

    # --- build and states ------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        channels, filters = self._channels(input_shape), self.filters
        sizes = input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:]
        if None in sizes:
            raise ValueError(
                f"{type(self).__name__}: the sizes of an input of shape {tuple(input_shape)} must be known"
            )
        kernel = self.kernel_size
        bias = {"bias": (_GATES * filters,)} if self.use_bias else {}
        self.create_weights(
            weight_ih=(*kernel, channels, _GATES * filters), weight_hh=(*kernel, filters, _GATES * filters), **bias
        )
        self._expect(channels)
        geometry = zip(sizes, kernel, self.strides, self.dilation_rate, strict=True)
        valid = self.padding == "valid"
        new = tuple((n - spread(k, d) * valid) // s + 1 if valid else -(-n // s) for n, k, s, d in geometry)
        self.state_size = [(*new, filters) if self.data_format == "channels_last" else (filters, *new)] * 2

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Return states of zeros for a batch."""
        return [
            torch.zeros(batch_size or 0, *size, dtype=self.compute_dtype, device=self.weight_hh.device)
            for size in self.state_size
        ]

    # --- computing: on views with the channels first, of which the gates are contiguous parts ------------------------

    def forward(self, inputs: Tensor, states: Any) -> tuple[Tensor, list[Tensor]]:  # type: ignore[override]
        """Return the output of one step, and the states after it."""
        return self.over_time(inputs.unsqueeze(1), states, None, False, True)

    def over_time(
        self, sequence: Tensor, states: Sequence[Tensor], mask: Tensor | None, everything: bool, final: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Run over a sequence; see `torch_layers.layers.recurrent.loop.over_time`."""
        sizes = sequence.shape[:2]
        # Elementwise functions of contiguous parts are quicker, by more than this copy costs.
        x = _contiguous(self._view(sequence.flatten(0, 1)))
        h, c = (_contiguous(self._view(state)) for state in states)
        weight, groups, kept = self.cast(self.weight_ih), 1, None
        if self.training:
            x, groups = self._dropped(x, sizes)
            kept = self._factors(h, self.recurrent_dropout)
        inputs = self._convolve(x, weight, self._bias(), groups)
        if inputs.shape[2:] != h.shape[2:]:
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(sequence.shape)} has images of another size than the layer "
                f"was built for, whose states have shape {tuple(states[0].shape)}"
            )
        recurrent = self.cast(self.weight_hh)
        if self.rank == 1:
            recurrent = recurrent.unsqueeze(2)

        def step(x: Tensor, states: Any) -> tuple[Tensor, list[Tensor]]:
            h, c = states
            gates = x + self._recur(h, recurrent, kept)
            return self._next(gates, c)

        output, states = loop(step, inputs.view(*sizes, *inputs.shape[1:]).unbind(1), [h, c], mask, everything)
        if everything:
            output = self._outside(output.flatten(0, 1))
            output = output.view(*sizes, *output.shape[1:])
        else:
            output = self._outside(output)
        return output, [self._outside(state) for state in states]

    def _recur(self, h: Tensor, weight: Tensor, kept: Tensor | None) -> Tensor:
        """Convolve the last output."""
        padding: Any = self._even_pads
        groups = 1
        if kept is not None:
            h, groups = torch.cat([h] * _GATES, 1) * kept, _GATES
        if padding is None:
            h, padding = F.pad(h, self._recurrent_pads), 0
        return (F.conv3d if self.rank == 3 else F.conv2d)(h, weight, None, 1, padding, 1, groups)

    def _next(self, gates: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
        i, f, new, o = gates.chunk(_GATES, 1)
        activate, gate = self.activation, self.recurrent_activation
        if not self._is_elementwise:
            activate, gate = self._outside_of(activate), self._outside_of(gate)
        c = torch.addcmul(gate(f) * c, gate(i), activate(new))
        h = gate(o) * activate(c)
        return h, [h, c]

    def _outside_of(self, function: Any) -> Any:
        return lambda x: self._view(function(self._outside(x)))

    def _outside(self, y: Tensor) -> Tensor:
        """Return a view of what was computed in the user's layout."""
        y = as_given(y, self.data_format)
        if self.rank == 1:
            y = y.squeeze(1 if self.data_format == "channels_last" else 2)
        return y

    # --- dropout: of four copies of the input, one for each gate, which are groups of a convolution --------------------

    def _dropped(self, x: Tensor, sizes: Sequence[int]) -> tuple[Tensor, int]:
        kept = self._factors(x.view(*sizes, *x.shape[1:])[:, 0], self.dropout)
        if kept is None:
            return x, 1
        # The same for all steps.
        return torch.cat([x] * _GATES, 1) * kept.unsqueeze(1).expand(-1, sizes[1], *kept.shape[1:]).flatten(
            0, 1
        ), _GATES

    def _factors(self, x: Tensor, rate: float) -> Tensor | None:
        """Draw 0 at a rate of `rate`, else 1 / (1 - rate), for each value and gate. As in Keras, a rate of 1 is none."""
        if not 0 < rate < 1:
            return None
        drawn = self._uniform((x.shape[0], _GATES * x.shape[1], *x.shape[2:]), x)
        return drawn.sub_(rate).ceil_().mul_(1 / (1 - rate)).to(x.dtype)


def _contiguous(x: Tensor) -> Tensor:
    # Of tensors that exist in name only, on CUDA for a CPU's torch, `contiguous` asks for the device.
    return x if x.is_contiguous() else x.clone(memory_format=torch.contiguous_format)


class _ConvLSTMCell1D(_ConvLSTMCell):
    rank: ClassVar[int] = 1


class _ConvLSTMCell2D(_ConvLSTMCell):
    rank: ClassVar[int] = 2


class _ConvLSTMCell3D(_ConvLSTMCell):
    rank: ClassVar[int] = 3


# By the number of axes that are convolved.
_CELLS = {1: _ConvLSTMCell1D, 2: _ConvLSTMCell2D, 3: _ConvLSTMCell3D}
