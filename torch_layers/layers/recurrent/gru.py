"""GRU and its cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from torch_layers import activations
from torch_layers.layers.recurrent.cell import _Cell
from torch_layers.layers.recurrent.through_time import OfGRU, fits
from torch_layers.layers.recurrent.units import _OfUnits

_OVER_TIME = OfGRU()
_ELEMENTWISE = (activations.sigmoid, activations.hard_sigmoid)


def _mixed(n: Tensor, h: Tensor, z: Tensor) -> tuple[Tensor, list[Tensor]]:
    # In the dtype of the state: autocast may have chosen another for the gates.
    new = torch.lerp(n.to(h.dtype), h, z.to(h.dtype))
    return new, [new]


class GRUCell(_Cell):
    """One step of GRU. With x_g = x @ weight_ih.T + bias and h_g = h @ weight_hh.T for each gate g of r, z, n:

        r, z = recurrent_activation(x_r + h_r), recurrent_activation(x_z + h_z)
        n = activation(x_n + r * (h_n + bias of its own)), or with `reset_after=False` of x_n + (r * h) @ weight_hh_n.T
        h' = z * h + (1 - z) * n, which is output and state.

    Keras's order of the gates is z, r, h; its `reset_after=False` is that of Keras 2.0 to 2.1 and of Cho et al.

    Shape: (batch, features), state (batch, units), alone or in a list -> (batch, units), state; `weight_ih`
    (3 * units, features), `weight_hh` (3 * units, units), `bias` (2, 3 * units), the second row for the state, or
    (3 * units,) with `reset_after=False`.
    Raises: ValueError if `units` is not a positive int or a rate not a number.
    Source: keras.layers.GRUCell, Keras 3.15.
    """

    gates = ("z+r+h", "r+z+h")
    too_special = (FakeTensor,)  # without cuDNN, torch 2.13 knows no shapes of its kernel's steps

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after
        self._set_cell(locals())

    def _declare_bias(self, pattern: str, given: Mapping[str, Any]) -> None:
        if self.reset_after:
            pattern = "two " + pattern.replace("-> ", "-> two ")
        super()._declare_bias(pattern, given)

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Tensor | None:
        bias = super()._input_bias()
        return bias.unbind(0)[0] if bias is not None and self.reset_after else bias

    def _steps(self, projected: Tensor) -> Sequence[Any]:
        gates, new = torch.split(projected, [2 * self.units, self.units], -1)
        return list(zip(gates.unbind(1), new.unbind(1), strict=True))

    def _recurrent(self, weight: Tensor, kept: Tensor | None) -> Any:
        if not self.reset_after:
            sizes, axis = ([2 * self.units, self.units], 1) if kept is None else ([2, 1], 0)
            return torch.split(weight, sizes, axis)
        return weight, None if self.bias is None else self.cast(self.bias).unbind(0)[1]

    def step(self, x: Any, states: Any, recurrent: Any, kept: Tensor | None) -> tuple[Tensor, Any]:
        (x_gates, x_n), h = x, states[0]
        if kept is not None:
            return self._step_with_dropout(x_gates.chunk(2, -1), x_n, h, recurrent, kept)
        if self.reset_after:
            weight, bias = recurrent
            hidden = h @ weight if bias is None else torch.addmm(bias, h, weight)
            h_gates, h_n = torch.split(hidden, [2 * self.units, self.units], -1)
            r, z = self._gates(x_gates + h_gates)
            n = self.activation(torch.addcmul(x_n, r, h_n))
        else:
            of_gates, of_new = recurrent
            r, z = self._gates(torch.addmm(x_gates, h, of_gates))
            n = self.activation(torch.addmm(x_n, r * h, of_new))
        return _mixed(n, h, z)

    def _gates(self, both: Tensor) -> Sequence[Tensor]:
        # Others may look at all values of a gate, as softmax does.
        if self.recurrent_activation in _ELEMENTWISE:
            joined: Tensor = self.recurrent_activation(both)
            return joined.chunk(2, -1)
        return [self.recurrent_activation(gate) for gate in both.chunk(2, -1)]

    def _step_with_dropout(
        self, x_gates: Sequence[Tensor], x_n: Tensor, h: Tensor, recurrent: Any, kept: Tensor
    ) -> tuple[Tensor, Any]:
        gate, (x_r, x_z) = self.recurrent_activation, x_gates
        if self.reset_after:
            weight, bias = recurrent
            hidden = (h * kept) @ weight
            h_r, h_z, h_n = hidden if bias is None else hidden + bias.view(3, 1, -1)
            r, z = gate(x_r + h_r), gate(x_z + h_z)
            n = self.activation(x_n + r * h_n)
        else:
            of_gates, of_new = recurrent
            h_r, h_z = (h * kept[:2]) @ of_gates
            r, z = gate(x_r + h_r), gate(x_z + h_z)
            n = self.activation(x_n + (r * (h * kept[2])) @ of_new[0])
        return _mixed(n, h, z)

    def is_fused(self) -> bool:
        usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return usual and self.reset_after and super().is_fused()

    def fused(self, sequence: Tensor, states: Sequence[Tensor], behind: Tensor | None = None) -> tuple[Tensor, ...]:
        weights, train, h = self.fused_weights(), torch.is_grad_enabled(), states[0]
        if fits(sequence, h, *weights):
            weight, recurrent, *biases = weights
            inputs = F.linear(sequence.transpose(0, 1), weight, *biases[:1])
            outputs = _OVER_TIME.over(inputs, h, recurrent, *biases[1:])
            return outputs.transpose(0, 1), outputs[-1].clone()
        outputs, h = torch.gru(sequence, h.unsqueeze(0), weights, self.use_bias, 1, 0.0, train, False, batch_first=True)
        return outputs, h.squeeze(0)


class GRU(_OfUnits):
    """Gated recurrent unit, as GRUCell computes it; masks, states and the order of steps are as of `RNN`, which this is.

    `dropout` is for inputs and `recurrent_dropout` for the state, with one mask for all steps of a sequence.
    Shape: (batch, time, features) -> (batch, units), or (batch, time, units) with `return_sequences`; weights as of
    GRUCell, `cell.weight_ih` and so on.
    Raises: ValueError as RNN and GRUCell do, and for `time_major=True`.
    Source: keras.layers.GRU, Keras 3.15.
    """

    cell_class = GRUCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
