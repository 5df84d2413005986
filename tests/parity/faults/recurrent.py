"""Faults of the recurrent layers and their cells."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.faults.planting import Fault, half_precision, instead, then, without
from torch_layers import activations
from torch_layers.layers.recurrent.compaction import _steps

_HERE = "torch_layers.layers.recurrent"
_LSTM, _GRU = f"{_HERE}.lstm.LSTMCell", f"{_HERE}.gru.GRUCell"
_RNN, _CELL = f"{_HERE}.rnn.RNN", f"{_HERE}.cell._Cell"
_COMPACTION = f"{_HERE}.compaction.Compaction"


def _of_output(change: Any) -> Any:
    """Change the output of a layer, not its states."""

    def replacement(forward: Any) -> Any:
        def faulty(self: Any, *args: Any, **kwargs: Any) -> Any:
            y = forward(self, *args, **kwargs)
            return (change(self, y[0]), *y[1:]) if isinstance(y, tuple) else change(self, y)

        return faulty

    return replacement


def _always(fused: Any) -> Any:
    return lambda self: True


def _two_biases(weights: Any) -> Any:
    """Share the bias among torch's two, and give both the whole of it."""
    return lambda self: [w if w.ndim > 1 or w.any() else weights(self)[2] for w in weights(self)]


FAULTS = [
    Fault("gates of LSTM in cuDNN's old order", f"{_LSTM}.gates", "LSTM", "semantics",
          instead(("i+f+c+o", "i+f+o+c"))),
    Fault("input and forget gate of LSTM swapped", f"{_LSTM}.gates", "LSTMCell", "semantics",
          instead(("i+f+c+o", "f+i+c+o"))),
    Fault("gates of GRU in Keras's order for torch's kernel", f"{_GRU}.gates", "GRU", "semantics",
          instead(("z+r+h", "z+r+h"))),
    Fault("update gate of GRU the other way round", "torch.lerp", "GRUCell", "semantics",
          lambda lerp: lambda n, h, z: lerp(h, n, z)),
    Fault("reset_after ignored", f"{_GRU}.is_fused", "GRU", "",
          lambda fused: lambda self: self.activation is activations.tanh),
    Fault("gates activated side by side", f"{_HERE}.gru._ELEMENTWISE", "GRUCell", "semantics",
          instead((activations.softmax,))),
    Fault("activation of LSTM is always tanh", f"{_LSTM}.is_fused", "LSTM", "semantics", _always),
    Fault("recurrent activation taken for the activation", f"{_LSTM}.step", "LSTMCell", "semantics",
          lambda step: lambda self, *args: _swapped(self, step, args)),
    Fault("output of LSTM is its carry", f"{_LSTM}.step", "LSTMCell", "semantics",
          then(lambda both: (both[1][1], both[1]))),
    Fault("states of LSTM swapped", f"{_LSTM}.fused", "LSTM", "semantics", then(lambda y: (y[0], y[2], y[1]))),
    Fault("bias added twice", f"{_CELL}.fused_weights", "LSTM", "semantics", _two_biases),
    Fault("way back past the update gate forgotten", f"{_HERE}.through_time.OfGRU.factors", "GRU",
          "semantics of gradients", then(lambda factors: (factors[0], None, factors[2]))),
    Fault("slope of SimpleRNN without its activation", f"{_HERE}.through_time.OfSimpleRNN.factors", "SimpleRNN",
          "semantics of gradients", then(lambda factors: (torch.ones_like(factors[0]), None, None))),
    Fault("bias of a layer without fused kernel forgotten", f"{_CELL}._input_bias", "LSTM", "semantics",
          instead(lambda self: None)),
    Fault("mask ignored", f"{_RNN}._checked_mask", "LSTM", "semantics", then(torch.ones_like)),
    Fault("mask not reversed with the sequence", f"{_RNN}._checked_mask", "GRU", "semantics",
          lambda checked: lambda self, *args: checked(self, *args).flip(1) if self.go_backwards
          else checked(self, *args)),
    Fault("masked steps give zeros", f"{_RNN}.forward", "SimpleRNN", "semantics",
          lambda forward: lambda self, x, initial_state=None, mask=None: _zeroed(self, forward, x, initial_state, mask)),
    Fault("steps before the first give an output", f"{_COMPACTION}.unpack", "GRU", "semantics",
          instead(lambda self, outputs: _steps(outputs, self.source))),
    Fault("last output is that of the last step", f"{_COMPACTION}.last", "GRU", "semantics",
          instead(lambda self, outputs: outputs[:, -1])),
    Fault("carry goes on behind the last step", f"{_COMPACTION}.behind", "LSTM", "semantics", then(torch.zeros_like)),
    Fault("mask does not hold the states of a loop", f"{_HERE}.loop.where", "GRU", "semantics",
          instead(lambda mask, new, old: new)),
    Fault("zero_output_for_mask ignored", f"{_HERE}.rnn.where", "LSTM", "semantics", instead(lambda mask, new, old: new)),
    Fault("go_backwards gives outputs in the order of time", f"{_RNN}.forward", "LSTM", "semantics",
          _of_output(lambda self, y: y.flip(1) if self.go_backwards and self.return_sequences else y)),
    Fault("initial state ignored", f"{_RNN}.forward", "GRU", "semantics", without("initial_state")),
    Fault("stateful layer forgets", f"{_RNN}._keep", "LSTM", "semantics", instead(lambda self, states: None)),
    Fault("states kept before the call's", f"{_RNN}._keep", "SimpleRNN", "semantics",
          lambda keep: lambda self, states: keep(self, [torch.zeros_like(s) for s in states])),
    Fault("mask goes on without sequences", f"{_RNN}.compute_mask", "LSTM", "",
          instead(lambda self, inputs, mask=None: mask)),
    Fault("stack forgets the mask of its upper cells", f"{_HERE}.stacked_rnn_cells.over_time", "RNN", "semantics",
          lambda run: lambda cell, x, states, mask, *rest: run(cell, x, states, mask if x.shape[-1] == 2 else None, *rest)),
    Fault("dropout anew at each step", f"{_CELL}._dropped", "LSTM", "distribution",
          lambda drop: lambda self, x, rate, count=None: drop(self, x, rate, count) if count else drop(self, x, rate) * 2),
    Fault("recurrent dropout not scaled", f"{_CELL}._dropped", "GRU", "distribution",
          lambda drop: lambda self, x, rate, count=None: drop(self, x, rate, count) * (1 - rate)),
    Fault("one mask of recurrent dropout for all gates", f"{_CELL}._dropped", "LSTM", "distribution",
          lambda drop: lambda self, x, rate, count=None: drop(self, x, rate, count) if count is None
          else drop(self, x, rate).expand(count, *x.shape)),
    Fault("LSTM in half precision", f"{_LSTM}.fused", "LSTM", "accuracy",
          lambda fused: lambda self, x, *args: fused(self, half_precision(lambda x: x)(x), *args)),
]  # fmt: skip


def _swapped(self: Any, step: Any, args: Any) -> Any:
    kept = self.activation, self.recurrent_activation
    object.__setattr__(self, "activation", kept[1])
    object.__setattr__(self, "recurrent_activation", kept[0])
    try:
        return step(self, *args)
    finally:
        object.__setattr__(self, "activation", kept[0])
        object.__setattr__(self, "recurrent_activation", kept[1])


def _zeroed(self: Any, forward: Any, x: Any, initial_state: Any, mask: Any) -> Any:
    kept, self.zero_output_for_mask = self.zero_output_for_mask, True
    try:
        return forward(self, x, initial_state, mask)
    finally:
        self.zero_output_for_mask = kept
