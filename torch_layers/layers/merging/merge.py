"""The base of the merging layers: a list of tensors in, one tensor out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from torch_layers.hooks import is_watched
from torch_layers.layers.base import Layer

Shape = Sequence[int | None]
Masks = Sequence[Tensor | None]


class _Merge(Layer):
    """Folds a list of tensors with `op`, element by element, broadcasting.

    Tensors of a lower rank get axes of size 1 behind the batch axis. Sizes are checked when the layer is built, so that
    later calls may broadcast the batch axis too, as in Keras.
    """

    supports_masking = True
    op: ClassVar[Callable[[Any, Any], Any]]

    def __call__(self, inputs: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        if self._direct and type(inputs) is list and inputs and not args and not kwargs:
            dtype = self.compute_dtype
            for x in inputs:
                if type(x) is not Tensor or x.dtype is not dtype:
                    break
            else:
                try:
                    return nn.Module.__call__(self, inputs) if is_watched(self) else self.forward(inputs)
                except (RuntimeError, IndexError) as error:
                    self.explain(error, inputs)
                    raise
        self._check_list(inputs)
        return self._call_with_care((inputs, *args), kwargs)

    def _check_list(self, inputs: Any) -> None:
        cls, shape = type(self).__name__, getattr(inputs, "shape", None)
        if not isinstance(inputs, (list, tuple)):
            of_shape = "" if shape is None else f" of shape {tuple(shape)}"
            raise ValueError(f"{cls}: inputs is a {type(inputs).__name__}{of_shape}, not a list of tensors")
        if not inputs:
            raise ValueError(f"{cls}: inputs is empty, allowed is a list of one tensor or more")
        for index, x in enumerate(inputs):
            if not isinstance(x, (Tensor, np.ndarray)) and not hasattr(type(x), "record_layer_call"):
                raise ValueError(f"{cls}: inputs[{index}] is a {type(x).__name__}, not a tensor")

    def build(self, input_shape: Any) -> None:
        self.check_shapes(input_shape)

    def _build_now(self, shape: Any) -> None:
        if not torch.compiler.is_compiling():  # without weights there is nothing that must exist before
            self.build(shape)

    def check_shapes(self, shapes: Sequence[Shape]) -> None:
        """Raise ValueError if inputs of these shapes can't be merged."""
        self._check_listed(shapes)
        cls = type(self).__name__
        if len({shape[0] for shape in shapes if len(shape)} - {None}) > 1:
            raise ValueError(f"{cls}: inputs of shapes {_listed(shapes)} have different batch sizes")
        ranks = {len(shape) for shape in shapes}
        if 0 in ranks and len(ranks) > 1:
            raise ValueError(f"{cls}: inputs of shapes {_listed(shapes)} mix scalars and others")
        for axis in range(1, max(ranks)):
            if len({shape[-axis] for shape in shapes if len(shape) > axis} - {1, None}) > 1:
                raise ValueError(f"{cls}: inputs of shapes {_listed(shapes)} differ in axis {-axis}, where none is 1")

    def _check_listed(self, shapes: Any) -> None:
        if not shapes or not all(isinstance(shape, (list, tuple)) for shape in shapes):
            raise ValueError(f"{type(self).__name__}: input_shape={shapes!r} is not a list of shapes")

    def explain(self, error: Exception, *args: Any) -> None:
        shapes = [tuple(x.shape) for x in args[0]]
        try:
            self.check_shapes(shapes)
        except ValueError as clear:
            raise clear from error

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        op, merged = type(self).op, inputs[0]
        rank = merged.ndim
        for x in inputs[1:]:
            if x.ndim != rank:
                return reduce(op, same_rank(inputs))
            merged = op(merged, x)
        return merged

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return where any of the inputs is unmasked; None if one of them has no mask."""
        if mask is None:
            return None
        masks = self.check_masks(inputs, mask)
        return None if any(m is None for m in masks) else reduce(torch.logical_or, masks)  # type: ignore[arg-type]

    def check_masks(self, inputs: Sequence[Tensor], mask: Any) -> Masks:
        """Return `mask` if it is a list with a mask or None for each input. Raises: ValueError if not."""
        if not isinstance(mask, (list, tuple)) or len(mask) != len(inputs):
            given = f"has {len(mask)} items" if isinstance(mask, (list, tuple)) else f"is a {type(mask).__name__}"
            raise ValueError(
                f"{type(self).__name__}: mask {given}, not a list of a mask or None for each of {len(inputs)} inputs"
            )
        return mask

    def check_mask(self, index: int, x: Tensor, mask: Tensor) -> None:
        """Raise ValueError unless a mask can be repeated along the last axis of its input."""
        sizes = zip(mask.shape[::-1], x.shape[-2::-1], strict=False)
        if mask.ndim >= x.ndim or any(size not in (1, allowed) for size, allowed in sizes):
            raise ValueError(
                f"{type(self).__name__}: mask[{index}] has shape {tuple(mask.shape)}, not {tuple(x.shape[:-1])}, the "
                "shape of its input without the last axis"
            )


class _MaskedMerge(_Merge):
    """A merge whose result depends on the masks of its inputs."""

    def forward(self, inputs: Sequence[Tensor], mask: Any = None) -> Tensor:
        if mask is None or all(m is None for m in self.check_masks(inputs, mask)):
            return _Merge.forward(self, inputs)
        rank = max(x.ndim for x in inputs)
        # An input of a lower rank than others has lost its mask: Keras gives it a new shape before it reads masks.
        masks = [m if x.ndim == rank else None for x, m in zip(inputs, mask, strict=True)]
        for index, (x, m) in enumerate(zip(inputs, masks, strict=True)):
            if m is not None:
                self.check_mask(index, x, m)
                masks[index] = m.to(torch.bool).unsqueeze(-1).expand(x.shape)
        return self.merge_masked(same_rank(inputs), masks)

    def merge_masked(self, inputs: Sequence[Tensor], masks: Masks) -> Tensor:
        """Merge inputs of one rank, at least one of which has a mask, of its own shape."""
        raise NotImplementedError


def same_rank(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the inputs with axes of size 1 behind the batch axis, so that all have the highest rank among them."""
    rank = max(x.ndim for x in inputs)
    return [x if x.ndim == rank else x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in inputs]


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)
