"""SimpleRNN and its cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.recurrent.cell import _Cell
from torch_layers.layers.recurrent.through_time import OfSimpleRNN, fits
from torch_layers.layers.recurrent.units import _OfUnits

_KERNELS = {activations.tanh: torch.rnn_tanh, activations.relu: torch.rnn_relu}
_OVER_TIME = {
    activations.tanh: OfSimpleRNN(torch.tanh_, lambda y: 1 - y * y),
    activations.relu: OfSimpleRNN(torch.relu_, lambda y: (y > 0).to(y.dtype)),
}


class SimpleRNNCell(_Cell):
    """One step of SimpleRNN: h' = activation(x @ weight_ih.T + bias + h @ weight_hh.T), which is output and state.

    Shape: (batch, features), state (batch, units), alone or in a list -> (batch, units), state; `weight_ih`
    (units, features), `weight_hh` (units, units), `bias` (units,).
    Raises: ValueError if `units` is not a positive int or a rate not a number.
    Source: keras.layers.SimpleRNNCell, Keras 3.15.
    """

    gates = ("o", "o")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_cell(locals())

    def step(self, x: Tensor, states: Any, weight: Tensor, kept: Tensor | None) -> tuple[Tensor, Any]:
        h = states[0] if kept is None else states[0] * kept
        output = self.activation(torch.addmm(x, h, weight))
        return output, [output]

    def is_fused(self) -> bool:
        return self.activation in _KERNELS and super().is_fused()

    def fused(self, sequence: Tensor, states: Sequence[Tensor], behind: Tensor | None = None) -> tuple[Tensor, ...]:
        weights, train, h = self.fused_weights(), torch.is_grad_enabled(), states[0]
        if fits(sequence, h, *weights):
            weight, recurrent, *biases = weights
            inputs = F.linear(sequence.transpose(0, 1), weight, *biases[:1])  # the other is of zeros
            outputs = _OVER_TIME[self.activation].over(inputs, h, recurrent)
            return outputs.transpose(0, 1), outputs[-1].clone()
        kernel = _KERNELS[self.activation]
        outputs, h = kernel(sequence, h.unsqueeze(0), weights, self.use_bias, 1, 0.0, train, False, batch_first=True)
        return outputs, h.squeeze(0)


class SimpleRNN(_OfUnits):
    """The RNN whose output is its state: h_t = activation(x_t @ weight_ih.T + bias + h_t-1 @ weight_hh.T).

    Masks, states and the order of steps are as of `RNN`, which this is. `dropout` is for inputs and `recurrent_dropout`
    for the state, with one mask for all steps of a sequence. As in Keras, `activity_regularizer` has no effect.
    Shape: (batch, time, features) -> (batch, units), or (batch, time, units) with `return_sequences`; weights as of
    SimpleRNNCell, `cell.weight_ih` and so on.
    Raises: ValueError as RNN and SimpleRNNCell do, and for `time_major=True`.
    Source: keras.layers.SimpleRNN, Keras 3.15.
    """

    cell_class = SimpleRNNCell
    config_omits = _OfUnits.config_omits | {"seed"}  # as Keras's config does

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__({**locals(), "activity_regularizer": None}, **kwargs)
