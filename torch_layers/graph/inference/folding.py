"""What layers take over from their neighbours: a normalization behind them, zeros before them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torch_layers import activations
from torch_layers.layers.convolution.base import _Convolution
from torch_layers.layers.convolution.conv_transpose import _ConvTranspose
from torch_layers.layers.convolution.separable_conv import _SeparableConv
from torch_layers.layers.core.dense import Dense
from torch_layers.layers.data_format import channel_axis
from torch_layers.layers.normalization.batch_normalization import BatchNormalization
from torch_layers.layers.pooling.pooling import _MaxPooling
from torch_layers.layers.reshaping.zero_padding import _ZeroPadding


def folds(layer: Any, norm: BatchNormalization, rank: int) -> bool:
    """Tell whether a layer with an output of `rank` can take over the normalization of its output."""
    if not isinstance(layer, (_Convolution, Dense)) or layer.activation is not activations.linear:
        return False
    axis = channel_axis(layer.data_format) if isinstance(layer, _Convolution) else -1
    return norm.axis % rank == axis % rank


@torch.no_grad()
def fold(layer: Any, norm: BatchNormalization) -> None:
    """Give a layer the kernel and the bias with which it computes what `norm` makes of its output."""
    scale = (norm.running_var.double() + norm.epsilon).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight
    bias = -norm.running_mean * scale
    if norm.bias is not None:
        bias = bias + norm.bias
    if layer.bias is not None:
        bias = bias + layer.bias * scale
    # The kernel that makes the outputs.
    name = "pointwise_weight" if isinstance(layer, _SeparableConv) else "weight"
    kernel = getattr(layer, name)
    shape = [1] * kernel.ndim
    shape[1 if isinstance(layer, _ConvTranspose) else 0] = -1
    _set(layer, name, kernel * scale.view(shape))
    if layer.bias is None:
        del layer.bias
        layer.use_bias = True
        layer.add_weight("bias")
        layer.create_weights(bias=tuple(bias.shape))
    _set(layer, "bias", bias)


def _set(layer: Any, name: str, value: Tensor) -> None:
    setattr(layer, name, nn.Parameter(value.to(layer.compute_dtype), requires_grad=False))


def cast(layer: Any) -> bool:
    """Keep the weights of a layer in the dtype that it computes in; tell whether they were in another."""
    if layer.variable_dtype is layer.compute_dtype:
        return False
    for name, weight in list(layer.named_parameters(recurse=False)):
        _set(layer, name, weight)
    return True


def takes_padding(layer: Any, padding: _ZeroPadding) -> bool:
    """Tell whether a layer can pad by itself as a layer before it does."""
    return (
        isinstance(layer, _Convolution)
        and not isinstance(layer, _ConvTranspose)
        and layer.padding == "valid"
        and layer.rank == padding.rank
        and layer.data_format == padding.data_format
    )


def widens(layer: Any, padding: _ZeroPadding) -> bool:
    """Tell whether zeros around an input of no negative values are as nothing for a layer, and it can do without."""
    return (
        isinstance(layer, _MaxPooling)
        and layer.padding == "valid"
        and layer.rank == padding.rank > 1
        and layer.data_format == padding.data_format
        and all(
            before == after <= size // 2 for (before, after), size in zip(padding.pairs, layer.pool_size, strict=True)
        )
    )
