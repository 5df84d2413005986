"""Where an image's channels stand: layers compute on channels_first views, whatever came in, and copy nothing."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers.layers.arguments import one_of

_TO_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}
_TO_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def checked_data_format(layer: object, value: Any) -> str:
    """Return "channels_last" (for None too) or "channels_first", from any case. Raises: ValueError for others."""
    given = value.lower() if isinstance(value, str) else value
    known: str = one_of(layer, "data_format", given or "channels_last", ("channels_last", "channels_first"))
    return known


def channels_first(x: Tensor, data_format: str) -> Tensor:
    """Return a view of an image or volume whose channels stand on axis 1, as torch's kernels take it.

    Of a contiguous channels_last image, this is torch's `channels_last` memory format: kernels keep it.
    """
    return x.permute(_TO_FIRST[x.ndim]) if data_format == "channels_last" else x


def as_given(y: Tensor, data_format: str) -> Tensor:
    """Return a view of a channels_first result in the layout that the layer's user has."""
    return y.permute(_TO_LAST[y.ndim]) if data_format == "channels_last" else y


def channel_axis(data_format: str) -> int:
    """Return the axis of the channels."""
    return -1 if data_format == "channels_last" else 1
