"""Faults of the attention layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.parity.faults.planting import Fault, instead, then, without
from torch_layers.layers.attention import heads

_HERE = "torch_layers.layers.attention"
_HEADS = f"{_HERE}.heads._HeadsAttention"
_PROJECTION = f"{_HERE}.projection._Projection"
_GROUPS = f"{_HERE}.group_query_attention.GroupQueryAttention"
_DOT = f"{_HERE}.attention.Attention"
_SUM = f"{_HERE}.additive_attention.AdditiveAttention"


def _with(name: str, value: Any) -> Any:
    """Call a method of a layer whose attribute has another value meanwhile."""

    def replacement(correct: Any) -> Any:
        def faulty(self: Any, *args: Any, **kwargs: Any) -> Any:
            kept = getattr(self, name)
            object.__setattr__(self, name, value(self, kept) if callable(value) else value)
            try:
                return correct(self, *args, **kwargs)
            finally:
                object.__setattr__(self, name, kept)

        return faulty

    return replacement


def _shifted(band: Any) -> Any:
    def faulty(rows: int, columns: int, device: Any, *, causal: bool, window: int | None = None) -> Tensor:
        seen = band(rows, columns, device, causal=causal, window=window)
        return seen | torch.ones_like(seen).tril(1).triu(1) if causal else seen

    return faulty


def _from_the_end(attend: Any) -> Any:
    """A causal mask whose last query sees the last key, as caches of keys have it."""

    def faulty(query: Tensor, key: Tensor, value: Tensor, mask: Any, *, causal: bool = False, **rest: Any) -> Tensor:
        if causal:
            rows, columns = query.shape[-2], key.shape[-2]
            mask = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
        return attend(query, key, value, mask, **rest)

    return faulty


def _infinite(attend: Any) -> Any:
    def faulty(query: Tensor, key: Tensor, value: Tensor, mask: Any, *, scale: float, **rest: Any) -> Tensor:
        if mask is None:
            return attend(query, key, value, mask, scale=scale, **rest)
        scores = (query * scale) @ key.transpose(-2, -1)
        return scores.masked_fill(~mask, -float("inf")).softmax(-1) @ value

    return faulty


def _averaging(always: bool) -> Any:
    return lambda attend: lambda *args, averages=False, **rest: attend(*args, averages=always, **rest)


def _over_queries(stepwise: Any) -> Any:
    def faulty(query: Tensor, key: Tensor, value: Tensor, mask: Any, *, scale: float, drop: Any = None) -> Any:
        scores = (query * scale) @ key.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        scores = scores.softmax(-2)
        return scores @ value, scores

    return faulty


def _interleaved(attend: Any) -> Any:
    def faulty(self: Any, q: Tensor, k: Tensor, v: Tensor, *rest: Any) -> Any:
        k, v = (x.repeat(1, self._repeats, 1, 1) for x in (k, v))
        return heads._HeadsAttention._attend(self, q, k, v, *rest)

    return faulty


def _heads_behind_their_size(forward: Any) -> Any:
    def faulty(self: Any, x: Tensor) -> Tensor:
        y: Tensor = forward(self, x)
        return y if self._new == 1 else y.reshape(*y.shape[:-2], *y.shape[:-3:-1]).transpose(-1, -2)

    return faulty


def _filled(stepwise: Any) -> Any:
    def faulty(self: Any, query: Tensor, key: Tensor, value: Tensor, seen: Any) -> Any:
        scores = self.scores(query, key)
        scores = (scores if seen is None else scores.masked_fill(~seen, -1e9)).softmax(-1)
        return scores @ value, scores

    return faulty


def _swapped(forward: Any) -> Any:
    def faulty(self: Any, query: Tensor, value: Tensor, key: Any = None, **rest: Any) -> Any:
        return forward(self, query, value if key is None else key, None if key is None else value, **rest)

    return faulty


FAULTS = [
    Fault("causal mask shifted by one", f"{_HERE}.heads.band", "MultiHeadAttention", "semantics", _shifted),
    Fault("causal mask from the end", f"{_HERE}.heads.attend", "MultiHeadAttention", "semantics", _from_the_end),
    Fault("scale by the size of all heads", f"{_HEADS}._attend", "MultiHeadAttention", "semantics",
          _with("_scale", lambda self, scale: scale / self.num_heads**0.5)),
    Fault("scale by the size of values", f"{_HEADS}._attend", "MultiHeadAttention", "semantics",
          _with("_scale", lambda self, scale: 1 / self.value_dim**0.5)),
    Fault("-inf for the large negative number", f"{_HERE}.heads.attend", "MultiHeadAttention", "structure", _infinite),
    Fault("large number not large enough", f"{_HERE}.dot_product._large_negative", "MultiHeadAttention", "semantics",
          instead(lambda dtype: -10.0)),
    Fault("softmax over the queries", f"{_HERE}.heads.attend_stepwise", "MultiHeadAttention", "semantics", _over_queries),
    Fault("queries that see nothing give 0", f"{_HERE}.heads.attend", "MultiHeadAttention", "semantics",
          _averaging(False)),
    Fault("queries that see nothing give the mean with dropout", f"{_HERE}.heads.attend", "GroupQueryAttention",
          "semantics", _averaging(True)),
    Fault("order of attention_axes lost", f"{_HERE}.multi_head_attention.MultiHeadAttention.attended_axes",
          "MultiHeadAttention", "", then(lambda axes: tuple(sorted(axes)))),
    Fault("query's mask ignored", f"{_HEADS}.forward", "MultiHeadAttention", "semantics", without("query_mask")),
    Fault("value's mask ignored", f"{_HEADS}.forward", "MultiHeadAttention", "semantics", without("value_mask")),
    Fault("key's mask ignored", f"{_HEADS}.forward", "GroupQueryAttention", "semantics", without("key_mask")),
    Fault("mask inverted", f"{_HEADS}._mask", "GroupQueryAttention", "semantics", then(torch.logical_not)),
    Fault("key and value swapped", f"{_HEADS}.forward", "MultiHeadAttention", "", _swapped),
    Fault("bias of projections dropped", f"{_PROJECTION}.forward", "MultiHeadAttention", "semantics",
          _with("bias", None)),
    Fault("heads behind their size", f"{_PROJECTION}.forward", "MultiHeadAttention", "semantics",
          _heads_behind_their_size),
    Fault("gate without sigmoid", f"{_PROJECTION}.forward", "MultiHeadAttention", "semantics", _with("sigmoid", False)),
    Fault("window wider by one", f"{_HERE}.heads.band", "GroupQueryAttention", "semantics",
          lambda band: lambda *args, causal, window=None: band(
              *args, causal=causal, window=None if window is None else window + 1)),
    Fault("groups interleaved in heads", f"{_GROUPS}._attend", "GroupQueryAttention", "semantics", _interleaved),
    Fault("gradient of keys cut", f"{_HERE}.heads.attend", "GroupQueryAttention", "semantics of gradients",
          lambda attend: lambda query, key, *rest, **named: attend(query, key.detach(), *rest, **named)),
    Fault("attention in half precision", f"{_HERE}.heads.attend", "MultiHeadAttention", "accuracy",
          lambda attend: lambda q, k, v, *rest, **named: attend(q, k, v, *rest, **named) if (
              q.dtype is not torch.float32) else attend(q.half(), k.half(), v.half(), *rest, **named).float()),
    Fault("penalty on the output of heads", f"{_HERE}.multi_head_attention.MultiHeadAttention._add_activity_losses",
          "MultiHeadAttention", "structure", instead(lambda self, outputs: super(type(self), self)._add_activity_losses(
              outputs))),
    Fault("scale of Attention forgotten", f"{_DOT}.scores", "Attention", "semantics", _with("scale", None)),
    Fault("scale of heads in Attention", f"{_HERE}.attention.F.scaled_dot_product_attention", "Attention", "semantics",
          lambda fused: lambda *args, scale=None, **rest: fused(*args, **rest)),
    Fault("hidden scores filled, not lowered", f"{_DOT}._attend_stepwise", "Attention", "semantics", _filled),
    Fault("query's mask of Attention ignored", f"{_DOT}._checked_masks", "Attention", "semantics",
          then(lambda masks: (None, masks[1]))),
    Fault("value's mask of Attention ignored", f"{_DOT}._checked_masks", "AdditiveAttention", "semantics",
          then(lambda masks: (masks[0], None))),
    Fault("scale inside tanh", f"{_SUM}.scores", "AdditiveAttention", "semantics",
          instead(lambda self, query, key: torch.tanh((query.unsqueeze(-2) + key.unsqueeze(-3)) * (
              1 if self.scale is None else self.cast(self.scale))).sum(-1))),
    Fault("mean for the sum of features", f"{_SUM}.scores", "AdditiveAttention", "semantics",
          lambda scores: lambda self, query, key: scores(self, query, key) / query.shape[-1]),
]  # fmt: skip
