"""EinsumDense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations, constraints, dtypes, initializers, regularizers
from torch_layers.initializers.sampling import VarianceScaling
from torch_layers.layers.base import InputSpec
from torch_layers.layers.core.equation import Equation
from torch_layers.layers.lora import _LoRA


@dataclass(frozen=True)
class _Product:
    """An equation that `F.linear` computes: the last `summed` axes of the input give way to axes of the sizes `new`."""

    summed: int
    new: Sequence[int]
    matrix: tuple[int, int]
    transposed: bool
    takes_bias: bool

    def __call__(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        if kernel.ndim > 2:
            kernel = kernel.reshape(self.matrix)
        if self.summed > 1:
            x = x.flatten(-self.summed)
        if len(self.new) == 1:
            return F.linear(x, kernel.t() if self.transposed else kernel, bias)
        bias = None if bias is None else bias.reshape(-1)
        y = F.linear(x, kernel.t() if self.transposed else kernel, bias)
        return y.reshape(*y.shape[:-1], *self.new)


class EinsumDense(_LoRA):
    """y = activation(einsum(equation, x, weight) + bias).

    `output_shape` is that of y without the batch axis and those that the ellipsis stands for; None for a size that the
    input tells. `bias_axes` are the letters of y that the bias differs along.
    Shape: as `equation` says; `weight` as its second part, `bias` from the first of `bias_axes` on, 1 in axes without.
    Raises: ValueError for an equation that is not of the form 'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...', for
    letters of `bias_axes` that the output lacks, or if the input's shape fits neither it nor `output_shape`.
    Source: keras.layers.EinsumDense, Keras 3.15.
    """

    takes_integers = False
    keeps_lora_alpha = True

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.equation, self._equation = equation, Equation.parse(equation)
        sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        if not isinstance(sizes, (list, tuple)) or not all(s is None or (isinstance(s, int) and s > 0) for s in sizes):
            raise ValueError(
                f"EinsumDense: output_shape={output_shape!r} is neither a positive int nor a list of them and None"
            )
        self.output_shape = tuple(sizes)
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self._bias_letters = "" if bias_axes is None else self._equation.bias_letters(bias_axes)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.gptq_unpacked_column_size = gptq_unpacked_column_size
        self._set_lora(lora_rank, lora_alpha, quantization_config)
        self.add_weight(
            "weight",
            initializer=self.kernel_initializer,
            keras_name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if bias_axes is not None:
            self.add_weight(
                "bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        else:
            self.bias = None
        self._product: _Product | None = None

    def get_config(self) -> dict[str, Any]:
        config = {"activity_regularizer": None, **super().get_config()}
        if not self.gptq_unpacked_column_size:
            del config["gptq_unpacked_column_size"]
        return config

    def build(self, input_shape: Any) -> None:
        equation = self._equation
        sizes = equation.sizes(input_shape, self.output_shape)
        self._set_fans()
        shapes = {"weight": tuple(sizes[letter] for letter in equation.kernel)}
        if self.bias is not None:
            assert self.bias_axes is not None
            behind = len(input_shape) - len(equation.x) if equation.right else 0
            shapes["bias"] = (*(sizes[a] if a in self.bias_axes else 1 for a in self._bias_letters), *[1] * behind)
        self.create_weights(**shapes)
        before = len(input_shape) - len(equation.x) if equation.left else 0
        axes = {before + i: sizes[a] for i, a in enumerate(equation.x) if a in equation.kernel}
        self.input_spec = InputSpec(len(input_shape), len(input_shape), axes)
        if equation.is_product:
            summed, new = ([sizes[a] for a in letters] for letters in (equation.summed, equation.new))
            shape = (prod(summed), prod(new))
            kernel_first = equation.kernel.startswith(equation.new)
            self._product = _Product(
                len(summed),
                new,
                shape[::-1] if kernel_first else shape,
                transposed=not kernel_first,
                takes_bias=self._bias_letters == equation.new and set(equation.new) == set(self.bias_axes or ""),
            )

    def _set_fans(self) -> None:
        """Tell an initializer that scales which axes of the kernel are its inputs and which its outputs."""
        spec, drawn = self._specs["weight"], self.kernel_initializer
        if isinstance(drawn, VarianceScaling) and None in (drawn.input_axes, drawn.output_axes):
            kernel, y = self._equation.kernel, self._equation.y
            axes: dict[bool, list[int]] = {False: [], True: []}
            for axis, letter in enumerate(kernel):
                axes[letter in y].append(axis)
            config = {**drawn.get_config(), "input_axes": axes[False], "output_axes": axes[True]}
            self._specs["weight"] = replace(spec, initializer=type(drawn).from_config(config))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, product = self.kernel(), self.bias, self._product
        if bias is not None:
            bias = self.cast(bias)
        if not self.autocast:
            x, weight, bias = dtypes.promoted(x, weight, bias)
        if product is None:
            y = torch.einsum(self.equation, x, weight)
        else:
            y = product(x, weight, bias if product.takes_bias else None)
        if bias is not None and (product is None or not product.takes_bias):
            y = y + bias
        return y if self.activation is activations.linear else self.activation(y)
