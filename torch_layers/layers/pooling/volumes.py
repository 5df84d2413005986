"""Volumes pooled by torch's kernels for images, twice: along the depth, and along height and width.

The maximum or mean of a box is that along one axis of those along the others. torch's own kernels for volumes are up to
ten times slower, and some lack half precision. Both steps pool views, and copy nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from torch_layers.layers.data_format import as_given, channels_first

Pool = Callable[[Tensor], Tensor]


def along_depth(x: Tensor, pool: Pool, data_format: str) -> Tensor:
    """Pool volumes as images of (depth, height * width)."""
    height = 2 if data_format == "channels_last" else 3
    y = as_given(pool(channels_first(x.flatten(height, height + 1), data_format)), data_format)
    return y.reshape(*y.shape[:height], *x.shape[height : height + 2], *y.shape[height + 1 :])


def along_planes(x: Tensor, pool: Pool, data_format: str) -> Tensor:
    """Pool volumes as images of (height, width), one for each depth (or channel, if that is what comes first)."""
    y = as_given(pool(channels_first(x.flatten(0, 1), data_format)), data_format)
    return y.reshape(x.shape[0], x.shape[1], *y.shape[1:])
