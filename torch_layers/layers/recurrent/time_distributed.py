"""TimeDistributed."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from torch_layers import registry
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.core.wrapper import Wrapper

# Layers whose output for a sample depends on nothing but that sample, if `_treats_samples_alone` agrees.
_FAMILIES = ("activation", "convolution", "pooling", "reshaping")
_LAYERS = {
    *("CenterCrop", "Dense", "Embedding", "Functional", "Identity", "InputLayer", "Masking", "Rescaling", "Sequential"),
    *("AlphaDropout", "BatchNormalization", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D"),
    *("SpatialDropout2D", "SpatialDropout3D", "GroupNormalization", "LayerNormalization", "RMSNormalization"),
    *("UnitNormalization", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRU", "LSTM", "SimpleRNN"),
    *("ConvLSTMCell1D", "ConvLSTMCell2D", "ConvLSTMCell3D", "GRUCell", "LSTMCell", "SimpleRNNCell", "TimeDistributed"),
}
# What casts to a dtype of its own wherever it is called from.
_CASTING = ("attention", "normalization", "preprocessing", "recurrent", "embedding", "reversible_embedding")


class TimeDistributed(Wrapper):
    """y[:, t] = layer(x[:, t]) for each step t: one layer or model, with the same weights, at every step.

    A `mask` goes to `layer` if that takes one, `mask[:, t]` at step t. Layers that treat each sample by itself see all
    steps in one call; the others, such as a BatchNormalization in training, one step after the other. As in Keras, an
    `activity_regularizer` of `layer` itself counts nothing; that of this layer does; and a simple `layer`, such as a
    Dense, computes in the compute dtype of this one.
    Shape: (batch, steps, *) -> (batch, steps, *) as of `layer` for (batch, *); `mask` (batch, steps, *).
    Raises: ValueError if `layer` is not a layer or model of torch_layers, for an input of rank below 3 or more than one
    tensor, for one that `layer` does not take, and for a mask whose first two sizes are not the input's.
    Source: keras.layers.TimeDistributed, Keras 3.15.
    """

    supports_masking = True
    input_spec = InputSpec(min_ndim=3)

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        signature = getattr(layer, "call_signature", None) or inspect.signature(type(layer).forward)
        self._takes_mask = "mask" in signature.parameters
        self._joins_steps, self._per_step_in_training = False, False
        place = type(layer).__module__.split(".")
        is_simple = place[0] == "torch_layers" and not any(isinstance(m, Layer) for m in layer.children())
        if is_simple and not set(place) & set(_CASTING):
            layer.compute_dtype = self._dtype_of(layer)

    def _dtype_of(self, layer: Layer) -> torch.dtype:
        """Return the dtype that a layer without a cast of its own computes in: Keras casts inputs, and the weights if this
        layer's policy is a mixed one, to this layer's."""
        if self.compute_dtype is not self.variable_dtype or not layer.own_weights():
            return self.compute_dtype
        return torch.promote_types(self.compute_dtype, layer.variable_dtype)

    def check_input(self, shape: Any) -> None:
        if isinstance(shape, (list, dict)):
            raise ValueError(f"{type(self).__name__}: takes one tensor, not several, of shapes {shape}")
        super().check_input(shape)
        if isinstance(self.layer, Layer):
            self.layer.check_input((shape[0], *shape[2:]))

    def build(self, input_shape: Any = None) -> None:
        self.check_input(input_shape)
        super().build((input_shape[0], *input_shape[2:]))
        layers = list(self.layer.modules())
        self._joins_steps = all(_treats_samples_alone(m, m is self.layer) for m in layers)
        self._per_step_in_training = any(_joins_samples_in_training(m) for m in layers)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            self._check_mask(inputs, mask)
            mask = mask if self._takes_mask else None
        sizes = inputs.shape[:2]
        # On steps joined with samples, a layer is quicker than on either.
        if self._joins_steps and not (self.layer.training and self._per_step_in_training):
            joined = self._call(inputs.flatten(0, 1), None if mask is None else mask.flatten(0, 1))
            return pytree.tree_map(lambda y: y.reshape(*sizes, *y.shape[1:]), joined)  # type: ignore[no-any-return]
        if inputs.is_meta and sizes[1] > 1:  # shapes alone are wanted: one step tells them all
            step = self._call(inputs[:, 0], None if mask is None else mask[:, 0])
            return pytree.tree_map(lambda y: y.new_empty(y.shape[0], sizes[1], *y.shape[1:]), step)  # type: ignore[no-any-return]
        masks = [None] * sizes[1] if mask is None else mask.unbind(1)
        outputs = [self._call(x, m) for x, m in zip(inputs.unbind(1), masks, strict=True)]
        return pytree.tree_map(lambda *steps: torch.stack(steps, 1), *outputs)  # type: ignore[no-any-return]

    def _call(self, x: Tensor, mask: Tensor | None) -> Any:
        layer = self.layer
        arguments = {} if mask is None else {"mask": mask}
        if layer.activity_regularizer is None:
            return layer(x, **arguments)
        return nn.Module.__call__(layer, layer._convert_input(x, not layer.takes_integers), **arguments)

    def _check_mask(self, inputs: Tensor, mask: Tensor) -> None:
        if mask.ndim < 2 or mask.shape[:2] != inputs.shape[:2]:
            raise ValueError(
                f"{type(self).__name__}: mask of shape {tuple(mask.shape)} does not begin with (batch, steps) of an input "
                f"of shape {tuple(inputs.shape)}"
            )


def _treats_samples_alone(module: nn.Module, is_outermost: bool) -> bool:
    """Tell whether a module, its sublayers left out, computes each sample by itself, wherever else that may depend on."""
    cls = type(module)
    place = cls.__module__.split(".")
    if place[:1] != ["torch_layers"] or (cls.__name__ not in _LAYERS and place[2] not in _FAMILIES):
        return False
    if getattr(module, "stateful", False) or (not is_outermost and module.activity_regularizer is not None):
        return False
    axis = getattr(module, "axis", -1)
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    functions = [getattr(module, name, None) for name in ("activation", "recurrent_activation")]
    graph = getattr(module, "graph", None)
    return (
        all(isinstance(a, int) and (a > 0 or a == -1) for a in axes)
        and all(f is None or isinstance(f, nn.Module) or registry.activations.name_of(f) for f in functions)
        # An operation in a model may do anything.
        and (graph is None or all(node.op in ("placeholder", "call_module", "output") for node in graph.nodes))
    )


def _joins_samples_in_training(module: nn.Module) -> bool:
    return type(module).__name__ == "BatchNormalization" or getattr(module, "noise_shape", None) is not None
