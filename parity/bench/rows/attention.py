"""Rows of attention."""

from __future__ import annotations

from functools import partial
from typing import Any

from parity.bench.handwritten import attention as by_hand
from parity.bench.rows.row import Row, row

_TINY: list[Any] = [(1, 4, 32), (1, 4, 32)]


def _heads(remark: str, other: int = 128, **call: Any) -> Row:
    """Attention of 8 heads over 128 steps and `other`, written by hand with the same options."""
    return row(
        "MultiHeadAttention",
        {"num_heads": 8, "key_dim": 32, "use_bias": False},  # that of the keys has a gradient of 0: rounding alone
        [(8, 128, 256), (8, other, 256)],
        partial(by_hand.Heads, causal=bool(call)),
        _TINY,
        small_config={"num_heads": 2, "key_dim": 16},
        remark=remark,
        call=call,
    )


ROWS = (
    _heads("self"),
    _heads("cross", 64),
    _heads("causal", use_causal_mask=True),
    row(
        "GroupQueryAttention",
        {"head_dim": 32, "num_query_heads": 8, "num_key_value_heads": 2, "use_bias": False},
        [(8, 128, 256), (8, 128, 256)],
        by_hand.Heads,
        _TINY,
        small_config={"head_dim": 8, "num_query_heads": 4, "num_key_value_heads": 2},
    ),
    row("Attention", {}, [[(16, 128, 256), (16, 128, 256)]], by_hand.Dot, [_TINY]),
    row("AdditiveAttention", {}, [[(8, 32, 128), (8, 32, 128)]], by_hand.Additive, [_TINY]),
)
