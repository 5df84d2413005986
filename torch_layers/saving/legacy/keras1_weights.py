"""Weights as Keras 1 laid them out, in the layout of later ones.

Keras 2 left some of these out, whose files it could not read: the kernels of `SeparableConvolution2D` and `ConvLSTM2D` in
Theano's order of axes, and recurrent layers inside models inside models.
Source: keras/layers/convolutional.py, recurrent.py and convolutional_recurrent.py of Keras 1.2;
`preprocess_weights_for_loading` in keras/engine/topology.py of Keras 2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch_layers.layers.convolution.conv import Conv1D, Conv2D, Conv3D
from torch_layers.layers.convolution.conv_transpose import Conv2DTranspose
from torch_layers.layers.convolution.separable_conv import SeparableConv2D
from torch_layers.layers.recurrent.conv_lstm import ConvLSTM2D
from torch_layers.layers.recurrent.gru import GRU
from torch_layers.layers.recurrent.lstm import LSTM
from torch_layers.layers.weighted import Weighted
from torch_layers.saving.legacy.arrays import changed, joined, transposed
from torch_layers.saving.stored import Stored

# For each gate in Keras 2's order, its place among the gates of Keras 1: LSTM i f c o of i c f o, GRU z r h of the same.
_GATES = {LSTM: (0, 2, 1, 3), ConvLSTM2D: (0, 2, 1, 3), GRU: (0, 1, 2)}


def number_of_arrays(layer: Weighted, arrays: Sequence[Stored], weights: int) -> int:
    """Return how many of the arrays, which begin with a layer's, are the layer's: some kept each gate by itself."""
    gates = _gates(layer)
    return 3 * len(gates) if gates and arrays and _is_one_gate(layer, arrays[0]) else weights


def in_later_layout(layer: Weighted, arrays: Sequence[Stored]) -> list[Stored]:
    """Return a layer's arrays as Keras 2 lays them out; those of an unknown shape as they are."""
    arrays = list(arrays)
    gates = _gates(layer)
    if gates and len(arrays) == 3 * len(gates):
        arrays = _with_joined_gates(layer, arrays, gates)
    for cls, kernel in _KERNELS.items():
        if isinstance(layer, cls) and arrays:
            last = 2 if cls is SeparableConv2D else 1
            arrays[:last] = [kernel(layer, array) for array in arrays[:last]]
    return arrays


def _gates(layer: Weighted) -> tuple[int, ...]:
    return next((gates for cls, gates in _GATES.items() if isinstance(layer, cls)), ())


def _is_one_gate(layer: Any, kernel: Stored) -> bool:
    if isinstance(layer, ConvLSTM2D):
        return len(kernel.shape) == 4
    return len(kernel.shape) == 2 and kernel.shape[1] == layer.units


def _with_joined_gates(layer: Any, arrays: list[Stored], gates: tuple[int, ...]) -> list[Stored]:
    found = []
    for kind in range(3):  # kernels, recurrent kernels, biases
        parts = [arrays[3 * gate + kind] for gate in gates]
        if kind < 2 and isinstance(layer, ConvLSTM2D) and layer.data_format == "channels_first":
            parts = [transposed(part, 2, 3, 1, 0) for part in parts]
        if len({tuple(part.shape) for part in parts}) > 1 or not parts[0].shape:
            return arrays
        found.append(joined(parts))
    return found


def _sequence_kernel(layer: Any, kernel: Stored) -> Stored:
    (size,), filters, shape = layer.kernel_size, layer.filters, tuple(kernel.shape)
    if len(shape) != 4:
        return kernel
    if shape[:2] != (size, 1) or shape[3] != filters:
        if shape[0] != filters or shape[2:] != (size, 1):
            return kernel
        kernel = transposed(kernel, 2, 3, 1, 0)  # before Keras 1.1: filters, channels, size, 1
    return changed(kernel, (size, *kernel.shape[2:]), lambda array: array[:, 0])


def _image_kernel(layer: Any, kernel: Stored) -> Stored:
    return transposed(kernel, 2, 3, 1, 0) if layer.data_format == "channels_first" else kernel


def _volume_kernel(layer: Any, kernel: Stored) -> Stored:
    return transposed(kernel, 2, 3, 4, 1, 0) if layer.data_format == "channels_first" else kernel


def _transpose_kernel(layer: Any, kernel: Stored) -> Stored:
    return transposed(kernel, *((2, 3, 0, 1) if layer.data_format == "channels_first" else (0, 1, 3, 2)))


_KERNELS: dict[type, Callable[[Any, Stored], Stored]] = {
    Conv1D: _sequence_kernel,
    Conv2D: _image_kernel,
    Conv3D: _volume_kernel,
    Conv2DTranspose: _transpose_kernel,
    SeparableConv2D: _image_kernel,
}
