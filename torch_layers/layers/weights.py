"""How a layer keeps its weights: each is declared once, with its layout in Keras and in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

Shape = Sequence[int]


@dataclass(frozen=True)
class Layout:
    """One einops pattern from Keras's layout of a weight to PyTorch's, such as "i o -> o i"; read both ways.

    `z+r+h` is an axis of equal blocks side by side, which may stand in another order: "i z+r+h -> r+z+h i".
    """

    pattern: str

    @cached_property
    def sides(self) -> tuple[str, str]:
        """The pattern's two sides as einops reads them, Keras's first."""
        keras, torch_side = (" ".join(map(_one_name, side.split())) for side in self.pattern.split("->"))
        return keras, torch_side

    @property
    def is_view(self) -> bool:
        """Whether a value in one layout is a view of it in the other: its axes may change places, and nothing else."""
        return self._blocks is None and "(" not in self.pattern

    @cached_property
    def _blocks(self) -> tuple[int, list[int]] | None:
        """The axis, in Keras's layout, whose blocks are reordered, and the place in Keras's order of each block."""
        keras, torch_side = (side.split() for side in self.pattern.split("->"))
        for axis, joined in enumerate(keras):
            ours = (
                next(name for name in torch_side if _one_name(name) == _one_name(joined)) if "+" in joined else joined
            )
            if ours != joined:
                return axis, [joined.split("+").index(block) for block in ours.split("+")]
        return None

    def torch_axis(self, axis: int) -> int | None:
        """Return where an axis of Keras's layout is in PyTorch's, or None if it is not there as it is."""
        keras, torch_side = (side.split() for side in self.sides)
        if "(" in self.pattern or "..." in keras or (self._blocks is not None and self._blocks[0] == axis % len(keras)):
            return None
        return torch_side.index(keras[axis])

    def to_torch(self, value: Any) -> Any:
        """Rearrange a value from Keras's layout to PyTorch's; a view wherever strides allow."""
        keras, torch_side = self.sides
        if self._blocks is not None:
            value = _reordered(value, *self._blocks)
        return value if keras == torch_side else rearrange(value, f"{keras} -> {torch_side}")

    def to_keras(self, value: Any, keras_shape: Shape) -> Any:
        """Rearrange a value from PyTorch's layout to Keras's, which has `keras_shape`."""
        keras, torch_side = self.sides
        if keras != torch_side:
            names = keras.replace("(", " ").replace(")", " ").split()
            sizes = dict(zip(names, keras_shape, strict=True)) if "(" in torch_side else {}
            value = rearrange(value, f"{torch_side} -> {keras}", **sizes)
        if self._blocks is not None:
            axis, order = self._blocks
            value = _reordered(value, axis, [order.index(place) for place in range(len(order))])
        return value

    def torch_shape(self, keras_shape: Shape) -> tuple[int, ...]:
        """Return the shape in PyTorch's layout of a weight that has `keras_shape` in Keras's."""
        return tuple(self.to_torch(torch.empty(tuple(keras_shape), device="meta")).shape)


def _one_name(axis: str) -> str:
    return "_".join(sorted(axis.split("+")))


def _reordered(value: Any, axis: int, order: list[int]) -> Any:
    """Put the equal blocks that make up an axis, of a tensor or numpy array, in another order."""
    shape, count = tuple(value.shape), len(order)
    blocks = value.reshape(*shape[:axis], count, shape[axis] // count, *shape[axis + 1 :])
    return blocks[(slice(None),) * axis + (order,)].reshape(shape)


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
