"""Dense."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations, constraints, dtypes, initializers, regularizers
from torch_layers.layers.arguments import positive_int
from torch_layers.layers.base import InputSpec
from torch_layers.layers.lora import _LoRA


class Dense(_LoRA):
    """y = activation(x @ weight.T + bias), along the last axis.

    Shape: (batch, *, features) -> (batch, *, units); `weight` (units, features), `bias` (units,).
    Raises: ValueError if `units` or `lora_rank` is not a positive int, for an input of rank below 2, or if its last
    axis is not the one that the layer was built for.
    Source: keras.layers.Dense, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    input_spec = InputSpec(min_ndim=2)
    # Keras's config of Dense has it only where it is given.
    config_omits = frozenset({"activity_regularizer"})

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_int(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._set_lora(lora_rank, lora_alpha, quantization_config)
        self.add_weight(
            "weight",
            "i o -> o i",
            self.kernel_initializer,
            keras_name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if use_bias:
            self.add_weight(
                "bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        else:
            self.bias = None

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        self.create_weights(weight=(features, self.units), **({"bias": (self.units,)} if self.use_bias else {}))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.kernel(), self.bias
        if bias is not None:
            bias = self.cast(bias)
        if not self.autocast:
            x, weight, bias = dtypes.promoted(x, weight, bias)
        x = F.linear(x, weight, bias)
        return x if self.activation is activations.linear else self.activation(x)
