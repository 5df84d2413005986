"""Add."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from torch_layers.layers.merging.merge import _Merge
from torch_layers.registry import layer_functions


class Add(_Merge):
    """y = x[0] + x[1] + ...

    Shape: a list of tensors that broadcast, batch sizes alike -> one tensor.
    Raises: ValueError if the input is not a list of tensors or their shapes don't fit.
    Source: keras.layers.Add, Keras 3.15.
    """

    op = operator.add


@layer_functions.add
def add(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """Return `Add(**kwargs)(inputs)`. Source: keras.layers.add, Keras 3.15."""
    return Add(**kwargs)(inputs)
