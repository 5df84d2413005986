"""Activations that overwrite their input, for tensors that nothing else uses."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx

from torch_layers import activations
from torch_layers.layers.activation.activation import Activation
from torch_layers.layers.activation.elu import ELU
from torch_layers.layers.activation.leaky_relu import LeakyReLU
from torch_layers.layers.activation.relu import ReLU
from torch_layers.layers.convolution.base import _Convolution
from torch_layers.layers.core.dense import Dense
from torch_layers.layers.merging.merge import _Merge
from torch_layers.layers.normalization.batch_normalization import BatchNormalization

# A function, and the arguments behind the tensor with which it works in place.
InPlace = tuple[Any, Mapping[str, Any]]

_OF_FUNCTION: dict[Any, InPlace] = {
    activations.relu: (torch.relu_, {}),
    activations.relu6: (F.relu6, {"inplace": True}),
    activations.leaky_relu: (F.leaky_relu, {"negative_slope": 0.2, "inplace": True}),
    activations.elu: (F.elu, {"inplace": True}),
    activations.selu: (F.selu, {"inplace": True}),
    activations.silu: (F.silu, {"inplace": True}),
    activations.mish: (F.mish, {"inplace": True}),
    activations.sigmoid: (torch.sigmoid_, {}),
    activations.hard_sigmoid: (F.hardsigmoid, {"inplace": True}),
    activations.hard_silu: (F.hardswish, {"inplace": True}),
    activations.tanh: (torch.tanh_, {}),
}
# As they stand in a graph that was drawn from operations of torch's or of Keras's.
_OF_FUNCTION |= {
    torch.relu: _OF_FUNCTION[activations.relu],
    F.relu6: _OF_FUNCTION[activations.relu6],
    F.silu: _OF_FUNCTION[activations.silu],
    torch.sigmoid: _OF_FUNCTION[activations.sigmoid],
    torch.tanh: _OF_FUNCTION[activations.tanh],
}
_NOT_NEGATIVE = (activations.relu, activations.relu6, activations.sigmoid, torch.relu, F.relu6, torch.sigmoid)
SUMS = (operator.add, torch.add)
_ARITHMETIC = (*SUMS, operator.sub, operator.mul, operator.truediv, torch.sub, torch.mul, torch.div)


def of_function(function: Any) -> InPlace | None:
    """Return the form of an activation that works in place; None if there is none."""
    try:
        return _OF_FUNCTION.get(function)
    except TypeError:  # not hashable
        return None


def of_layer(layer: Any) -> InPlace | None:
    """Return the form of an activation layer that works in place; None if there is none."""
    if isinstance(layer, Activation):
        return of_function(layer.activation)
    if isinstance(layer, ReLU) and layer.threshold == 0:
        if layer.max_value is None:
            slope = layer.negative_slope
            return (F.leaky_relu, {"negative_slope": slope, "inplace": True}) if slope else (torch.relu_, {})
        if layer.max_value == 6 and layer.negative_slope == 0:
            return F.relu6, {"inplace": True}
    if isinstance(layer, LeakyReLU):
        return F.leaky_relu, {"negative_slope": layer.negative_slope, "inplace": True}
    if isinstance(layer, ELU):
        return F.elu, {"alpha": layer.alpha, "inplace": True}
    return None


def is_new(node: Any, layer: Any) -> bool:
    """Tell whether a node, which calls `layer` if that isn't None, surely returns a floating tensor that it made."""
    if not isinstance(node, fx.Node) or not getattr(node.meta.get("val"), "is_floating_point", bool)():
        return False
    if isinstance(layer, (_Convolution, Dense)):
        return layer.activation is activations.linear
    if isinstance(layer, _Merge):
        return len(node.args[0]) > 1  # type: ignore[arg-type]
    return isinstance(layer, BatchNormalization) or (node.op == "call_function" and node.target in _ARITHMETIC)


def is_not_negative(node: Any, layer: Any) -> bool:
    """Tell whether a node, which calls `layer` if that isn't None, surely returns no negative value."""
    function = (
        layer.activation if isinstance(layer, (_Convolution, Dense, Activation)) else getattr(node, "target", None)
    )
    return (isinstance(layer, ReLU) and not layer.negative_slope) or function in _NOT_NEGATIVE
