"""Cases of Conv1D, Conv2D and Conv3D.

In channels_first cases no axis of the output is as long as `filters`, but in those about that: Keras takes the last
such axis for the channels when it adds the bias. Empty batches are in float64: TensorFlow's narrower kernels fail there.
"""

from __future__ import annotations

from typing import Any

from parity.case import Case, mask

# Strides with dilation rates: not both above 1.
_STEPS = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))
_PADDED = "how much is padded, and on which side"


def _own(**config: Any) -> list[dict[str, Any]]:
    """Configs that any convolution takes: its own, changed by one argument at a time."""
    changes: list[dict[str, Any]] = [
        {"activation": "relu"},
        {"activation": "gelu"},
        {"use_bias": False},
        {"use_bias": False, "activation": "softmax"},
        {"kernel_initializer": "he_normal", "bias_initializer": "ones"},
        {"kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.03, "l2": 0.02}}},
        {"bias_regularizer": "l2"},
        {"activity_regularizer": "l1"},
        {"kernel_constraint": "max_norm", "bias_constraint": "non_neg"},
        {"dtype": "float64", "name": "convolve"},
        {"trainable": False},
    ]
    return [{**config, **change} for change in changes]


_REFUSED: list[dict[str, Any]] = [
    {"filters": 0},
    {"filters": -2},
    {"kernel_size": 0},
    {"kernel_size": (3, 3, 3, 3)},
    {"strides": 0},
    {"strides": "2"},
    {"dilation_rate": 0},
    {"strides": 2, "dilation_rate": 2},
    {"groups": 0},
    {"groups": 3},
    {"padding": "full"},
    {"padding": "smae"},
    {"data_format": "last"},
    {"activation": "rleu"},
    {"lora_rank": 2, "kernel_constraint": "non_neg"},
]

_CONV1D = [
    Case("Conv1D", {"filters": 4, "kernel_size": 3}, [(2, 7, 5)]),
    *(
        Case(
            "Conv1D",
            {"filters": 3, "kernel_size": kernel, "strides": stride, "padding": padding, "dilation_rate": dilation},
            [(2, size, 4)],
            why=_PADDED,
        )
        for padding in ("valid", "same", "causal")
        for stride, dilation in _STEPS
        for kernel in (2, 3, 4)
        for size in (8, 7)
        if padding != "valid" or size > (kernel - 1) * dilation
    ),
    *(
        Case(
            "Conv1D",
            {"filters": 2, "kernel_size": kernel, "strides": 3, "padding": padding},
            [(2, size, 4)],
            why="strides that skip the end of the input, or more than the kernel",
        )
        for padding in ("valid", "same", "causal")
        for kernel in (1, 2)
        for size in (5, 6)
    ),
    Case("Conv1D", {"filters": 3, "kernel_size": 5, "padding": "same"}, [(2, 1, 4)], why="a single step"),
    Case("Conv1D", {"filters": 3, "kernel_size": 6, "padding": "causal"}, [(1, 2, 1)]),
    Case("Conv1D", {"filters": 1, "kernel_size": 6, "padding": "same", "strides": 7}, [(1, 3, 2)]),
    Case("Conv1D", {"filters": 3, "kernel_size": [2], "strides": (2,), "padding": "SAME"}, [(2, 5, 4)]),
    *(
        Case("Conv1D", {"filters": 3, "kernel_size": 2, "data_format": "channels_first", **more}, [(2, 5, 8)])
        for more in (
            {},
            {"strides": 2, "padding": "same"},
            {"padding": "causal", "dilation_rate": 2},
            {"padding": "same", "dilation_rate": 3, "use_bias": False},
        )
    ),
    Case("Conv1D", {"filters": 6, "kernel_size": 2, "groups": 2, "data_format": "channels_first"}, [(2, 4, 5)]),
    *(
        Case("Conv1D", {"filters": 6, "kernel_size": 2, "groups": groups}, [(2, 5, channels)], why="order of groups")
        for groups, channels in ((2, 4), (3, 3), (6, 12))
    ),
    Case("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2, "padding": "causal"}, [(2, 5, 6)]),
    *(Case("Conv1D", config, [(2, 6, 4)]) for config in _own(filters=3, kernel_size=2)),
    Case("Conv1D", {"filters": 3, "kernel_size": 2, "lora_rank": 2}, [(2, 6, 4)]),
    Case("Conv1D", {"filters": 3, "kernel_size": 2, "lora_rank": 2, "lora_alpha": 5.0}, [(2, 6, 4)]),
    Case("Conv1D", {"filters": 3, "kernel_size": 2}, [(2, 6, 4)], masks=[mask(2, 6)], why="a mask stops here"),
    Case("Conv1D", {"filters": 3, "kernel_size": 2}, [(0, 6, 4)], dtype="float64", why="an empty batch"),
    *(Case("Conv1D", {"filters": 4, "kernel_size": 3, **more}, [(2, 7, 5)], raises=True) for more in _REFUSED),
    Case("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2}, [(2, 7, 5)], raises=True, why="5 channels in 2"),
    Case("Conv1D", {"filters": 4, "kernel_size": 3}, [(2, 2, 5)], raises=True, why="shorter than the kernel"),
    Case("Conv1D", {"filters": 4, "kernel_size": 3, "dilation_rate": 3}, [(2, 6, 5)], raises=True),
    Case("Conv1D", {"filters": 4, "kernel_size": 3}, [(2, 5)], raises=True),
    Case("Conv1D", {"filters": 4, "kernel_size": 3}, [(2, 7, 5, 3)], raises=True),
]

_CONV2D = [
    Case("Conv2D", {"filters": 4, "kernel_size": (3, 2), "padding": "same", "strides": 2}, [(2, 6, 7, 5)]),
    *(
        Case(
            "Conv2D",
            {"filters": 3, "kernel_size": kernel, "strides": strides, "padding": padding, "dilation_rate": dilation},
            [(2, *sizes, 4)],
            why=_PADDED,
        )
        for padding in ("valid", "same")
        for strides, dilation in (*_STEPS, ((2, 3), 1), (1, (3, 2)))
        for kernel in ((2, 3), (4, 1))
        for sizes in ((10, 7), (11, 8))
    ),
    Case("Conv2D", {"filters": 3, "kernel_size": 1}, [(2, 5, 6, 4)]),
    Case("Conv2D", {"filters": 3, "kernel_size": 1, "strides": (3, 2), "padding": "same"}, [(2, 5, 6, 4)]),
    Case("Conv2D", {"filters": 3, "kernel_size": 5, "padding": "same"}, [(2, 1, 2, 4)], why="larger than the image"),
    Case("Conv2D", {"filters": 2, "kernel_size": [3, 1], "strides": [1, 2], "padding": "Same"}, [(1, 5, 6, 1)]),
    Case("Conv2D", {"filters": 1, "kernel_size": (5, 6)}, [(2, 5, 6, 3)], why="a single place is left"),
    *(
        Case("Conv2D", {"filters": 3, "kernel_size": (2, 3), "data_format": "channels_first", **more}, [(2, 5, 8, 9)])
        for more in (
            {},
            {"strides": 2, "padding": "same"},
            {"padding": "same", "dilation_rate": 2, "data_format": "Channels_First"},
            {"use_bias": False, "activation": "relu", "strides": (1, 2)},
        )
    ),
    Case(
        "Conv2D",
        {"filters": 4, "kernel_size": 2, "data_format": "channels_first"},
        [(2, 3, 6, 5)],
        why="Keras adds the bias along the width, which is as long as filters",
    ),
    Case("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 2, "data_format": "channels_first"}, [(2, 6, 7, 8)]),
    *(
        Case("Conv2D", {"filters": 6, "kernel_size": 2, "groups": groups}, [(2, 4, 5, channels)], why="order of groups")
        for groups, channels in ((2, 4), (3, 3), (6, 12))
    ),
    Case("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2, "padding": "same", "strides": 2}, [(2, 7, 8, 6)]),
    *(Case("Conv2D", config, [(2, 5, 6, 4)]) for config in _own(filters=3, kernel_size=2)),
    Case("Conv2D", {"filters": 3, "kernel_size": 2, "lora_rank": 2}, [(2, 5, 6, 4)]),
    *(
        Case(
            "Conv2D",
            {"filters": 4, "kernel_size": (1, 4), "groups": groups, "lora_rank": 2},
            [(1, 9, 5, 6)],
            why="a kernel of height 1",
        )
        for groups in (1, 2)
    ),
    Case("Conv2D", {"filters": 3, "kernel_size": 2, "lora_rank": 2, "lora_alpha": 5.0}, [(2, 5, 6, 4)]),
    Case("Conv2D", {"filters": 3, "kernel_size": 2}, [(2, 5, 6, 4)], masks=[mask(2, 5)], why="a mask stops here"),
    Case("Conv2D", {"filters": 3, "kernel_size": 2}, [(0, 5, 6, 4)], dtype="float64", why="an empty batch"),
    *(Case("Conv2D", {"filters": 4, "kernel_size": 3, **more}, [(2, 7, 6, 5)], raises=True) for more in _REFUSED),
    Case("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, [(2, 7, 6, 5)], raises=True),
    Case("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2}, [(2, 7, 6, 5)], raises=True, why="5 channels in 2"),
    Case("Conv2D", {"filters": 4, "kernel_size": 3}, [(2, 7, 2, 5)], raises=True, why="narrower than the kernel"),
    Case("Conv2D", {"filters": 4, "kernel_size": 3}, [(2, 7, 5)], raises=True),
    Case("Conv2D", {"filters": 4, "kernel_size": 3}, [(2, 4, 7, 6, 5)], raises=True),
]

_CONV3D = [
    Case("Conv3D", {"filters": 4, "kernel_size": (2, 3, 1), "padding": "same", "strides": 2}, [(2, 4, 5, 6, 3)]),
    *(
        Case(
            "Conv3D",
            {"filters": 3, "kernel_size": kernel, "strides": strides, "padding": padding, "dilation_rate": dilation},
            [(2, 6, 5, 7, 4)],
            why=_PADDED,
        )
        for padding in ("valid", "same")
        for strides, dilation in ((1, 1), (2, 1), (3, 1), (1, 2), ((1, 3, 2), 1), (1, (2, 1, 3)))
        for kernel in ((2, 3, 1), (3, 2, 2))
    ),
    Case(
        "Conv3D", {"filters": 2, "kernel_size": 4, "padding": "same"}, [(1, 2, 3, 1, 1)], why="larger than the volume"
    ),
    *(
        Case(
            "Conv3D",
            {"filters": 2, "kernel_size": (1, 2, 2), "data_format": "channels_first", **more},
            [(2, 3, 4, 5, 6)],
        )
        for more in (
            {},
            {"strides": 2, "padding": "same"},
            {"dilation_rate": 2, "padding": "same", "use_bias": False},
            {"groups": 3, "filters": 9},
        )
    ),
    *(
        Case("Conv3D", {"filters": 6, "kernel_size": 2, "groups": groups}, [(2, 3, 5, 4, 6)], why="order of groups")
        for groups in (2, 6)
    ),
    *(Case("Conv3D", config, [(2, 4, 3, 5, 6)]) for config in _own(filters=2, kernel_size=2)),
    Case("Conv3D", {"filters": 3, "kernel_size": 2, "lora_rank": 2, "lora_alpha": 5.0}, [(1, 4, 3, 5, 6)]),
    Case("Conv3D", {"filters": 2, "kernel_size": 2}, [(2, 4, 3, 5, 6)], masks=[mask(2, 4)], why="a mask stops here"),
    Case("Conv3D", {"filters": 2, "kernel_size": 2}, [(0, 4, 3, 5, 6)], dtype="float64", why="an empty batch"),
    *(Case("Conv3D", {"filters": 4, "kernel_size": 3, **more}, [(2, 4, 3, 6, 5)], raises=True) for more in _REFUSED),
    Case("Conv3D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, [(2, 4, 3, 6, 5)], raises=True),
    Case("Conv3D", {"filters": 4, "kernel_size": 3}, [(2, 4, 2, 6, 5)], raises=True, why="flatter than the kernel"),
    Case("Conv3D", {"filters": 4, "kernel_size": 3}, [(2, 4, 6, 5)], raises=True),
]

CASES = [*_CONV1D, *_CONV2D, *_CONV3D]
