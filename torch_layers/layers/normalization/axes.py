"""Which axes a layer normalizes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch_layers.layers.base import InputSpec, Layer


class _OverAxes(Layer):
    """Base of the layers that normalize each sample over `axis`, an int or a list of them."""

    axis: Any

    def _set_axis(self, axis: Any) -> None:
        axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        if not axes or not all(isinstance(a, int) for a in axes):
            raise ValueError(f"{type(self).__name__}: axis={axis!r} is neither an int nor a list of ints")
        if len(set(axes)) < len(axes):
            raise ValueError(f"{type(self).__name__}: axis={axis!r} names an axis twice")
        self.axis = axes if isinstance(axis, (list, tuple)) else axis
        # Inputs of a lower rank lack an axis: `check_input` says so.
        self.input_spec = InputSpec(min_ndim=max(a + 1 if a >= 0 else -a for a in axes))

    def _axes(self, shape: Sequence[int | None]) -> list[int]:
        """Return the axes of an input counted from 0, in the order of `axis`. Raises: ValueError if it lacks one."""
        cls, rank, axes = type(self).__name__, len(shape), self.axis if isinstance(self.axis, list) else [self.axis]
        if not all(-rank <= a < rank for a in axes):
            raise ValueError(
                f"{cls}: axis={self.axis!r} is outside of an input of shape {tuple(shape)}, "
                f"allowed are {-rank} to {rank - 1}"
            )
        found = [a % rank for a in axes]
        if len(set(found)) < len(found):
            raise ValueError(f"{cls}: axis={self.axis!r} names an axis of an input of shape {tuple(shape)} twice")
        return found

    def check_input(self, shape: Any) -> None:
        self._axes(shape)
        super().check_input(shape)

    def _build_axes(self, input_shape: Sequence[int | None]) -> tuple[int, ...]:
        """Return the sizes of weights, one for each axis in the order of Keras, and remember them.

        Raises: ValueError if one of the axes is the batch or has no known size.
        """
        cls, axes = type(self).__name__, self._axes(input_shape)
        if 0 in axes:
            raise ValueError(
                f"{cls}: axis={self.axis!r} holds the batch axis of an input of shape {tuple(input_shape)}"
            )
        # As in Keras, the config of a built layer has a sorted list, in which -1 comes before 1.
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        sizes = [input_shape[a] for a in self._axes(input_shape)]
        known = tuple(size for size in sizes if size is not None)
        if len(known) < len(sizes):
            raise ValueError(
                f"{cls}: axis={self.axis!r} has no known size in an input of shape {tuple(input_shape)}, weights need one"
            )
        self._sizes_in_order = tuple(
            size for _, size in sorted(zip(axes_of(self.axis, input_shape), known, strict=True))
        )
        # Of any rank, the last axes: what torch's fused kernels take.
        self._always_last = self.axis == list(range(-len(self.axis), 0))
        self.input_spec = InputSpec(self.input_spec.min_ndim, axes=dict(zip(self.axis, known, strict=True)))
        return known


def axes_of(axis: Sequence[int], shape: Sequence[Any]) -> list[int]:
    """Return axes counted from 0."""
    return [a % len(shape) for a in axis]


def are_last(axes: Sequence[int], rank: int) -> bool:
    """Tell whether axes are the last ones, in order."""
    return list(axes) == list(range(rank - len(axes), rank))
