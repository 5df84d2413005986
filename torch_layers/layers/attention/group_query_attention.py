"""GroupQueryAttention."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from torch_layers.layers.arguments import positive_int
from torch_layers.layers.attention.heads import _HeadsAttention


class GroupQueryAttention(_HeadsAttention):
    """`MultiHeadAttention` in which groups of neighbouring query heads share one head of keys and values.

    Query head i sees key head i // (num_query_heads // num_key_value_heads); all heads have the size `head_dim`. The
    output has the features of the query. Masks, `use_gate`, `sliding_window` and queries that may see nothing are
    treated as in `MultiHeadAttention`.

    Shape: query (batch, steps, features), value and key (batch, other steps, *) -> (batch, steps, features); scores
    (batch, query heads, steps, other steps).
    Raises: ValueError for sizes that are not positive ints, `num_query_heads` that `num_key_value_heads` doesn't
    divide, a `dropout` that is not from 0 to 1; if query, value, key or a mask don't fit each other.
    Source: keras.layers.GroupQueryAttention, Keras 3.15.
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(**kwargs)
        self.head_dim = positive_int(self, "head_dim", head_dim)
        self.num_query_heads = positive_int(self, "num_query_heads", num_query_heads)
        self.num_key_value_heads = positive_int(self, "num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"GroupQueryAttention: num_query_heads={num_query_heads} is not a multiple of "
                f"num_key_value_heads={num_key_value_heads}"
            )
        self._set_common(given)
        self._repeats = num_query_heads // num_key_value_heads
        self._scale = 1 / math.sqrt(self.head_dim)
        shared = (self.num_key_value_heads, self.head_dim)
        self._make_projections((self.num_query_heads, self.head_dim), shared, shared)

    def check_rank(self, rank: int, listed: str) -> None:
        if rank != 3:
            raise ValueError(f"GroupQueryAttention: {listed} have rank {rank}, allowed is 3")

    def attended_axes(self, rank: int) -> tuple[int, ...]:
        return (1,)

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, wants_scores: bool
    ) -> tuple[Tensor, Tensor | None]:
        repeats = self._repeats
        if repeats == 1:
            return super()._attend(q, k, v, mask, causal, wants_scores)
        batch, heads, steps, size = q.shape
        if mask is None and not causal and not wants_scores:
            # The queries of a group as more queries of one head: faster than to repeat keys and values.
            y, scores = super()._attend(
                q.reshape(batch, heads // repeats, repeats * steps, size), k, v, None, False, False
            )
            return y.reshape(batch, heads, steps, size), scores
        shape = (batch, heads // repeats, repeats, k.shape[2], size)
        k, v = (x.unsqueeze(2).expand(shape).flatten(1, 2) for x in (k, v))
        return super()._attend(q, k, v, mask, causal, wants_scores)
