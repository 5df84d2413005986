"""By hand: convolution, pooling, normalization, regularization, and what changes the size of images.

Images come with the channels last, as Keras has them: the work by hand is torch's kernel on a permuted view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.layers.weights import Layout

_CONV: tuple[Callable[..., Tensor], ...] = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED: tuple[Callable[..., Tensor], ...] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
_AXES = ("w", "h w", "d h w")


def channels_first(x: Tensor) -> Tensor:
    """Return a view with the channels on axis 1."""
    return x.permute(0, -1, *range(1, x.ndim - 1))


def channels_last(x: Tensor) -> Tensor:
    """Return a view with the channels at the end."""
    return x.permute(0, *range(2, x.ndim), 1)


class _Kernels(nn.Module):
    """Holds weights by patterns from Keras's layout to torch's."""

    def __init__(self, weights: Sequence[Tensor], layouts: Sequence[str]) -> None:
        super().__init__()
        self.layouts = layouts
        made = (Layout(p).to_torch(w).contiguous() for p, w in zip(layouts, weights, strict=True))
        self.weights = nn.ParameterList(made)


class Conv(_Kernels):
    """A convolution; `pad` is what F.pad adds where the padding is not the same on both sides."""

    def __init__(
        self, kernel: Tensor, bias: Tensor, *, pad: Sequence[int] = (), groups: int = 1, **options: Any
    ) -> None:
        self.rank = kernel.ndim - 2
        axes = _AXES[self.rank - 1]
        super().__init__((kernel, bias), (f"{axes} i o -> o i {axes}", "o -> o"))
        self.pad, self.options = pad, {"groups": groups, **options}

    def forward(self, x: Tensor) -> Tensor:
        x = channels_first(x)
        if self.pad:
            x = F.pad(x, self.pad)
        return channels_last(_CONV[self.rank - 1](x, *self.weights, **self.options))


class ConvTranspose(_Kernels):
    """A transposed convolution with kernel 3, stride 2 and Keras's `same`: the last of each axis is cut off."""

    def __init__(self, kernel: Tensor, bias: Tensor) -> None:
        self.rank = kernel.ndim - 2
        axes = _AXES[self.rank - 1]
        super().__init__((kernel, bias), (f"{axes} o i -> i o {axes}", "o -> o"))

    def forward(self, x: Tensor) -> Tensor:
        y = _TRANSPOSED[self.rank - 1](channels_first(x), *self.weights, stride=2)
        return channels_last(y[(slice(None), slice(None), *(slice(-1),) * self.rank)])


class DepthwiseConv(_Kernels):
    """A convolution of each channel by itself."""

    def __init__(self, kernel: Tensor, bias: Tensor, padding: int = 1) -> None:
        self.rank, self.groups, self.padding = kernel.ndim - 2, kernel.shape[-2], padding
        axes = _AXES[self.rank - 1]
        super().__init__((kernel, bias), (f"{axes} c m -> (c m) 1 {axes}", "o -> o"))

    def forward(self, x: Tensor) -> Tensor:
        convolve = _CONV[self.rank - 1]
        return channels_last(convolve(channels_first(x), *self.weights, padding=self.padding, groups=self.groups))


class SeparableConv(_Kernels):
    """A depthwise convolution, then a pointwise one."""

    def __init__(self, depthwise: Tensor, pointwise: Tensor, bias: Tensor) -> None:
        self.rank, self.groups = depthwise.ndim - 2, depthwise.shape[-2]
        axes = _AXES[self.rank - 1]
        layouts = (f"{axes} c m -> (c m) 1 {axes}", f"{axes} i o -> o i {axes}", "o -> o")
        super().__init__((depthwise, pointwise, bias), layouts)

    def forward(self, x: Tensor) -> Tensor:
        convolve, (depthwise, pointwise, bias) = _CONV[self.rank - 1], self.weights
        x = convolve(channels_first(x), depthwise, padding=1, groups=self.groups)
        return channels_last(convolve(x, pointwise, bias))


class OnView(nn.Module):
    """A function of torch's on a view with the channels first."""

    def __init__(
        self, function: Callable[..., Tensor], pad: Sequence[int] = (), value: float = 0.0, **options: Any
    ) -> None:
        super().__init__()
        self.function, self.pad, self.value, self.options = function, pad, value, options

    def forward(self, x: Tensor) -> Tensor:
        x = channels_first(x)
        if self.pad:
            x = F.pad(x, self.pad, value=self.value)
        return channels_last(self.function(x, **self.options))


def adaptive_max_2d(x: Tensor) -> Tensor:
    """Pool to 4 x 4. Axis by axis, as in Keras, the gradient of equal values goes elsewhere; the values are the same."""
    if torch.is_grad_enabled():
        x = F.adaptive_max_pool2d(x, (4, x.shape[3]))
    return F.adaptive_max_pool2d(x, 4)


class GlobalAverage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(tuple(range(1, x.ndim - 1)))


class GlobalMax(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.amax(tuple(range(1, x.ndim - 1)))


class BatchNorm(nn.Module):
    """nn.BatchNorm on a view, with Keras's epsilon and momentum."""

    layouts = ("c -> c", "c -> c")

    def __init__(self, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(gamma), nn.Parameter(beta)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("variance", variance.clone())

    def forward(self, x: Tensor) -> Tensor:
        rank = x.ndim
        x = channels_first(x) if rank > 2 else x
        y = F.batch_norm(x, self.mean, self.variance, self.weight, self.bias, self.training, 0.01, 1e-3)  # type: ignore[arg-type]
        return channels_last(y) if rank > 2 else y


class LayerNorm(nn.Module):
    layouts = ("c -> c", "c -> c")

    def __init__(self, gamma: Tensor, beta: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(gamma), nn.Parameter(beta)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-3)


class RMSNorm(nn.Module):
    layouts = ("c -> c",)

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(scale)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, 1e-6)


class GroupNorm(LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return channels_last(F.group_norm(channels_first(x), 8, self.weight, self.bias, 1e-3))


class UnitNorm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=-1, eps=1e-6)


class GaussianNoise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x) * 0.5 if self.training else x


class GaussianDropout(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + torch.randn_like(x) * 0.5) if self.training else x


class SpatialDropout(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        dropout = (F.dropout1d, F.dropout2d, F.dropout3d)[x.ndim - 3]
        return channels_last(dropout(channels_first(x), 0.5, self.training))


class Penalized(nn.Module):
    """The identity, which keeps a penalty of its input."""

    def forward(self, x: Tensor) -> Tensor:
        self.penalty = (x.abs().sum() * 0.01 + x.square().sum() * 0.02) / len(x)
        return x


class Crop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[(slice(None), *(slice(1, -2),) * (x.ndim - 2))]


class Pad(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, *(1, 2) * (x.ndim - 2)))


class CenterCrop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        top, left = ((size - 3) // 2 for size in x.shape[1:3])
        return x[:, top : top + 3, left : left + 3]


class Normalize(nn.Module):
    """By a known mean and variance."""

    mean: Tensor
    variance: Tensor

    def __init__(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("variance", variance)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.variance.sqrt()


class SpectralLinear(nn.Module):
    """nn.Linear whose weight each training call divides by its largest singular value."""

    layouts = ("i o -> o i", "o -> o")
    u: Tensor

    def __init__(self, kernel: Tensor, u: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(kernel.t().contiguous()), nn.Parameter(bias)
        self.register_buffer("u", u.clone())

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                v = F.normalize(self.u @ self.weight, dim=1)
                product = v @ self.weight.t()
                u = F.normalize(product, dim=1)
                sigma = (product @ u.t()).squeeze()
                if sigma != 0:
                    self.u = u
                    self.weight.div_(sigma)
            # The next call changes it, perhaps before the gradients of this one are asked for.
            return F.linear(x, self.weight.clone(), self.bias)
        return F.linear(x, self.weight, self.bias)


class Repeat(nn.Module):
    """Nearest upsampling of a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat_interleave(2, dim=1)


class Rescale(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * (1 / 127.5) - 1.0
