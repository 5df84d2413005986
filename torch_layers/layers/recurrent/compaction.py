"""Masks for fused kernels, which know none: the steps that stay move to the front, in their order.

A masked step changes nothing, so that the steps that stay may as well follow each other: the kernel runs over them, and
what it makes of the rest behind them is never looked at. No value of the mask is asked for on the way.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Compaction:
    """What to do with a mask (batch, time): where each step moves, and which step each output comes from."""

    def __init__(self, mask: Tensor) -> None:
        counts = mask.cumsum(1)
        self.order = mask.to(torch.uint8).argsort(dim=1, stable=True, descending=True)
        self.source, self.begun = (counts - 1).clamp(min=0), counts > 0
        self.lengths = counts[:, -1:]

    def pack(self, sequence: Tensor) -> Tensor:
        """Move the steps that stay to the front. The result lies in memory as kernels want it, time first."""
        batch, time = self.order.shape
        starts = torch.arange(0, batch * time, time, device=sequence.device).unsqueeze(1)
        rows = sequence.flatten(0, 1).index_select(0, (self.order + starts).t().flatten())
        return rows.view(time, batch, sequence.shape[-1]).transpose(0, 1)

    def unpack(self, outputs: Tensor) -> Tensor:
        """Put outputs of the packed sequence where they belong: each stays until the next; zeros before the first."""
        return torch.where(self.begun.unsqueeze(-1), _steps(outputs, self.source), 0)

    def last(self, outputs: Tensor) -> Tensor:
        """Return the last output of each packed sequence, zeros for one without any step."""
        return torch.where(self.begun[:, -1:], _steps(outputs, self.source[:, -1:]).squeeze(1), 0)

    def behind(self) -> Tensor:
        """Return True where a packed sequence has ended."""
        return torch.arange(self.order.shape[1], device=self.order.device) >= self.lengths


def _steps(outputs: Tensor, index: Tensor) -> Tensor:
    """Return the steps of a kernel's outputs, which lie in memory time first, that `index` (batch, time) names."""
    # Whole rows: a seventh of what `gather` takes on the CPU, and half of it backward.
    batch = torch.arange(index.shape[0], device=index.device).unsqueeze(1)
    rows = outputs.transpose(0, 1).flatten(0, 1).index_select(0, (index * index.shape[0] + batch).flatten())
    return rows.view(*index.shape, outputs.shape[-1])
