"""LSTM and its cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_layers import activations
from torch_layers.layers.recurrent.cell import _Cell
from torch_layers.layers.recurrent.units import _OfUnits


class LSTMCell(_Cell):
    """One step of LSTM. With the gates i, f, g, o side by side in x @ weight_ih.T + bias + h @ weight_hh.T:

        c' = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
        h' = recurrent_activation(o) * activation(c'), which is the output; the states are h', c'.

    With `unit_forget_bias`, the bias of f begins at 1.

    Shape: (batch, features), states [h, c], (batch, units) each -> (batch, units), [h', c']; `weight_ih`
    (4 * units, features), `weight_hh` (4 * units, units), `bias` (4 * units,).
    Raises: ValueError if `units` is not a positive int or a rate not a number.
    Source: keras.layers.LSTMCell, Keras 3.15.
    """

    gates = ("i+f+c+o", "i+f+c+o")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self._set_cell(locals())
        self.state_size = [self.units, self.units]
        if use_bias and unit_forget_bias:
            initializer = partial(open_forget_gate, self.bias_initializer)
            self._specs["bias"] = replace(self._specs["bias"], initializer=initializer)

    def step(self, x: Tensor, states: Any, weight: Tensor, kept: Tensor | None) -> tuple[Tensor, Any]:
        h, c = states
        if kept is None:
            i, f, g, o = torch.addmm(x, h, weight).chunk(4, -1)
        else:
            i, f, g, o = (a + b for a, b in zip(x.chunk(4, -1), (h * kept) @ weight, strict=True))
        gate, activation = self.recurrent_activation, self.activation
        c = gate(f) * c + gate(i) * activation(g)
        h = gate(o) * activation(c)
        return h, [h, c]

    def is_fused(self) -> bool:
        usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return usual and super().is_fused()

    def fused(self, sequence: Tensor, states: Sequence[Tensor], behind: Tensor | None = None) -> tuple[Tensor, ...]:
        weights, train = self.fused_weights(), torch.is_grad_enabled()
        if behind is not None:
            sequence, weights[0] = _holding(sequence, weights[0], behind)
        first = tuple(state.unsqueeze(0) for state in states)
        outputs, h, c = torch.lstm(sequence, first, weights, self.use_bias, 1, 0.0, train, False, batch_first=True)
        return outputs, h.squeeze(0), c.squeeze(0)


def _holding(sequence: Tensor, weight: Tensor, behind: Tensor) -> tuple[Tensor, Tensor]:
    """Return a sequence and an input weight with one feature more, which holds the carry where `behind` is True.

    It is so large there that i is exactly 0 and f exactly 1, and their gradients 0.
    """
    # Zeros in the place of junk: a NaN would not be held.
    sequence = sequence.masked_fill(behind.unsqueeze(-1), 0.0)
    large = torch.finfo(sequence.dtype).max / 4
    feature = behind.unsqueeze(-1) * torch.full((), large, dtype=sequence.dtype, device=sequence.device)
    units = weight.shape[0] // 4
    column = torch.cat([weight.new_full((units, 1), -1.0), weight.new_ones(units, 1), weight.new_zeros(2 * units, 1)])
    return torch.cat([sequence, feature], -1), torch.cat([weight, column], -1)


def open_forget_gate(initializer: Callable[..., Tensor], shape: Sequence[int], **kwargs: Any) -> Tensor:
    """Return a bias of LSTM from `initializer`, but with 1 for the forget gate."""
    units = shape[0] // 4
    first, last = initializer((units,), **kwargs), initializer((2 * units,), **kwargs)
    return torch.cat([first, torch.ones_like(first), last])


class LSTM(_OfUnits):
    """Long short-term memory, as LSTMCell computes it; masks, states and the order of steps are as of `RNN`.

    `dropout` is for inputs and `recurrent_dropout` for the state, with one mask for all steps of a sequence.
    Shape: (batch, time, features) -> (batch, units), or (batch, time, units) with `return_sequences`; weights as of
    LSTMCell, `cell.weight_ih` and so on.
    Raises: ValueError as RNN and LSTMCell do, and for `time_major=True`.
    Source: keras.layers.LSTM, Keras 3.15.
    """

    cell_class = LSTMCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
