"""Faults of TimeDistributed, Bidirectional and the convolutional LSTMs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.parity.faults.planting import Fault, Replace, instead, then, without
from torch_layers import activations

_BOTH = "torch_layers.layers.recurrent.bidirectional"
_STEPS = "torch_layers.layers.recurrent.time_distributed"
_CELL = "torch_layers.layers.recurrent.conv_lstm_cell"


def afterwards(change: Callable[[Any], Any]) -> Replace:
    """Make the object, then change something of it."""

    def replacement(correct: Any) -> Any:
        def faulty(self: Any, *args: Any, **kwargs: Any) -> None:
            correct(self, *args, **kwargs)
            change(self)

        return faulty

    return replacement


def _no_zeros(layer: Any) -> None:
    layer.forward_layer.zero_output_for_mask = layer.backward_layer.zero_output_for_mask = False


def _forwards_twice(layer: Any) -> None:
    layer.backward_layer.go_backwards = layer.forward_layer.go_backwards


def _swapped(layer: Any, run: Callable[[], Any]) -> Any:
    """Run with the cells of both layers in each other's place."""
    one, other = layer.forward_layer, layer.backward_layer
    one.cell, other.cell = other.cell, one.cell
    try:
        return run()
    finally:
        one.cell, other.cell = other.cell, one.cell


def _hard(cell: Any) -> None:
    if cell.recurrent_activation is activations.sigmoid:
        cell.recurrent_activation = activations.hard_sigmoid


def _other_order(gates: Any) -> Any:
    i, f, c, o = gates.chunk(4, 1)
    return torch.cat([i, f, o, c], 1)


FAULTS = [
    Fault("backward outputs in the backward layer's order", f"{_BOTH}.Bidirectional._joined", "Bidirectional",
          "semantics", lambda correct: lambda self, one, other: correct(
              self, one, other.flip(1) if other.ndim > 2 else other)),
    Fault("ave is sum", f"{_BOTH}.Bidirectional._joined", "Bidirectional", "semantics",
          lambda correct: lambda self, one, other: one + other if self.merge_mode == "ave" else correct(self, one, other)),
    Fault("concat with the backward output first", f"{_BOTH}.Bidirectional._joined", "Bidirectional", "semantics",
          lambda correct: lambda self, one, other: correct(self, other, one)),
    Fault("weights of both ways swapped", f"{_BOTH}.Bidirectional._run_both", "Bidirectional", "semantics",
          lambda correct: lambda self, *rest: _swapped(self, lambda: correct(self, *rest))),
    Fault("padding moves the backward states", f"{_BOTH}._holding", "Bidirectional", "semantics",
          lambda correct: lambda sequence, weights, behind, column: correct(
              sequence, weights, behind & False, column)),
    Fault("states of the backward layer first", f"{_BOTH}.Bidirectional._halves", "Bidirectional", "semantics",
          then(lambda halves: halves[::-1])),
    Fault("mask dropped by Bidirectional", f"{_BOTH}.Bidirectional.forward", "Bidirectional", "semantics",
          without("mask")),
    Fault("mask ends at Bidirectional", f"{_BOTH}.Bidirectional.compute_mask", "Bidirectional", "structure",
          instead(lambda self, inputs, mask=None: None)),
    Fault("masked outputs of Bidirectional repeated", f"{_BOTH}.Bidirectional.__init__", "Bidirectional", "semantics",
          afterwards(_no_zeros)),
    Fault("backward layer goes forwards", f"{_BOTH}.Bidirectional.__init__", "Bidirectional", "semantics",
          afterwards(_forwards_twice)),
    Fault("Bidirectional forgets its states", f"{_BOTH}.Bidirectional.forward", "Bidirectional", "semantics",
          lambda correct: lambda self, *args, **kwargs: (
              self.reset_state() if self.stateful else None, correct(self, *args, **kwargs))[1]),
    Fault("mask dropped by TimeDistributed", f"{_STEPS}.TimeDistributed.forward", "TimeDistributed", "semantics",
          without("mask")),
    Fault("statistics of all steps together", f"{_STEPS}._joins_samples_in_training", "TimeDistributed", "semantics",
          instead(lambda module: False)),
    Fault("layers along the batch see all steps", f"{_STEPS}._treats_samples_alone", "TimeDistributed", "semantics",
          instead(lambda module, is_outermost: True)),
    Fault("activity of the layer inside counted", f"{_STEPS}.TimeDistributed._call", "TimeDistributed", "structure",
          instead(lambda self, x, mask: self.layer(x) if mask is None else self.layer(x, mask=mask))),
    Fault("recurrent padding begins with the odd one", f"{_CELL}.same_padding", "ConvLSTM2D", "semantics",
          then(lambda pads: pads[::-1])),
    Fault("gates of ConvLSTM in the order i, f, o, c", f"{_CELL}._ConvLSTMCell._next", "ConvLSTM2D", "semantics",
          lambda correct: lambda self, gates, c: correct(self, _other_order(gates), c)),
    Fault("gates of ConvLSTM with hard_sigmoid", f"{_CELL}._ConvLSTMCell.__init__", "ConvLSTM2D", "semantics",
          afterwards(_hard)),
    Fault("bias of ConvLSTM left out", "torch_layers.layers.convolution.base._Convolution._bias", "ConvLSTM1D", "semantics",
          instead(lambda self: None)),
    Fault("mask of ConvLSTM ignored", f"{_CELL}.loop", "ConvLSTM2D", "semantics",
          lambda correct: lambda step, inputs, states, mask, everything: correct(step, inputs, states, None, everything)),
    Fault("activations of ConvLSTM on other axes than the user's", f"{_CELL}._ConvLSTMCell._outside_of", "ConvLSTM2D",
          "semantics", instead(lambda self, function: function)),
]  # fmt: skip
