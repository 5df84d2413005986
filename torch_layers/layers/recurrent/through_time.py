"""SimpleRNN and GRU over a sequence on the CPU, with a way back of their own.

torch's kernels are loops of small operations too, and autograd goes back through each: a product for the weight's
gradient in every step. Here what gradients of a step are multiplied by is found for all steps at once, the way back
through a step is one product, and the weight's gradient is one for the sequence. It takes three quarters of the time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.eager import is_eager


def fits(*tensors: Tensor) -> bool:
    """Tell whether a way back is wanted for these tensors and can be had here.

    torch's kernels are no slower forwards, and take what compilers and transforms bring.
    """
    if not torch.is_grad_enabled() or not any(x.requires_grad for x in tensors):
        return False
    return (
        is_eager()
        and not torch.is_autocast_enabled("cpu")
        and all(
            type(x) in (Tensor, nn.Parameter) and x.is_cpu and x.dtype in (torch.float32, torch.float64) and x.numel()
            for x in tensors
        )
    )


class Recurrence(ABC):
    """What a cell does with its projected inputs (time, batch, gates * units), and the factors of its way back."""

    def over(self, inputs: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return all outputs, (time, batch, units)."""
        outputs: Tensor = _OverTime.apply(self, inputs, h, weight, bias)  # type: ignore[no-untyped-call]
        return outputs

    @abstractmethod
    def forward(
        self, inputs: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return all outputs, and what else the way back needs."""

    @abstractmethod
    def step(self, x: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return the output of one step, by what autograd knows."""

    @abstractmethod
    def factors(
        self, outputs: Tensor, h: Tensor, kept: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return what gradients of the states are multiplied by, for all steps: for gradients of what the weight made,
        (time, batch, gates, units); of the state before, apart from its way through the weight, or None for 0; and of
        the last gate's inputs, or None if they are what the weight's are."""


class _OverTime(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, recurrence: Recurrence, inputs: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        outputs, kept = recurrence.forward(inputs, h, weight, bias)
        ctx.recurrence = recurrence
        ctx.save_for_backward(inputs, h, weight, bias, outputs, *kept)
        return outputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        inputs, h, weight, bias, outputs, *kept = ctx.saved_tensors
        wanted = ctx.needs_input_grad[1:]
        if torch.is_grad_enabled() or torch._C._functorch.is_legacy_batchedtensor(gradient):
            return None, *_by_autograd(ctx.recurrence, (inputs, h, weight, bias), wanted, gradient)
        factors, stays, of_last = ctx.recurrence.factors(outputs, h, kept)
        steps, batch, gates, units = factors.shape
        of_states, of_first = gradient.clone(memory_format=torch.contiguous_format), torch.zeros_like(h)
        of_made = torch.empty_like(factors)
        made = of_made.view(steps, batch, gates * units)
        backwards = zip(
            reversed(of_states.unbind(0)),
            (*reversed(of_states[:-1].unbind(0)), of_first),
            reversed(factors.unbind(0)),
            reversed(of_made.unbind(0)),
            reversed(made.unbind(0)),
            [None] * steps if stays is None else reversed(stays.unbind(0)),
            strict=True,
        )
        for of_state, of_before, factor, of_gates, joined, share in backwards:
            torch.mul(of_state.unsqueeze(1), factor, out=of_gates)
            if share is not None:
                of_before.addcmul_(of_state, share)
            of_before.addmm_(joined, weight)
        of_weight = None
        if wanted[2]:
            of_weight = torch.mm(made[0].t(), h)
            of_weight.addmm_(made[1:].flatten(0, 1).t(), outputs[:-1].flatten(0, 1))
        of_bias = made.sum((0, 1)) if wanted[3] else None
        if of_last is not None:
            torch.mul(of_states, of_last, out=of_made.select(2, -1))  # nobody needs those of the weight any more
        return None, made, of_first, of_weight, of_bias


def _by_autograd(
    recurrence: Recurrence, tensors: Sequence[Any], wanted: Sequence[bool], gradient: Tensor
) -> list[Tensor | None]:
    """Return the gradients that are wanted, which have gradients themselves."""
    create, outputs = torch.is_grad_enabled(), []
    with torch.enable_grad():
        inputs, h, *weights = tensors
        for x in inputs.unbind(0):
            h = recurrence.step(x, h, *weights)
            outputs.append(h)
        sources = [x for x, is_wanted in zip(tensors, wanted, strict=True) if is_wanted]
        found = iter(torch.autograd.grad(torch.stack(outputs), sources, gradient, create_graph=create))
    return [next(found) if is_wanted else None for is_wanted in wanted]


class OfSimpleRNN(Recurrence):
    """h' = activation(x + h @ weight.T), where the activation works in place and `slope` tells its slope from y."""

    def __init__(self, activation_: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> None:
        self.activation_, self.slope = activation_, slope

    def forward(
        self, inputs: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Sequence[Tensor]]:
        outputs, turned = torch.empty_like(inputs), weight.t()
        for x, output in zip(inputs.unbind(0), outputs.unbind(0), strict=True):
            h = self.activation_(torch.addmm(x, h, turned, out=output))
        return outputs, ()

    def step(self, x: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self.activation_(torch.addmm(x, h, weight.t()))

    def factors(
        self, outputs: Tensor, h: Tensor, kept: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        return self.slope(outputs).unsqueeze(2), None, None


class OfGRU(Recurrence):
    """GRU with the reset gate after the product, the gates in torch's order r, z, n; rounded as torch's kernel does."""

    def forward(
        self, inputs: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Sequence[Tensor]]:
        steps, batch, width = inputs.shape
        units, turned = h.shape[1], weight.t()
        made = inputs.new_empty(steps, batch, width)
        outputs, news = inputs.new_empty(2, steps, batch, units).unbind(0)
        gates, rest = inputs[..., : 2 * units], inputs[..., 2 * units :]
        views = (gates, rest, made, made[..., : 2 * units], *made.chunk(3, -1), news, outputs)
        for x_gates, x_n, of_h, both, r, z, h_n, n, output in zip(*(view.unbind(0) for view in views), strict=True):
            if bias is None:
                torch.mm(h, turned, out=of_h)
            else:
                torch.addmm(bias, h, turned, out=of_h)
            both.add_(x_gates).sigmoid_()
            torch.mul(h_n, r, out=n).add_(x_n).tanh_()
            h = torch.sub(h, n, out=output).mul_(z).add_(n)
        return outputs, (made, news)

    def step(self, x: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        (x_r, x_z, x_n), (h_r, h_z, h_n) = x.chunk(3, -1), F.linear(h, weight, bias).chunk(3, -1)
        n = torch.tanh(torch.addcmul(x_n, torch.sigmoid(x_r + h_r), h_n))
        return torch.lerp(n, h, torch.sigmoid(x_z + h_z))

    def factors(
        self, outputs: Tensor, h: Tensor, kept: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        made, n = kept
        r, z, h_n = made.view(*n.shape[:2], 3, -1).unbind(2)
        factors = n.new_empty(*n.shape[:2], 3, n.shape[2])
        of_r, of_z, of_n = factors.unbind(2)
        torch.sub(outputs[:-1], n[1:], out=of_z[1:])
        torch.sub(h, n[0], out=of_z[0])
        rest = 1 - z
        of_z.mul_(z).mul_(rest)
        torch.mul(rest.mul_(1 - n * n), r, out=of_n)
        torch.mul(of_n, h_n, out=of_r).mul_(1 - r)
        return factors, z, rest
