"""ZeroPadding1D, ZeroPadding2D, ZeroPadding3D."""

from __future__ import annotations

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.data_format import checked_data_format
from torch_layers.layers.reshaping.edges import edges


class _ZeroPadding(Layer):
    """Base of the layers that put zeros around `rank` axes."""

    rank: ClassVar[int]

    def _set_edges(self, padding: Any, data_format: str | None) -> None:
        self.data_format = checked_data_format(self, data_format)
        self.pairs = edges(self, "padding", padding, self.rank)
        self.padding: Any = self.pairs[0] if self.rank == 1 else self.pairs
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        # torch counts from the last axis.
        channels = [(0, 0)] if self.data_format == "channels_last" else []
        self._pad = [n for pair in (*channels, *reversed(self.pairs)) for n in pair]

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self._pad)


class ZeroPadding1D(_ZeroPadding):
    """Put `padding` steps of zeros (an int, or before and after) at the ends of a sequence.

    Shape: (batch, steps, features) -> (batch, before + steps + after, features); "channels_first": steps on axis 2.
    Raises: ValueError if `padding` is negative or of another form, and for an unknown `data_format`.
    Source: keras.layers.ZeroPadding1D, Keras 3.15.
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_edges(padding, data_format)


class ZeroPadding2D(_ZeroPadding):
    """Put `padding` zeros (an int, or for height and width an int or a pair) around an image.

    Shape: (batch, height, width, channels) -> the same with larger sizes; "channels_first": the channels on axis 1.
    Raises: ValueError if `padding` is negative or of another form, and for an unknown `data_format`.
    Source: keras.layers.ZeroPadding2D, Keras 3.15.
    """

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_edges(padding, data_format)


class ZeroPadding3D(_ZeroPadding):
    """Put `padding` zeros (an int, or for each axis an int or a pair) around a volume.

    Shape: (batch, depth, height, width, channels) -> the same with larger sizes; "channels_first": the channels on axis 1.
    Raises: ValueError if `padding` is negative or of another form, and for an unknown `data_format`.
    Source: keras.layers.ZeroPadding3D, Keras 3.15.
    """

    rank = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_edges(padding, data_format)
