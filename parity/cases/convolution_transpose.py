"""Cases of the transposed convolutions.

In channels_first cases no axis of the output is as long as `filters`: Keras would add the bias along it.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from parity.case import Case, mask

_SIZES = {1: (5,), 2: (5, 4), 3: (4, 3, 2)}

# Without a bias, which Keras on TensorFlow adds along another axis where that is as long as the filters.
_FIRST = {"data_format": "channels_first", "strides": 2, "padding": "same", "use_bias": False}


def _shape(rank: int, first: bool = False, batch: int = 2) -> tuple[int, ...]:
    return (batch, 3, *_SIZES[rank]) if first else (batch, *_SIZES[rank], 3)


def _sweep(rank: int) -> list[Case]:
    """Every pair of kernel, stride and padding, and every output padding that Keras's own convolution can undo."""
    name = f"Conv{rank}DTranspose"
    kernels, strides = ((1, 2, 3, 4, 5), (1, 2, 3)) if rank < 3 else ((2, 3), (1, 2))
    cases = [
        Case(name, {"filters": 2, "kernel_size": k, "strides": s, "padding": p}, [_shape(rank)])
        for k, s, p in product(kernels, strides, ("valid", "same"))
    ]
    cases += [
        Case(name, {"filters": 2, "kernel_size": k, "strides": s, "padding": p, "output_padding": o}, [_shape(rank)])
        for k, s, p, o in product((2, 3, 4, 5)[rank - 1 :], (2, 3, 4)[: 4 - rank], ("valid", "same"), (0, 1, 2))
        # With an even kernel and no output padding, `same` gives a size that TensorFlow refuses.
        if o < s and not (p == "same" and k % 2 == o == 0)
    ]
    return cases


def _transposed(rank: int) -> list[Case]:
    name = f"Conv{rank}DTranspose"
    own: dict[str, Any] = {"filters": 4, "kernel_size": 3}
    changes: list[dict[str, Any]] = [
        {"strides": 2, "padding": "same", "activation": "relu"},
        {"use_bias": False},
        {"padding": "SAME"},
        {"kernel_size": tuple(range(2, 2 + rank)), "strides": tuple(range(1 + rank, 1, -1))},
        {"dilation_rate": 2},
        {"kernel_initializer": "he_normal", "bias_initializer": "ones", "name": "up"},
        {"kernel_regularizer": "l2", "bias_regularizer": "l2", "activity_regularizer": "l2"},
        {"kernel_constraint": "non_neg", "bias_constraint": "non_neg"},
        {"trainable": False},
        {"dtype": "float64"},
        {"dilation_rate": 2, "padding": "same"},
        {"kernel_size": 2, "dilation_rate": tuple(range(3, 3 - rank, -1)), "padding": "same"},
        {"strides": tuple(range(1, 1 + rank)), "padding": "same", "kernel_size": 4},
    ]
    refused: list[dict[str, Any]] = [
        {"padding": "causal"},
        {"kernel_size": 0},
        {"strides": 0},
        {"filters": 0},
        {"strides": 2, "dilation_rate": 2},
        {"strides": 2, "output_padding": 2},
        {"strides": 2, "output_padding": -1},
        {"strides": 2, "output_padding": (1, 1, 1, 1)},
        {"dilation_rate": 0},
        {"padding": "smae"},
        {"activation": "rleu"},
        {"data_format": "last"},
    ]
    return [
        Case(name, {**own, "strides": 2, "padding": "same"}, [_shape(rank)], why="which pixel it begins at"),
        *(Case(name, {**own, **change}, [_shape(rank)]) for change in changes),
        *(
            Case(name, {**own, "filters": 8, "data_format": "channels_first", **change}, [_shape(rank, True)])
            for change in (
                {},
                {"strides": 3, "padding": "same", "output_padding": 1, "kernel_size": 4},
                {"dilation_rate": 2, "use_bias": False},
            )
        ),
        Case(name, {**own, **_FIRST}, [_shape(rank, True)]),
        Case(name, own, [_shape(rank, batch=1)]),
        Case(name, own, [(2, *(1,) * rank, 1)]),
        Case(name, own, [_shape(rank)], masks=[mask(2, 5 - rank // 3)], why="a mask stops here"),
        Case(name, own, [_shape(rank, batch=0)], dtype="float64", why="an empty batch"),
        *(Case(name, {**own, **change}, [_shape(rank)], raises=True) for change in refused),
        Case(name, own, [_shape(rank)[:-1]], raises=True),
        Case(name, own, [(*_shape(rank), 2)], raises=True),
        *_sweep(rank),
    ]


CASES = [
    *_transposed(1),
    *_transposed(2),
    *_transposed(3),
    Case(
        "Conv1DTranspose",
        {"filters": 4, "kernel_size": 4, "padding": "same", "output_padding": 0},
        [(2, 1, 3)],
        raises=True,
        why="nothing is left; of images and volumes Keras gives that",
    ),
]
