"""Layers of Keras 1 that no later version has, or not with the same meaning.

Source: keras/layers/core.py, advanced_activations.py, normalization.py and keras/engine/topology.py, Keras 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_layers import activations, initializers, regularizers
from torch_layers.layers.activation.numbers import number
from torch_layers.layers.arguments import one_of, positive_int
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.merging.dot import Dot
from torch_layers.saving.legacy.layers import legacy_layers

# Keras 1 divides by nothing smaller (its epsilon).
_EPSILON = 1e-7


class Highway(Layer):
    """y = t * activation(x @ kernel + bias) + (1 - t) * x, where t = sigmoid(x @ kernel_carry + bias_carry).

    The weights are both kernels, then both biases; before Keras 1.2 (`biases_beside_kernels`), each kernel and its bias.
    Shape: (batch, features) -> the same; `kernel` and `kernel_carry` (features, features), the biases (features,).
    Raises: ValueError for an input of another rank than 2.
    Source: keras.layers.Highway, Keras 1.2.
    """

    registry = legacy_layers
    takes_integers = False
    input_spec = InputSpec(min_ndim=2, max_ndim=2)
    kernel: Tensor
    kernel_carry: Tensor
    bias: Tensor | None
    bias_carry: Tensor | None

    def __init__(
        self,
        kernel_initializer: Any = "glorot_uniform",
        activation: Any = None,
        use_bias: bool = True,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        biases_beside_kernels: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.biases_beside_kernels = biases_beside_kernels
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        given = {**locals(), "bias_initializer": "zeros"}
        self.declare("kernel", "i o -> i o", "W", "kernel", given)
        if biases_beside_kernels:
            self.declare("bias", "o -> o", "b", "bias", given, use_bias)
        self.add_weight("kernel_carry", "i o -> i o", self.kernel_initializer, keras_name="W_carry")
        if not biases_beside_kernels:
            self.declare("bias", "o -> o", "b", "bias", given, use_bias)
        if use_bias:
            self.add_weight("bias_carry", "o -> o", "ones", keras_name="b_carry")
        else:
            self.bias_carry = None

    def build(self, input_shape: Any) -> None:
        n = input_shape[1]
        biases = {"bias": (n,), "bias_carry": (n,)} if self.use_bias else {}
        self.create_weights(kernel=(n, n), kernel_carry=(n, n), **biases)
        self.input_spec = InputSpec(min_ndim=2, max_ndim=2, axes={-1: n})

    def forward(self, x: Tensor) -> Tensor:
        share, made = x @ self.cast(self.kernel_carry), x @ self.cast(self.kernel)
        if self.bias is not None and self.bias_carry is not None:
            share, made = share + self.cast(self.bias_carry), made + self.cast(self.bias)
        share = torch.sigmoid(share)
        return self.activation(made) * share + (1 - share) * x  # type: ignore[no-any-return]


class MaxoutDense(Layer):
    """y = max over `features` of x @ kernel[feature] + bias[feature].

    Shape: (batch, n) -> (batch, units); `kernel` (features, n, units), `bias` (features, units).
    Raises: ValueError if `units` or `features` is not a positive int, and for an input of another rank than 2.
    Source: keras.layers.MaxoutDense, Keras 1.2.
    """

    registry = legacy_layers
    takes_integers = False
    input_spec = InputSpec(min_ndim=2, max_ndim=2)
    kernel: Tensor
    bias: Tensor | None

    def __init__(
        self,
        units: int,
        features: int = 4,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units, self.features = positive_int(self, "units", units), positive_int(self, "features", features)
        self.use_bias = use_bias
        given = {**locals(), "bias_initializer": "zeros"}
        self.declare("kernel", "f i o -> f i o", "W", "kernel", given)
        self.declare("bias", "f o -> f o", "b", "bias", given, use_bias)

    def build(self, input_shape: Any) -> None:
        n = input_shape[1]
        bias = {"bias": (self.features, self.units)} if self.use_bias else {}
        self.create_weights(kernel=(self.features, n, self.units), **bias)
        self.input_spec = InputSpec(min_ndim=2, max_ndim=2, axes={-1: n})

    def forward(self, x: Tensor) -> Tensor:
        y = torch.einsum("bi,fio->bfo", x, self.cast(self.kernel))
        if self.bias is not None:
            y = y + self.cast(self.bias)
        return y.amax(1)


class BatchNormalizationOfKeras1(Layer):
    """y = gamma * (x - mean) / std + beta, with the mean and deviation of what it is given, in training and after it.

    With `mode` 1 they are those along the last axis, and epsilon is added to the deviation too; with 2 those of the
    batch, for each place in `axis`. The moving statistics, which mode 0 uses, are kept and never used or changed.
    Shape: any -> the same; the weights (size of `axis`,).
    Raises: ValueError for another mode.
    Source: keras.layers.BatchNormalization, Keras 1.2.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False
    gamma: Tensor
    beta: Tensor

    def __init__(
        self,
        mode: int,
        axis: int = -1,
        epsilon: float = 1e-3,
        momentum: float = 0.99,
        gamma_regularizer: Any = None,
        beta_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = one_of(self, "mode", mode, (1, 2))
        self.axis, self.epsilon, self.momentum = axis, number(self, "epsilon", epsilon), momentum
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.add_weight("gamma", initializer="ones", regularizer=self.gamma_regularizer)
        self.add_weight("beta", initializer="zeros", regularizer=self.beta_regularizer)
        self.add_weight("running_mean", initializer="zeros", trainable=False)
        self.add_weight("running_std", initializer="ones", trainable=False)

    def build(self, input_shape: Any) -> None:
        n = input_shape[self.axis]
        self.create_weights(gamma=(n,), beta=(n,), running_mean=(n,), running_std=(n,))

    def forward(self, x: Tensor) -> Tensor:
        gamma, beta = self.cast(self.gamma), self.cast(self.beta)
        if self.mode == 1:
            centred = x - x.mean(-1, keepdim=True)
            deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + self.epsilon)
            return gamma * centred / (deviation + self.epsilon) + beta
        axis = self.axis % x.ndim
        others = [other for other in range(x.ndim) if other != axis]
        shape = [-1 if other == axis else 1 for other in range(x.ndim)]
        centred = x - x.mean(others, keepdim=True)
        variance = centred.square().mean(others, keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon) * gamma.reshape(shape) + beta.reshape(shape)


class ParametricSoftplus(Layer):
    """y = alphas * softplus(betas * x), with learned numbers for each element.

    Shape: (batch, *sizes) -> the same; `alphas` and `betas` (*sizes).
    Raises: ValueError if a size is unknown when the layer is built.
    Source: keras.layers.ParametricSoftplus, Keras 1.2.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False
    alphas: Tensor
    betas: Tensor

    def __init__(self, alpha_init: float = 0.2, beta_init: float = 5.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha_init, self.beta_init = number(self, "alpha_init", alpha_init), number(self, "beta_init", beta_init)
        self.add_weight("alphas", initializer=initializers.Constant(self.alpha_init))
        self.add_weight("betas", initializer=initializers.Constant(self.beta_init))

    def build(self, input_shape: Any) -> None:
        sizes = _known_sizes(self, input_shape)
        self.create_weights(alphas=sizes, betas=sizes)

    def forward(self, x: Tensor) -> Tensor:
        return activations.softplus(self.cast(self.betas) * x) * self.cast(self.alphas)


class SReLU(Layer):
    """y = x between two learned thresholds, and continued from them with learned slopes, for each element.

    The right threshold is t_left + |t_right|.
    Shape: (batch, *sizes) -> the same; the weights (*sizes).
    Raises: ValueError if a size is unknown when the layer is built.
    Source: keras.layers.SReLU, Keras 1.2.
    """

    registry = legacy_layers
    supports_masking = True
    takes_integers = False
    t_left: Tensor
    a_left: Tensor
    t_right: Tensor
    a_right: Tensor

    def __init__(
        self,
        t_left_init: Any = "zeros",
        a_left_init: Any = "glorot_uniform",
        t_right_init: Any = "glorot_uniform",
        a_right_init: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = {"t_left": t_left_init, "a_left": a_left_init, "t_right": t_right_init, "a_right": a_right_init}
        for name, initializer in given.items():
            setattr(self, f"{name}_init", initializers.get(initializer))
            self.add_weight(name, initializer=initializer)

    def build(self, input_shape: Any) -> None:
        sizes = _known_sizes(self, input_shape)
        self.create_weights(t_left=sizes, a_left=sizes, t_right=sizes, a_right=sizes)

    def forward(self, x: Tensor) -> Tensor:
        left, reach = self.cast(self.t_left), self.cast(self.t_right).abs()
        middle = torch.minimum(torch.relu(x - left), reach) - self.cast(self.a_left) * torch.relu(left - x)
        return left + middle + torch.relu(x - (left + reach)) * self.cast(self.a_right)


class CosineOfKeras1(Layer):
    """y = (a . b) / max(sqrt((a . a) * (b . b)), 1e-7), with the products of `Dot(axes)`, and a new axis behind the batch.

    Shape: two tensors -> (batch, 1, *) as of `Dot`.
    Raises: ValueError as `Dot`.
    Source: keras.layers.Merge(mode="cos"), Keras 1.2.
    """

    registry = legacy_layers
    takes_integers = False

    def __init__(self, axes: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = axes
        self._dot = Dot(axes)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        a, b = inputs
        dot = self._dot
        norm = torch.sqrt(dot([a, a]) * dot([b, b]))
        cosine: Tensor = dot([a, b]) / torch.clamp(norm, min=_EPSILON)
        return cosine.unsqueeze(1)


def _known_sizes(layer: Layer, shape: Sequence[int | None]) -> tuple[int, ...]:
    sizes = tuple(size for size in shape[1:] if size is not None)
    if len(sizes) + 1 != len(shape):
        raise ValueError(
            f"{type(layer).__name__}: an input of shape {tuple(shape)} leaves open how many weights there are"
        )
    return sizes
