"""By hand: attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.layers.weights import Layout

_PROJECTION = "d n h -> (n h) d"


def _linear(weight: nn.Parameter) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight = weight
    return linear


class Heads(nn.Module):
    """Attention in heads: four nn.Linear without bias around the fused kernel; query heads may share a key head."""

    layouts: ClassVar[Sequence[str]] = (*[_PROJECTION] * 3, "n h d -> d (n h)")

    def __init__(self, *weights: Tensor, causal: bool = False) -> None:
        super().__init__()
        self.causal, self.heads, self.groups = causal, weights[0].shape[1], weights[1].shape[1]
        made = [nn.Parameter(Layout(p).to_torch(w).contiguous()) for p, w in zip(self.layouts, weights, strict=True)]
        self.query, self.key, self.value, self.output = map(_linear, made)

    def forward(self, query: Tensor, value: Tensor) -> Tensor:
        q = self.query(query).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k = self.key(value).unflatten(-1, (self.groups, -1)).transpose(1, 2)
        v = self.value(value).unflatten(-1, (self.groups, -1)).transpose(1, 2)
        grouped = self.groups != self.heads
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal, enable_gqa=grouped)
        return self.output(y.transpose(1, 2).flatten(-2))  # type: ignore[no-any-return]


class Dot(nn.Module):
    """Attention of one head, without a scale."""

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        query, value = (x.unsqueeze(1) for x in inputs)
        return F.scaled_dot_product_attention(query, value, value, scale=1.0).squeeze(1)


class Additive(nn.Module):
    """Attention of one head by sums."""

    layouts: ClassVar[Sequence[str]] = ("d -> d",)

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale.clone())

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        query, value = inputs
        scores = torch.tanh(query.unsqueeze(2) + value.unsqueeze(1)) @ self.scale
        return torch.bmm(scores.softmax(-1), value)
