"""Mean and biased variance of a batch: of all of it, of what a mask leaves, or of the batches of all processes."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

# What Keras adds to the number of elements that a mask leaves.
_EPSILON = 1e-7


def moments(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Return mean and variance over `axes`, which stay with size 1."""
    if not axes:  # torch takes no axes for all of them
        return x, torch.zeros_like(x)
    mean = x.mean(axes, keepdim=True)
    return mean, (x - mean).square().mean(axes, keepdim=True)


def scaled(x: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, epsilon: float) -> Tensor:
    """Return weight * (x - mean) / sqrt(var + epsilon) + bias, all of shapes that fit x's."""
    factor = (var + epsilon).rsqrt()
    factor = factor if weight is None else factor * weight
    # Not torch.addcmul: it rounds once, and leaves something of x - x.
    return x * factor + (-mean * factor if bias is None else bias - mean * factor)


def masked_moments(x: Tensor, mask: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Return mean and variance over `axes` of the elements where `mask`, of one axis less than x, is true."""
    kept = mask.bool().unsqueeze(-1).expand(x.shape)
    if not axes:
        count = kept.to(x.dtype) + _EPSILON
        mean = torch.where(kept, x, 0) / count
        return mean, torch.where(kept, x - mean, 0).square() / count
    count = kept.to(x.dtype).sum(axes, keepdim=True) + _EPSILON
    mean = torch.where(kept, x, 0).sum(axes, keepdim=True) / count
    return mean, torch.where(kept, x - mean, 0).square().sum(axes, keepdim=True) / count


class _SumOfProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes, each of which has its share of the gradient from all."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _SumOfProcesses.apply(gradient)  # type: ignore[no-untyped-call]


def synchronized_moments(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Return mean and variance over `axes` and over all processes of torch.distributed, whose batches may differ."""
    total = x.sum(axes, keepdim=True)
    count = x.new_full((1,), x.numel() / max(total.numel(), 1))
    together: Tensor = _SumOfProcesses.apply(torch.cat([total.flatten(), count]))  # type: ignore[no-untyped-call]
    count = together[-1].detach().clamp(min=1)
    mean = together[:-1].reshape(total.shape) / count
    # About the mean of all processes: a mean of squares less the square of the mean, as Keras has it, cancels.
    squares: Tensor = _SumOfProcesses.apply((x - mean).square().sum(axes, keepdim=True))  # type: ignore[no-untyped-call]
    return mean, squares / count


def is_distributed() -> bool:
    """Tell whether there are other processes to share statistics with."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
