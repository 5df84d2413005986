"""Cases of Conv1D, Conv2D and Conv3D.

TensorFlow's CPU kernels refuse empty batches in float32, and channels_first in float64: such cases stand in the dtype
that works, where there is one, and otherwise in the tests of torch_layers.
"""

from __future__ import annotations

from parity.case import Case, integers, mask

# Strides with dilation rates: not both above 1.
_STEPS = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))

_CONV1D = [
    Case("Conv1D", {"filters": 4, "kernel_size": 3}, [(2, 7, 5)]),
    *(
        Case(
            "Conv1D",
            {"filters": 3, "kernel_size": kernel, "strides": stride, "padding": padding, "dilation_rate": dilation},
            [(2, size, 5)],
            why="how much is padded on which side",
        )
        for padding in ("valid", "same", "causal")
        for stride, dilation in _STEPS
        for kernel in (1, 2, 3, 4)
        for size in (8, 7)
        if padding != "valid" or size > (kernel - 1) * dilation
    ),
]

CASES = [*_CONV1D]
