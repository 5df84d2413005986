"""BatchNormalization over several axes, which Keras 2 alone has.

Source: tf_keras/src/layers/normalization/batch_normalization.py, 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from torch_layers.layers.base import InputSpec
from torch_layers.layers.normalization.batch_normalization import BatchNormalization
from torch_layers.layers.normalization.scaled import in_dtype, wide
from torch_layers.layers.normalization.statistics import (
    is_distributed,
    masked_moments,
    moments,
    scaled,
    synchronized_moments,
)
from torch_layers.saving.legacy.layers import legacy_layers


class BatchNormalizationOfAxes(BatchNormalization):
    """A BatchNormalization with statistics, scale and shift for each place in the `axes`, over all others together.

    Shape: (batch, *) -> the same; `mask` has one axis less than the input; `weight`, `bias`, `running_mean`,
    `running_var` have the input's sizes in `axes`, and 1 in the others.
    Raises: ValueError for less than two axes, for one that is named twice, and as BatchNormalization.
    Source: keras.layers.BatchNormalization(axis=[...]), tf.keras.
    """

    registry = legacy_layers
    config_omits = frozenset({"axis"})

    def __init__(self, axes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = tuple(int(self._number("axes", axis)) for axis in axes)
        if len(self.axes) < 2:
            raise ValueError(f"BatchNormalizationOfAxes: axes={list(axes)} are less than two")

    def build(self, input_shape: Any) -> None:
        sizes = dict(self._checked_axis(axis, input_shape) for axis in self.axes)
        if len(sizes) < len(self.axes):
            raise ValueError(
                f"BatchNormalizationOfAxes: axes={self.axes} name one twice in an input of shape {tuple(input_shape)}"
            )
        rank = len(input_shape)
        self._others = [axis for axis in range(rank) if axis not in sizes]
        self.create_weights(**dict.fromkeys(self._specs, tuple(sizes.get(axis, 1) for axis in range(rank))))
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes=sizes)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        dtype, x = x.dtype, wide(x)
        weight, bias = in_dtype(self.weight, x.dtype), in_dtype(self.bias, x.dtype)
        if not (self.training and self._trainable and x.numel()):
            mean, var = self.running_mean.to(x.dtype), self.running_var.to(x.dtype)
            return scaled(x, mean, var, weight, bias, self.epsilon).to(dtype)
        if mask is not None:
            mean, var = masked_moments(x, mask, self._others)
        elif self.synchronized and is_distributed():
            mean, var = synchronized_moments(x, self._others)
        else:
            mean, var = moments(x, self._others)
        if self.renorm:
            weight, bias = self._renormalized(mean.detach(), var.detach(), weight, bias)
        else:
            self._move_both(mean, var)
        return scaled(x, mean, var, weight, bias, self.epsilon).to(dtype)
