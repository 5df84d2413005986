"""Input: where a functional model starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch_layers import dtypes
from torch_layers.graph.symbols import SymbolicTensor, new_input
from torch_layers.layers.core.input_layer import InputLayer


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Return a symbolic tensor; layers, torch functions and operators take it, and `Model` makes a module of the rest.

    `shape` leaves out the batch axis; None is a size that is not known.
    Raises: ValueError as `InputLayer` does; sparse, ragged and `tensor` are not supported.
    Source: keras.Input, Keras 3.15.
    """
    return input_symbol(
        InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional=optional, name=name)
    )


def input_symbol(layer: InputLayer) -> SymbolicTensor:
    """Return the symbol of an input layer."""
    return new_input(layer, layer.batch_shape, dtypes.resolve(layer.dtype))
