"""One convolution with any padding, by torch's kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.windows import flat


def convolve(
    convolution: Callable[..., Tensor],
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Convolve a channels_first input; what is padded on both sides alike costs nothing, the rest one copy."""
    if any(before != after for before, after in pads):
        x = F.pad(x, flat(pads))
        pads = [(0, 0)] * len(pads)
    return convolution(x, weight, bias, strides, [before for before, _ in pads], dilation, groups)
