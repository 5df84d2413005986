"""PReLU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import constraints, initializers, regularizers
from torch_layers.eager import is_readable
from torch_layers.layers.base import InputSpec, Layer

# Of more elements, the way back of torch's kernel takes longer than the three that do without it.
_FEW = 2**16


class PReLU(Layer):
    """y = x where x > 0, else weight * x, with a learned slope for every element but those along `shared_axes`.

    Axis 1 is the first after the batch. As in Keras, a negative axis means the one before it: -1 shares axis -2.
    The gradient at 0 is 0, as in Keras, where torch.nn.PReLU has `weight`.

    Shape: (batch, *sizes) -> the same; `weight` (*sizes), with size 1 along `shared_axes`.
    Raises: ValueError if `shared_axes` is not of ints or names an axis that the input lacks, or if the size of an axis
    that is not shared is unknown when the layer is built.
    Source: keras.layers.PReLU, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    input_spec = InputSpec(min_ndim=1)
    weight: Tensor
    # One slope that is not shared would fit any size.
    _may_stretch: bool = False

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        if shared_axes is not None and not all(isinstance(axis, int) for axis in axes):
            raise ValueError(f"PReLU: shared_axes={shared_axes!r} is neither an int nor a list of ints")
        self.shared_axes: list[Any] | None = None if shared_axes is None else list(axes)
        self.add_weight(
            "weight",
            initializer=self.alpha_initializer,
            keras_name="alpha",
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def build(self, input_shape: Any) -> None:
        rank, sizes = len(input_shape), list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 2 - rank <= axis < rank:
                raise ValueError(
                    f"PReLU: shared_axes={self.shared_axes!r} names axis {axis}, an input of shape "
                    f"{tuple(input_shape)} allows {2 - rank} to {rank - 1}"
                )
            sizes[axis - 1] = 1
        if None in sizes:
            raise ValueError(
                f"PReLU: axis {sizes.index(None) + 1} of an input of shape {tuple(input_shape)} has no known size: "
                "give it one or share the slope along it with shared_axes="
            )
        self.create_weights(weight=sizes)
        fixed = {axis: size for axis, size in enumerate(sizes, 1) if size != 1 or input_shape[axis] == 1}
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes=fixed)
        self._may_stretch = 1 in fixed.values()

    def forward(self, x: Tensor) -> Tensor:
        if self._may_stretch:
            self.check_input(x.shape)
        weight = self.cast(self.weight)
        if not torch.is_grad_enabled() or _has_no_zero(x):
            if weight.ndim == 1:
                return F.prelu(x, weight)
            if weight.numel() == 1:
                return F.prelu(x, weight.reshape(1))
            return F.prelu(x.flatten(1), weight.expand(x.shape[1:]).flatten()).view(x.shape)
        # F.prelu's gradient at 0 is the slope: those of relu and of hardtanh, here min(x, 0), are 0, as Keras's.
        y = torch.addcmul(torch.relu(x), weight, F.hardtanh(x, -math.inf, 0.0))
        if y.shape != x.shape:  # a size of 1 would stretch to that of the slopes
            self.check_input(x.shape)
        return y


def _has_no_zero(x: Tensor) -> bool:
    # Asked first: a compiler would write the number of elements into its guards.
    return is_readable(x) and x.numel() <= _FEW and x.count_nonzero().item() == x.numel()
