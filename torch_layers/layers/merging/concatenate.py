"""Concatenate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers.layers.merging.merge import Shape, _listed, _Merge
from torch_layers.registry import layer_functions


class Concatenate(_Merge):
    """Put tensors behind each other along `axis`, which may be the batch axis.

    The mask of the output is that of its parts; a part without one is unmasked. Along the last axis, an element is
    unmasked where any part is.
    Shape: a list of tensors that differ in `axis` only -> one tensor, with the sum of their sizes there.
    Raises: ValueError if the input is not a list of tensors, lacks `axis`, or if other axes differ.
    Source: keras.layers.Concatenate, Keras 3.15.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"Concatenate: axis={axis!r} is not an int")
        self.axis = axis

    def check_shapes(self, shapes: Sequence[Shape]) -> None:
        self._check_listed(shapes)
        rank, axis = len(shapes[0]), self.axis
        if any(len(shape) != rank for shape in shapes):
            raise ValueError(f"Concatenate: inputs of shapes {_listed(shapes)} differ in rank")
        if not -rank <= axis < rank:
            raise ValueError(f"Concatenate: inputs of shapes {_listed(shapes)} have no axis={axis}")
        for other in range(rank):
            if other != axis % rank and len({shape[other] for shape in shapes} - {None}) > 1:
                raise ValueError(
                    f"Concatenate: inputs of shapes {_listed(shapes)} differ in axis {other}, not only in axis={axis}"
                )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return torch.cat(inputs, self.axis)  # type: ignore[arg-type]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the masks of the parts, put together; None if none of them has one."""
        if mask is None:
            return None
        masks = self.check_masks(inputs, mask)
        if all(m is None for m in masks):
            return None
        for index, (x, m) in enumerate(zip(inputs, masks, strict=True)):
            if m is not None and m.ndim != x.ndim:
                self.check_mask(index, x, m)
        parts = [_over_last_axis(x, m) for x, m in zip(inputs, masks, strict=True)]
        return torch.cat(parts, self.axis).any(-1)


def _over_last_axis(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return a mask of an input with the shape of the input, but 1 in the last axis."""
    shape = (*x.shape[:-1], 1)
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=x.device)
    mask = mask.to(torch.bool)
    return mask.any(-1, keepdim=True) if mask.ndim == x.ndim else mask.unsqueeze(-1).expand(shape)


@layer_functions.add
def concatenate(inputs: Sequence[Tensor], axis: int = -1, **kwargs: Any) -> Any:
    """Return `Concatenate(axis, **kwargs)(inputs)`. Source: keras.layers.concatenate, Keras 3.15."""
    return Concatenate(axis=axis, **kwargs)(inputs)
