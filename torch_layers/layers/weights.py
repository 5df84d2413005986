"""How a layer keeps its weights: each is declared once, with its layout in Keras and in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

Shape = Sequence[int]


@dataclass(frozen=True)
class Layout:
    """One einops pattern from Keras's layout of a weight to PyTorch's, such as "i o -> o i"; read both ways."""

    pattern: str

    @property
    def sides(self) -> tuple[str, str]:
        """The pattern's two sides, Keras's first."""
        keras, torch_side = self.pattern.split("->")
        return keras.strip(), torch_side.strip()

    def to_torch(self, value: Any) -> Any:
        """Rearrange a value from Keras's layout to PyTorch's; a view wherever strides allow."""
        keras, torch_side = self.sides
        return value if keras == torch_side else rearrange(value, self.pattern)

    def to_keras(self, value: Any, keras_shape: Shape) -> Any:
        """Rearrange a value from PyTorch's layout to Keras's, which has `keras_shape`."""
        keras, torch_side = self.sides
        if keras == torch_side:
            return value
        names = keras.replace("(", " ").replace(")", " ").split()
        sizes = dict(zip(names, keras_shape, strict=True)) if "(" in torch_side else {}
        return rearrange(value, f"{torch_side} -> {keras}", **sizes)

    def torch_shape(self, keras_shape: Shape) -> tuple[int, ...]:
        """Return the shape in PyTorch's layout of a weight that has `keras_shape` in Keras's."""
        return tuple(self.to_torch(torch.empty(tuple(keras_shape), device="meta")).shape)


@dataclass(frozen=True)
class Weight:
    """What a layer declares of one weight: names, layout, and what acts on it.

    `name` is the attribute and state_dict key, `keras_name` what Keras calls the variable.
    """

    name: str
    keras_name: str
    layout: Layout
    initializer: Callable[..., Tensor] | None
    regularizer: Callable[[Tensor], Tensor] | None
    constraint: Callable[[Tensor], Tensor] | None
    trainable: bool
    dtype: torch.dtype | None


def as_tensor(array: Any) -> Tensor:
    """Return a numpy array (bfloat16 ones of ml_dtypes too), a list or a tensor as a tensor that shares its memory."""
    if isinstance(array, Tensor):
        return array.detach()
    array = np.asarray(array)
    if array.dtype.name == "bfloat16":  # numpy has no bfloat16 of its own, so torch can't read one
        return torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape))


def as_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return a copy of a tensor as numpy; bfloat16, which numpy lacks, as float32 (exact)."""
    tensor = tensor.detach()
    if tensor.dtype is torch.bfloat16:
        tensor = tensor.float()
    return np.array(tensor.cpu().numpy())
