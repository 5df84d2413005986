"""A view of a part of a tensor."""

from __future__ import annotations

from types import EllipsisType
from typing import TypeAlias

import torch
from torch import Tensor

Part: TypeAlias = "tuple[EllipsisType | slice, ...]"


def part_of(x: Tensor, part: Part) -> Tensor:
    """Return x[part], `part` being an ellipsis and a slice for each of the last axes.

    One index takes half the time of a `narrow` for each axis, but asks for the device: fake tensors of one that this build
    of torch lacks have none.
    """
    if type(x) is Tensor:
        return x[part]
    for axis, piece in enumerate(part[1:], 1 - len(part)):
        if isinstance(piece, slice) and piece != slice(None):
            x = torch.ops.aten.slice.Tensor(x, axis, piece.start, piece.stop)
    return x
