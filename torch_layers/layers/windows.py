"""Windows that slide over an input: how much Keras pads.

Source: keras/src/backend/common/backend_utils.py, 3.15, and TensorFlow's `SAME`.
"""

from __future__ import annotations

from collections.abc import Sequence


def spread(kernel: int, dilation: int) -> int:
    """Return how many positions a dilated kernel covers."""
    return (kernel - 1) * dilation + 1


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return (before, after) for `same`: as little as gives ceil(size / stride) outputs, the odd one at the end."""
    total = max((-(-size // stride) - 1) * stride + spread(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def flat(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return (before, after) pairs in the order of `torch.nn.functional.pad`, the last axis first."""
    return [size for pair in reversed(pairs) for size in pair]
