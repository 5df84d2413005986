"""Batch normalization over many rows of float32 on the CPU, where torch's kernel adds up a channel's values one by one.

Its variance is off by 2e-6 at 5,000 rows and by 1.5e-4 at 400,000. Here the rows are cut into about as many blocks as each
has rows; the same kernel takes the sums of several blocks at once, and they are put together.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Below, the kernel's sums are off by less than some ulps of the largest value.
_ROWS = 1024
# Of more sums at once, some leave the first cache between one row and the next, which takes up to twice the time.
_SUMS = 1024


def is_long(x: Tensor) -> bool:
    """Tell whether (rows, channels) are so many that the kernel's sums run up, and whether that can be mended.

    Compilers write sums of their own, and transforms need a kernel that they know.
    """
    return (
        x.ndim == 2
        and type(x) is Tensor
        and x.dtype is torch.float32
        and x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and x.shape[0] >= _ROWS
        and not torch._C._are_functorch_transforms_active()
    )


def normalized(x: Tensor, weight: Any, bias: Any, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return (rows, channels) normalized by their own statistics, scaled and shifted; their mean and biased variance."""
    found: tuple[Tensor, Tensor, Tensor] = _Normalized.apply(x, weight, bias, epsilon)  # type: ignore[no-untyped-call]
    return found


def _blocks(x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return (calls, rows in a block, blocks in a call * channels), the rows left over, and the blocks in a call."""
    rows, channels = x.shape
    blocks = 1 << min(rows.bit_length() // 2, rows.bit_length() - 9)
    at_once = min(blocks, 1 << (_SUMS // channels).bit_length() >> 1 or 1)
    whole = rows - rows % blocks
    return x[:whole].reshape(blocks // at_once, -1, at_once * channels), x[whole:], at_once


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    cut, rest, _ = _blocks(x)
    found = [torch.ops.aten.batch_norm_update_stats(call, None, None, 0.0) for call in cut]
    means, variances = (torch.cat(parts).view(-1, x.shape[1]) for parts in zip(*found, strict=True))
    mean = means.mean(0)
    var = (means - mean).square_().add_(variances).mean(0)
    if len(rest):
        share = len(rest) / len(x)
        apart = rest.mean(0) - mean
        var = torch.lerp(var, rest.var(0, correction=0), share) + apart.square() * (share * (1 - share))
        mean = mean + apart * share
    return mean, var


def _sums(grad: Tensor, x: Tensor, mean: Tensor, var: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Return the gradients of weight and bias: the sums of grad times what was normalized, and of grad."""
    (cut, rest, at_once), (grad_cut, grad_rest, _) = _blocks(x), _blocks(grad)
    means, variances, wanted = mean.repeat(at_once), var.repeat(at_once), [False, True, True]
    found = [
        torch.ops.aten.native_batch_norm_backward(
            *(grad_call, call, None, means, variances, None, None, False, epsilon, wanted)
        )[1:]
        for grad_call, call in zip(grad_cut, cut, strict=True)
    ]
    products, sums = (torch.cat(parts).view(-1, x.shape[1]).sum(0) for parts in zip(*found, strict=True))
    if len(rest):
        products = products + (grad_rest * (rest - mean)).sum(0) * (var + epsilon).rsqrt()
        sums = sums + grad_rest.sum(0)
    return products, sums


class _Normalized(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, weight: Any, bias: Any, epsilon: float) -> Any:
        mean, var = _moments(x)
        return torch.batch_norm(x, weight, bias, mean, var, False, 0.0, epsilon, False), mean, var

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, weight, bias, ctx.epsilon = inputs
        _, mean, var = output
        ctx.mark_non_differentiable(mean, var)
        ctx.save_for_backward(x, weight, mean, var)
        ctx.wanted = [x.requires_grad, weight is not None, bias is not None]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x, weight, mean, var), grad = ctx.saved_tensors, grads[0]
        inverse = (var + ctx.epsilon).rsqrt()
        if torch.is_grad_enabled():  # the kernel knows its own gradient
            found = torch.ops.aten.native_batch_norm_backward(
                *(grad, x, weight, None, None, mean, inverse, True, ctx.epsilon, ctx.wanted)
            )
            return *found, None
        products, sums = _sums(grad, x, mean, var, ctx.epsilon)
        of_x = None
        if ctx.wanted[0]:  # weight * inverse * (grad - mean of grad - normalized * mean of grad times normalized)
            scale = inverse if weight is None else inverse * weight
            slope = products * inverse * scale / -len(x)
            of_x = torch.addcmul(slope * -mean - sums * scale / len(x), x, slope).addcmul_(grad, scale)
        return of_x, products if ctx.wanted[1] else None, sums if ctx.wanted[2] else None, None
