"""Windows that slide over an input: how much Keras pads, and what of a transposed convolution it keeps.

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


def transposed(
    size: int, kernel: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> tuple[int, int]:
    """Return (how much a transposed convolution drops at the start, the size of what it keeps).

    It is the gradient of a convolution over the output: what that pads at its start is what this one drops. What is too
    much is dropped at both ends, the odd one at the end.
    """
    covered = spread(kernel, dilation)
    if padding == "valid":
        more = max(stride - covered, 0) if output_padding is None else output_padding
        return 0, (size - 1) * stride + covered + more
    kept = size * stride if output_padding is None else (size - 1) * stride + covered % 2 + output_padding
    return max((size - 1) * stride + covered - kept, 0) // 2, kept
