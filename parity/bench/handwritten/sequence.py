"""By hand: recurrent layers, what is around them, and attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.layers.weights import Layout

# The layouts of (kernel, recurrent kernel, bias), with the gates as torch's kernels take them.
PLAIN = ("i o -> o i", "i o -> o i", "o -> o")
GRU = ("i z+r+h -> r+z+h i", "i z+r+h -> r+z+h i", "two z+r+h -> two r+z+h")
GRU_BEFORE = (*GRU[:2], "z+r+h -> r+z+h")


class _Weights(nn.Module):
    """Holds weights by patterns from Keras's layout to torch's, and the second bias, of zeros, that kernels ask for."""

    def __init__(self, weights: Sequence[Tensor], layouts: Sequence[str]) -> None:
        super().__init__()
        self.layouts = layouts
        made = (Layout(p).to_torch(w).contiguous() for p, w in zip(layouts, weights, strict=True))
        self.weights = nn.ParameterList(made)
        for index, weight in enumerate(self.weights):
            if weight.ndim == 1:
                self.register_buffer(f"zeros_{index}", torch.zeros_like(weight))

    def of_kernel(self) -> list[Tensor]:
        """Return the weights in the order of torch's kernels."""
        found: list[Tensor] = []
        for index, weight in enumerate(self.weights):
            if index % 3 < 2:
                found.append(weight)
            else:
                found += [weight, getattr(self, f"zeros_{index}")] if weight.ndim == 1 else list(weight.unbind(0))
        return found


class Kernel(_Weights):
    """torch.lstm, torch.gru or torch.rnn_tanh: all outputs."""

    def __init__(self, *weights: Tensor, kernel: Callable[..., Any], layouts: Sequence[str] = PLAIN) -> None:
        super().__init__(weights, tuple(layouts) * (len(weights) // 3))
        self.kernel, self.layers = kernel, len(weights) // 3

    def forward(self, x: Tensor) -> Tensor:
        first = x.new_zeros(self.layers, x.shape[0], self.weights[1].shape[1])
        state = (first, first) if self.kernel is torch.lstm else first
        train = torch.is_grad_enabled()
        outputs: Tensor = self.kernel(x, state, self.of_kernel(), True, self.layers, 0.0, train, False, True)[0]
        return outputs


class PaddedLSTM(_Weights):
    """The last outputs of sequences that are padded on the right: the kernel runs over everything."""

    def __init__(self, *weights: Tensor) -> None:
        super().__init__(weights, PLAIN)

    def forward(self, x: Tensor, states: Sequence[Tensor], mask: Tensor) -> Tensor:
        first = tuple(state.unsqueeze(0) for state in states)
        train = torch.is_grad_enabled()
        outputs = torch.lstm(x, first, self.of_kernel(), True, 1, 0.0, train, False, batch_first=True)[0]
        return outputs[torch.arange(x.shape[0], device=x.device), mask.sum(1) - 1]


class GRUBefore(_Weights):
    """GRU with the reset gate before the product, for which torch has no kernel."""

    def __init__(self, *weights: Tensor) -> None:
        super().__init__(weights, GRU_BEFORE)

    def forward(self, x: Tensor) -> Tensor:
        w_ih, w_hh, bias = self.weights
        units = w_hh.shape[1]
        w_gates, w_new = w_hh.t().split((2 * units, units), 1)
        h = x.new_zeros(x.shape[0], units)
        outputs = []
        for step in F.linear(x, w_ih, bias).unbind(1):
            r, z = torch.sigmoid(torch.addmm(step[:, : 2 * units], h, w_gates)).chunk(2, -1)
            n = torch.tanh(torch.addmm(step[:, 2 * units :], r * h, w_new))
            h = torch.lerp(n, h, z)
            outputs.append(h)
        return torch.stack(outputs, 1)


class BothWays(_Weights):
    """torch.lstm from both ends: all outputs."""

    def __init__(self, *weights: Tensor) -> None:
        super().__init__(weights, PLAIN * 2)

    def forward(self, x: Tensor) -> Tensor:
        first = x.new_zeros(2, x.shape[0], self.weights[1].shape[1])
        train = torch.is_grad_enabled()
        outputs: Tensor = torch.lstm(x, (first, first), self.of_kernel(), True, 1, 0.0, train, True, True)[0]
        return outputs


class ConvLSTM(nn.Module):
    """An LSTM of convolutions with odd kernels, padded to the same size: the last output, channels last as the input."""

    def __init__(self, weight: Tensor, recurrent: Tensor, bias: Tensor, rank: int) -> None:
        super().__init__()
        axes = "d h w"[-(2 * rank - 1) :]
        self.layouts = [f"{axes} i o -> o i {axes}"] * 2 + ["o -> o"]
        arrays = zip(self.layouts, (weight, recurrent, bias), strict=True)
        self.weights = nn.ParameterList(Layout(p).to_torch(w).contiguous() for p, w in arrays)
        self.convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]

    def forward(self, x: Tensor) -> Tensor:
        weight, recurrent, bias = self.weights
        x = x.movedim(-1, 2).contiguous()
        inputs = self.convolve(x.flatten(0, 1), weight, bias, padding="same")
        inputs = inputs.view(*x.shape[:2], *inputs.shape[1:])
        h = c = x.new_zeros(x.shape[0], recurrent.shape[1], *x.shape[3:])
        for step in inputs.unbind(1):
            i, f, g, o = (step + self.convolve(h, recurrent, padding="same")).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h.movedim(1, -1)


class ConvolutionOfSteps(nn.Module):
    """F.conv2d of all steps at once."""

    layouts = ("h w i o -> o i h w", "o -> o")

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        arrays = zip(self.layouts, (weight, bias), strict=True)
        self.weight, self.bias = (nn.Parameter(Layout(p).to_torch(w).contiguous()) for p, w in arrays)

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x.flatten(0, 1).permute(0, 3, 1, 2), self.weight, self.bias).permute(0, 2, 3, 1)
        return y.reshape(*x.shape[:2], *y.shape[1:])
