"""Cases of the depthwise and separable convolutions.

No strides of two sizes: TensorFlow's float64 kernels refuse them. No empty batches: its float32 kernels fail on them,
and its float64 kernels leave the gradients unset.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from parity.case import Case, mask

_SIZES = {1: (7,), 2: (7, 6)}

# Without a bias, which Keras on TensorFlow adds along another axis where that is as long as the filters.
_FIRST = {"data_format": "channels_first", "strides": 2, "padding": "same", "use_bias": False}


def _shape(rank: int, first: bool = False, batch: int = 2) -> tuple[int, ...]:
    return (batch, 3, *_SIZES[rank]) if first else (batch, *_SIZES[rank], 3)


def _sweep(name: str, own: dict[str, Any], rank: int) -> list[Case]:
    return [
        Case(name, {**own, "kernel_size": k, "strides": s, "dilation_rate": d, "padding": p}, [_shape(rank)])
        for k, s, d, p in product((1, 2, 3, 4), (1, 2, 3), (1, 2), ("valid", "same"))
        if (s == 1 or d == 1) and (k - 1) * d < min(_SIZES[rank])
    ]


def _family(name: str, own: dict[str, Any], rank: int, prefixes: tuple[str, ...]) -> list[Case]:
    changes: list[dict[str, Any]] = [
        {"padding": "same", "strides": 2, "activation": "relu"},
        {"use_bias": False},
        {"use_bias": False, "depth_multiplier": 2},
        {"padding": "Same"},
        {"kernel_size": tuple(range(2, 2 + rank))},
        {"bias_initializer": "ones", "name": "each", "bias_regularizer": "l2", "bias_constraint": "non_neg"},
        {"activity_regularizer": "l2"},
        {"trainable": False},
        {"dtype": "float64"},
        {"depth_multiplier": 3, "strides": 2},
        {"strides": 2, "dilation_rate": 2},
        {"strides": 3, "dilation_rate": 2, "padding": "same", "depth_multiplier": 2},
        *([{"dilation_rate": (3, 1)}] if rank == 2 else []),
        *({f"{p}_initializer": "he_normal", f"{p}_regularizer": "l2", f"{p}_constraint": "non_neg"} for p in prefixes),
    ]
    refused: list[dict[str, Any]] = [
        {"padding": "causal"},
        {"kernel_size": 0},
        {"strides": 0},
        {"dilation_rate": 0},
        {"depth_multiplier": 0},
        {"data_format": "last"},
        {"kernel_size": 9},
        {"kernel_size": (3, 3, 3)},
        {"padding": "smae"},
        {"activation": "rleu"},
    ]
    return [
        Case(name, {**own, "padding": "same", "depth_multiplier": 2}, [_shape(rank)], why="the order of the channels"),
        *(Case(name, {**own, **change}, [_shape(rank)]) for change in changes),
        Case(name, {**own, "data_format": "channels_first", "kernel_size": 2}, [_shape(rank, first=True)]),
        Case(name, {**own, "data_format": "channels_first", "use_bias": False, "dilation_rate": 2}, [_shape(rank, True)]),
        Case(name, {**own, **_FIRST}, [_shape(rank, True)]),
        Case(name, own, [_shape(rank, batch=1)]),
        Case(name, {**own, "kernel_size": 1}, [(2, *(1,) * rank, 1)]),
        Case(name, {**own, "kernel_size": 5, "padding": "same"}, [(2, *(1, 2)[:rank], 3)], why="larger than the input"),
        Case(name, own, [_shape(rank)], masks=[mask(2, 7)], why="a mask stops here"),
        *(Case(name, {**own, **change}, [_shape(rank)], raises=True) for change in refused),
        Case(name, own, [_shape(rank)[:-1]], raises=True),
        Case(name, own, [(*_shape(rank), 2)], raises=True),
        *_sweep(name, own, rank),
    ]  # fmt: skip


CASES = [
    *_family("DepthwiseConv1D", {"kernel_size": 3}, 1, ("depthwise",)),
    *_family("DepthwiseConv2D", {"kernel_size": 3}, 2, ("depthwise",)),
    *_family("SeparableConv1D", {"filters": 4, "kernel_size": 3}, 1, ("depthwise", "pointwise")),
    *_family("SeparableConv2D", {"filters": 4, "kernel_size": 3}, 2, ("depthwise", "pointwise")),
]
