"""A convolution, what is added to it and its activation, in one call of oneDNN where that can run it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.graph.inference.folding import fold
from torch_layers.layers.convolution.base import cut
from torch_layers.layers.convolution.conv import _Conv
from torch_layers.layers.convolution.depthwise_conv import DepthwiseConv2D, _DepthwiseConv
from torch_layers.layers.normalization.batch_normalization import BatchNormalization

# torch's functions that work in place -> oneDNN's name for them, and the numbers that go with it.
_ONEDNN: dict[Any, Any] = {
    torch.relu_: lambda: ("relu", []),
    F.relu6: lambda inplace: ("hardtanh", [0.0, 6.0]),
    F.leaky_relu: lambda negative_slope, inplace: ("leaky_relu", [negative_slope]),
    F.silu: lambda inplace: ("swish", []),
    F.hardswish: lambda inplace: ("hardswish", []),
    F.hardsigmoid: lambda inplace: ("hardsigmoid", []),
    torch.sigmoid_: lambda: ("sigmoid", []),
    torch.tanh_: lambda: ("tanh", []),
}


def fuses(layer: Any) -> bool:
    """Tell whether a layer's call may become one of oneDNN's."""
    return isinstance(layer, (_Conv, _DepthwiseConv)) and layer.data_format == "channels_last"


def fuses_activation(function: Any, of_sum: bool) -> bool:
    """Tell whether oneDNN has this function; of a sum, it has one alone."""
    return function is torch.relu_ if of_sum else function in _ONEDNN


class _Scaling(DepthwiseConv2D):
    """y = x * weight + bias, channel by channel, as a convolution with kernels of size 1."""

    def forward(self, x: Tensor) -> Tensor:
        assert self.bias is not None
        return torch.addcmul(self.bias, x, self.weight.view(-1))


def scaling_of(norm: BatchNormalization, rank: int) -> Any:
    """Return what a normalization does in eval as a layer that can be fused; None if oneDNN wouldn't be quicker."""
    if rank != 4 or norm.axis % rank != 3 or norm.compute_dtype is not torch.float32:
        return None
    scaling = _Scaling(1, depthwise_initializer="ones", name=norm.name).eval()
    scaling.build((None, None, None, len(norm.running_mean)))
    fold(scaling, norm)
    return scaling


class FusedConvolution(nn.Module):
    """y = activation(layer(x) + other), without `other` and the activation if there are none.

    On the CPU in float32, where no gradient is asked for, one call of oneDNN computes it, with a kernel that is arranged
    for oneDNN at the first call. Elsewhere, and in torch.compile and torch.export, it is computed as the formula says.

    Shape: as `layer` says; `other` as the result.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        depthwise = isinstance(layer, _DepthwiseConv)
        self._groups = layer.weight.shape[0] // layer.depth_multiplier if depthwise else layer.groups
        self._activation: tuple[Any, Mapping[str, Any]] | None = None
        self._post_op: tuple[str, list[float]] = ("none", [])
        self._arranged: tuple[Any, Tensor] | None = None

    def activate(self, function: Any, arguments: Mapping[str, Any]) -> None:
        """Apply one of torch's functions that work in place to the result from now on."""
        self._activation, self._post_op = (function, arguments), _ONEDNN[function](**arguments)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self._fits(x) and _runs(x) and (other is None or _runs(other)):
            try:
                return self._by_onednn(x, other)
            except RuntimeError as error:
                self.layer.explain(error, x)
                raise
        y: Tensor = self.layer(x)
        if other is not None:
            y = y + other
        if self._activation is not None:
            function, arguments = self._activation
            y = function(y, **arguments)
        return y

    def _fits(self, x: Tensor) -> bool:
        """Tell whether an input is as the layer was built for; of others it complains itself."""
        weight = self.layer.weight
        channels = weight.shape[1] * self._groups
        return weight.dtype is torch.float32 and x.ndim == self.layer.rank + 2 and x.shape[-1] == channels

    def _by_onednn(self, x: Tensor, other: Tensor | None) -> Tensor:
        layer, onednn = self.layer, torch.ops.mkldnn._convolution_pointwise
        # Only all of a result can be added to.
        x, padding, part = layer.padded(layer._view(x), layer.weight.shape[0], other is None)
        geometry = padding, layer._strides, layer._dilation, self._groups
        weight = self._kernel(x, geometry)
        post_op, numbers = self._post_op
        if other is None:
            y = onednn(x, weight, layer.bias, *geometry, post_op, numbers, None)
        else:
            added = layer._view(other), weight, layer.bias, *geometry, "add", 1.0
            y = onednn.binary(x, *added, None if post_op == "none" else post_op, numbers, None)
        result: Tensor = layer._result(y if part is None else cut(y, part))
        return result

    def _kernel(self, x: Tensor, geometry: tuple[Any, ...]) -> Tensor:
        weight = self.layer.weight
        # A weight that was loaded or moved since is arranged anew.
        state = weight.data_ptr(), 0 if weight.is_inference() else weight._version
        if self._arranged is None or self._arranged[0] != state:
            kernel = weight.detach().unsqueeze(2) if self.layer.rank == 1 else weight.detach()
            arranged = torch.ops.mkldnn._reorder_convolution_weight(kernel, *geometry, list(x.shape))
            self._arranged = state, arranged
        return self._arranged[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arranged": None}

    def extra_repr(self) -> str:
        return f"activation={self._post_op[0]}"


def _runs(x: Tensor) -> bool:
    """Tell whether oneDNN can take a tensor now."""
    return (
        type(x) is Tensor
        and x.is_cpu
        and x.dtype is torch.float32
        and not (x.requires_grad and torch.is_grad_enabled())
        and not torch.compiler.is_compiling()
        and x.numel() > 0
        and _is_there()
    )


@cache
def _is_there() -> bool:
    """Tell whether this build of torch has these calls, which torch's own compiler uses, and they compute as expected."""
    x, weight = torch.linspace(-1, 1, 18).view(1, 2, 3, 3), torch.linspace(-1, 2, 36).view(2, 2, 3, 3)
    geometry = [1, 1], [1, 1], [1, 1], 1
    try:
        kernel = torch.ops.mkldnn._reorder_convolution_weight(weight, *geometry, [1, 2, 3, 3])
        y = torch.ops.mkldnn._convolution_pointwise.binary(x, x, kernel, None, *geometry, "add", 1.0, "relu", [], None)
    except (RuntimeError, AttributeError, TypeError):
        return False
    return torch.allclose(y, torch.relu(F.conv2d(x, weight, padding=1) + x), atol=1e-5)
