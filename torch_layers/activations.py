"""Keras's activation functions, as functions of torch tensors, and `get`, `serialize` and `deserialize` for them.

Where one fused kernel computes Keras's function it is called, also where its rounding or its value at infinity is the
better one. Integer tensors give what Keras gives for them (`exponential`, `leaky_relu` and `tanh` the default float
dtype, `relu` and `relu6` integers); the functions that Keras refuses them to make no promise.
Source: keras/src/activations/activations.py and keras/src/backend/tensorflow/nn.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import serialization
from torch_layers.registry import activations
from torch_layers.tanh import tanh as quick_tanh

Activation = Callable[..., Any]
Axis = int | Sequence[int] | None
_SELU_SCALE = 1.0507009873554804934193349852946


@activations.add
def linear(x: Tensor) -> Tensor:
    """y = x. Source: keras.activations.linear, Keras 3.15."""
    return x


@activations.add
def relu(x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """y = x above `threshold`, else negative_slope * (x - threshold); `max_value` is the most it returns.

    With a `max_value`, the part above `threshold` is also at least 0.
    Source: keras.activations.relu, Keras 3.15.
    """
    if max_value is None and threshold == 0:
        return torch.relu(x) if negative_slope == 0 else leaky_relu(x, negative_slope)
    if max_value == 6 and threshold == 0:
        y = F.relu6(x)
    else:
        y = F.threshold(x, threshold, 0.0)
        if max_value is not None:
            # As in TensorFlow, the gradient at `max_value` itself is 1 here, 0 in relu6.
            y = torch.clamp(y, 0, max_value if y.is_floating_point() else int(max_value))
    return y if negative_slope == 0 else torch.sub(y, torch.relu(threshold - x), alpha=negative_slope)


@activations.add
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """y = x where x > 0, else negative_slope * x.

    TensorFlow rounds the slope to float32 for float64 tensors too, so that Keras is 1.5e-8 off there.
    Source: keras.activations.leaky_relu, Keras 3.15.
    """
    return F.leaky_relu(x if x.is_floating_point() else x.to(torch.float32), negative_slope)


@activations.add
def relu6(x: Tensor) -> Tensor:
    """y = min(max(x, 0), 6). Source: keras.activations.relu6, Keras 3.15."""
    return F.relu6(x)


@activations.add
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """y = x where x > 0, else alpha * (exp(x) - 1). Source: keras.activations.elu, Keras 3.15."""
    return F.elu(x, alpha)


@activations.add
def selu(x: Tensor) -> Tensor:
    """y = 1.0507 * elu(x, 1.6733). The gradient at 0 is that of the positive side, 1.0507, as in TensorFlow.

    Source: keras.activations.selu, Keras 3.15.
    """
    # F.selu has the other side's gradient at 0, where padding and zero biases put whole tensors.
    return torch.where(x == 0, _SELU_SCALE * x, F.selu(x))


@activations.add
def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """y = max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0). The gradient at 0 is the true 1; Keras has 2 there.

    Source: keras.activations.celu, Keras 3.15.
    """
    if alpha == 1:
        return F.celu(x)
    # What F.celu computes, but its gradient has 1 / alpha rounded to float32, in float64 too (torch 2.13).
    y: Tensor = torch.ops.aten.elu(x, alpha, 1.0, 1.0 / alpha)
    return y


@activations.add
def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """y = x * (1 + erf(x / sqrt(2))) / 2, or its tanh form if `approximate`.

    TensorFlow rounds a constant of either form to float32 for float64 tensors too: Keras is up to 2e-8 off there.
    Source: keras.activations.gelu, Keras 3.15.
    """
    return F.gelu(x, approximate="tanh" if approximate else "none")


@activations.alias("swish")
def silu(x: Tensor) -> Tensor:
    """y = x * sigmoid(x). Source: keras.activations.silu, Keras 3.15."""
    return F.silu(x)


@activations.add
def mish(x: Tensor) -> Tensor:
    """y = x * tanh(softplus(x)). Source: keras.activations.mish, Keras 3.15."""
    return F.mish(x)


@activations.add
def exponential(x: Tensor) -> Tensor:
    """y = exp(x). Source: keras.activations.exponential, Keras 3.15."""
    return torch.exp(x)


@activations.add
def softplus(x: Tensor) -> Tensor:
    """y = log(exp(x) + 1). Source: keras.activations.softplus, Keras 3.15."""
    # torch's default takes y = x from 20 on, 2e-9 below the sum; from 40 on they are equal in float64.
    return F.softplus(x, threshold=40.0)


@activations.add
def softsign(x: Tensor) -> Tensor:
    """y = x / (|x| + 1). Source: keras.activations.softsign, Keras 3.15."""
    return F.softsign(x)


@activations.add
def squareplus(x: Tensor, b: float = 4) -> Tensor:
    """y = (x + sqrt(x^2 + b)) / 2. Source: keras.activations.squareplus, Keras 3.15."""
    return (x + torch.sqrt(x * x + b)) / 2


@activations.add
def sigmoid(x: Tensor) -> Tensor:
    """y = 1 / (1 + exp(-x)). Source: keras.activations.sigmoid, Keras 3.15."""
    return torch.sigmoid(x)


@activations.add
def log_sigmoid(x: Tensor) -> Tensor:
    """y = log(sigmoid(x)). Source: keras.activations.log_sigmoid, Keras 3.15."""
    return F.logsigmoid(x)


@activations.add
def hard_sigmoid(x: Tensor) -> Tensor:
    """y = min(max(x + 3, 0), 6) / 6. Keras 2 meant another function by this name: min(max(0.2x + 0.5, 0), 1).

    Source: keras.activations.hard_sigmoid, Keras 3.15.
    """
    # The fused kernel's gradient is 1/6 rounded to float32, in float64 too (torch 2.13).
    return F.relu6(x + 3) / 6 if x.dtype is torch.float64 else F.hardsigmoid(x)


@activations.alias("hard_swish")
def hard_silu(x: Tensor) -> Tensor:
    """y = x * hard_sigmoid(x). Source: keras.activations.hard_silu, Keras 3.15."""
    return F.hardswish(x)


@activations.add
def tanh(x: Tensor) -> Tensor:
    """y = tanh(x). Source: keras.activations.tanh, Keras 3.15."""
    return quick_tanh(x)


@activations.add
def hard_tanh(x: Tensor) -> Tensor:
    """y = min(max(x, -1), 1). Source: keras.activations.hard_tanh, Keras 3.15."""
    # The gradient at -1 and 1 is 1 in TensorFlow and in clamp, 0 in F.hardtanh.
    return torch.clamp(x, -1.0, 1.0)


@activations.add
def tanh_shrink(x: Tensor) -> Tensor:
    """y = x - tanh(x). Source: keras.activations.tanh_shrink, Keras 3.15."""
    return F.tanhshrink(x)


@activations.add
def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """y = x - threshold where x > threshold, x + threshold where x < -threshold, else 0; `threshold` is at least 0.

    Source: keras.activations.soft_shrink, Keras 3.15.
    """
    return F.softshrink(x, threshold)


@activations.add
def hard_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """y = x where |x| > threshold, else 0. Source: keras.activations.hard_shrink, Keras 3.15."""
    return F.hardshrink(x, threshold)


@activations.add
def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """y = x where x > threshold, else default_value. Source: keras.activations.threshold, Keras 3.15."""
    return F.threshold(x, threshold, default_value)


@activations.add
def sparse_plus(x: Tensor) -> Tensor:
    """y = 0 where x <= -1, x where x >= 1, else (x + 1)^2 / 4. Source: keras.activations.sparse_plus, Keras 3.15."""
    return torch.where(x < 1, torch.clamp(x + 1, min=0).square() / 4, x)


@activations.add
def sparse_sigmoid(x: Tensor) -> Tensor:
    """y = min(max((x + 1) / 2, 0), 1). Source: keras.activations.sparse_sigmoid, Keras 3.15."""
    # F.hardtanh, unlike clamp, has the gradient 0 at -1 and 1, as Keras has it here.
    return (F.hardtanh(x) + 1) / 2


@activations.add
def glu(x: Tensor, axis: int = -1) -> Tensor:
    """y = a * sigmoid(b), where `a` and `b` are the halves of x along `axis`.

    Raises: ValueError if the size of `axis` is odd.
    Source: keras.activations.glu, Keras 3.15.
    """
    if x.shape[axis] % 2:
        raise ValueError(f"glu: axis={axis} of an input of shape {tuple(x.shape)} has an odd size; it is cut in half")
    return F.glu(x, axis)


@activations.add
def softmax(x: Tensor, axis: Axis = -1) -> Tensor:
    """y = exp(x) / sum(exp(x)), summed over `axis`: one axis, several together, or None for all.

    Source: keras.activations.softmax, Keras 3.15.
    """
    return torch.softmax(x, axis) if isinstance(axis, int) else _over_axes(torch.softmax, x, axis)


@activations.add
def log_softmax(x: Tensor, axis: Axis = -1) -> Tensor:
    """y = x - log(sum(exp(x))), summed over `axis`: one axis, several together, or None for all.

    Source: keras.activations.log_softmax, Keras 3.15.
    """
    return torch.log_softmax(x, axis) if isinstance(axis, int) else _over_axes(torch.log_softmax, x, axis)


def _over_axes(function: Callable[[Tensor, int], Tensor], x: Tensor, axis: Sequence[int] | None) -> Tensor:
    axes = tuple(range(x.ndim)) if axis is None else tuple(axis)
    last = tuple(range(-len(axes), 0))
    moved = x.movedim(axes, last)
    return function(moved.flatten(-len(axes)), -1).view(moved.shape).movedim(last, axes)


@activations.add
def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """y = max(x - t, 0), where Keras's t is that of sparsemax only where one or no more than one entry stays positive.

    With x in falling order z, c = cumsum(z) and S the k places where z > (c - 1) / rank, sparsemax (Martins and
    Astudillo, 2016) has t = (sum of z over S - 1) / k; Keras 3.15 has t = (sum of c over S - 1) / k, on every backend,
    so that its outputs need not sum to 1. This function does what Keras does.
    Source: keras.activations.sparsemax, Keras 3.15.
    """
    x = x.movedim(axis, -1)
    z = x.sort(descending=True).values
    c = z.cumsum(-1)
    rank = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    support = z - (c - 1) / rank > 0
    t = (torch.where(support, c, 0.0).sum(-1, keepdim=True) - 1) / support.sum(-1, keepdim=True)
    # As in TensorFlow, clamp hands on the gradient where x - t is exactly 0.
    return torch.clamp(x - t, min=0.0).movedim(-1, axis)


swish, hard_swish = silu, hard_silu


def get(identifier: Any, custom_objects: serialization.CustomObjects | None = None) -> Activation:
    """Return the function that a name, a config, a callable, a module or None (`linear`) stands for.

    Raises: ValueError for anything else, with the nearest name if an unknown name is given.
    Source: keras.activations.get, Keras 3.15.
    """
    return linear if identifier is None else serialization.get(identifier, activations, custom_objects)


def serialize(activation: Activation) -> Any:
    """Return the name of one of the functions above; for any other function, layer or object its config.

    Raises: TypeError if it can't be described by plain values.
    Source: keras.activations.serialize, Keras 3.15.
    """
    return serialization.serialize(activation)


def deserialize(config: Any, custom_objects: serialization.CustomObjects | None = None) -> Activation:
    """Return the function that `serialize` described.

    Raises: ValueError for a name or config that is neither Keras's nor in `custom_objects`.
    Source: keras.activations.deserialize, Keras 3.15.
    """
    return get(config, custom_objects)


__all__ = sorted({*(name for name in activations if name in globals()), "deserialize", "get", "serialize"})
