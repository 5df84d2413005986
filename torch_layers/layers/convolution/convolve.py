"""One convolution with any padding, by torch's kernels."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from torch_layers.layers.windows import flat

Pads = Sequence[tuple[int, int]]


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    pads: Pads,
    dilation: Sequence[int],
    groups: int = 1,
) -> Tensor:
    """Convolve a channels_first input; what is padded on both sides alike costs nothing, the rest one copy."""
    if x.ndim == 3:
        # The kernel for images is quicker than the one for sequences, and alone keeps the channels where they are.
        x, weight, pads = x.unsqueeze(2), weight.unsqueeze(2), [(0, 0), *pads]
        return convolve(x, weight, bias, (1, *strides), pads, (1, *dilation), groups).squeeze(2)
    if any(before != after for before, after in pads):
        x = F.pad(x, flat(pads))
        pads = [(0, 0)] * len(pads)
    convolution = F.conv2d if x.ndim == 4 else F.conv3d
    return convolution(x, weight, bias, strides, [before for before, _ in pads], dilation, groups)
