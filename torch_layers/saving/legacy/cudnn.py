"""Weights of `CuDNNLSTM` and `CuDNNGRU` as `LSTM` and `GRU` take them.

Source: `_convert_rnn_weights` in tf_keras/src/saving/legacy/hdf5_format.py, 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from torch_layers.layers.recurrent.gru import GRU
from torch_layers.layers.recurrent.lstm import LSTM
from torch_layers.saving.legacy.arrays import Array, changed
from torch_layers.saving.stored import Stored


def without_cudnn(layer: Any, arrays: Sequence[Stored]) -> list[Stored]:
    """Return a layer's arrays with those of cuDNN's layout, which its two biases for each gate tell, rearranged."""
    if not isinstance(layer, (LSTM, GRU)) or len(arrays) != 3:
        return list(arrays)
    kernel, recurrent, bias = arrays
    gates = 4 if isinstance(layer, LSTM) else 3
    width = gates * int(layer.units)  # type: ignore[arg-type]
    is_cudnn = tuple(bias.shape) == (2 * width,) and all(len(a.shape) == 2 and a.shape[1] == width for a in arrays[:2])
    if not is_cudnn:
        return list(arrays)
    if isinstance(layer, LSTM):
        bias = changed(bias, (width,), lambda array: array[:width] + array[width:])
    else:
        bias = changed(bias, (2, width), lambda array: array.reshape(2, width))
    return [
        *(changed(each, each.shape, lambda array: _gate_by_gate(array, gates)) for each in (kernel, recurrent)),
        bias,
    ]


def _gate_by_gate(kernel: Array, gates: int) -> Array:
    """cuDNN keeps the matrix of each gate transposed, under the shape that it has in Keras."""
    rows, width = kernel.shape
    return np.hstack([gate.reshape(width // gates, rows).T for gate in np.hsplit(kernel, gates)])
