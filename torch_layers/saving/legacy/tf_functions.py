"""Functions of TensorFlow that old functional models call between their layers, with TensorFlow's arguments.

A config names them as operations of this module. They are made of torch's functions, which a model's graph records.
Source: tensorflow/python/ops (math_ops.py, array_ops.py, nn_ops.py), TensorFlow 2.21.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import activations, dtypes
from torch_layers.graph.symbols import Symbol
from torch_layers.registry import Registry

tf_functions = Registry("operation", "torch_layers.saving.legacy.tf_functions")
Axis = int | Sequence[int] | None


@dataclass(frozen=True, eq=False)
class Sizes:
    """What `tf.shape` returns: the sizes of a tensor, those that are known later among them."""

    sizes: tuple[Any, ...]


def is_tensor(value: Any) -> bool:
    return isinstance(value, (Symbol, Tensor))


def tensor_like(value: Any, like: Any) -> Any:
    """Return a value that a config holds as a list as a tensor, of the dtype of the tensor it is used with."""
    if not isinstance(value, list):
        return value
    return torch.tensor(value, dtype=like.dtype if is_tensor(like) else _dtype_of(value))


def _dtype_of(value: Any) -> torch.dtype:
    """Return the dtype that TensorFlow gives to a list of numbers."""
    while isinstance(value, list):
        value = value[0] if value else 0.0
    return torch.float32 if isinstance(value, float) else torch.int32


def _register(name: str, function: Callable[..., Any], *aliases: str) -> None:
    def named(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    named.__name__ = name
    tf_functions.add(named, *aliases)


def _of_two(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda x, y: function(tensor_like(x, y), tensor_like(y, x))


def _bounded(function: Callable[..., Any], bound: str) -> Callable[[Any, Any], Any]:
    def apply(x: Any, y: Any) -> Any:
        numbers = [value for value in (x, y) if not is_tensor(value)]
        return torch.clamp(y if x is numbers[0] else x, **{bound: numbers[0]}) if numbers else function(x, y)

    return apply


# --- elementwise ----------------------------------------------------------------------------------------------------

for _name, _function, *_aliases in (
    ("add", operator.add, "AddV2", "Add", "BiasAdd"),
    ("subtract", operator.sub, "Sub"),
    ("multiply", operator.mul, "Mul"),
    ("divide", operator.truediv, "truediv", "RealDiv"),
    ("floordiv", operator.floordiv, "floor_div", "FloorDiv"),
    ("floormod", operator.mod, "mod", "FloorMod"),
    ("pow", operator.pow, "Pow"),
    ("maximum", _bounded(torch.maximum, "min"), "Maximum"),
    ("minimum", _bounded(torch.minimum, "max"), "Minimum"),
    ("squared_difference", lambda x, y: (x - y) ** 2, "SquaredDifference"),
    ("equal", operator.eq, "eq", "Equal"),
    ("not_equal", operator.ne, "ne", "NotEqual"),
    ("greater", operator.gt, "Greater"),
    ("greater_equal", operator.ge, "GreaterEqual"),
    ("less", operator.lt, "Less"),
    ("less_equal", operator.le, "LessEqual"),
    ("logical_and", torch.logical_and, "and", "LogicalAnd"),
    ("logical_or", torch.logical_or, "or", "LogicalOr"),
    ("logical_xor", torch.logical_xor, "xor"),
):
    _register(_name, _of_two(_function), *_aliases)

for _name, _alone, *_aliases in (
    ("negative", operator.neg, "Neg"),
    ("abs", torch.abs, "Abs"),
    ("square", torch.square, "Square"),
    ("sqrt", torch.sqrt, "Sqrt"),
    ("rsqrt", torch.rsqrt, "Rsqrt"),
    ("exp", torch.exp, "Exp"),
    ("expm1", torch.expm1, "Expm1"),
    ("log", torch.log, "Log"),
    ("log1p", torch.log1p, "Log1p"),
    ("sin", torch.sin, "Sin"),
    ("cos", torch.cos, "Cos"),
    ("tan", torch.tan, "Tan"),
    ("sinh", torch.sinh, "Sinh"),
    ("cosh", torch.cosh, "Cosh"),
    ("tanh", torch.tanh, "Tanh"),
    ("sigmoid", torch.sigmoid, "Sigmoid"),
    ("sign", torch.sign, "Sign"),
    ("floor", torch.floor, "Floor"),
    ("ceil", torch.ceil, "Ceil"),
    ("round", torch.round, "Round"),
    ("reciprocal", torch.reciprocal, "Reciprocal"),
    ("erf", torch.erf, "Erf"),
    ("logical_not", torch.logical_not, "invert", "LogicalNot"),
    ("is_nan", torch.isnan, "IsNan"),
    ("is_inf", torch.isinf, "IsInf"),
    ("is_finite", torch.isfinite, "IsFinite"),
    ("relu", torch.relu, "Relu"),
    ("relu6", F.relu6, "Relu6"),
    ("elu", F.elu, "Elu"),
    ("selu", activations.selu, "Selu"),
    ("softplus", activations.softplus, "Softplus"),
    ("softsign", F.softsign, "Softsign"),
    ("silu", F.silu, "swish"),
    ("identity", lambda x: x, "convert_to_tensor", "Identity"),
    ("stop_gradient", torch.detach, "StopGradient"),
    ("zeros_like", torch.zeros_like, "ZerosLike"),
    ("ones_like", torch.ones_like, "OnesLike"),
):
    _register(_name, _alone, *_aliases)


@tf_functions.alias("LeakyRelu")
def leaky_relu(features: Any, alpha: float = 0.2) -> Any:
    """y = x where x > 0, else alpha * x."""
    return F.leaky_relu(features, alpha)


@tf_functions.add
def gelu(features: Any, approximate: bool = False) -> Any:
    """y = x * (1 + erf(x / sqrt(2))) / 2, or its tanh form."""
    return F.gelu(features, approximate="tanh" if approximate else "none")


@tf_functions.alias("Softmax")
def softmax(logits: Any, axis: int | None = None) -> Any:
    """exp(x) / sum(exp(x)), along the last axis unless told."""
    return torch.softmax(logits, -1 if axis is None else axis)


@tf_functions.alias("LogSoftmax")
def log_softmax(logits: Any, axis: int | None = None) -> Any:
    """x - log(sum(exp(x))), along the last axis unless told."""
    return torch.log_softmax(logits, -1 if axis is None else axis)


@tf_functions.add
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    """min(max(x, low), high)."""
    return torch.clamp(t, clip_value_min, clip_value_max)


@tf_functions.alias("Cast")
def cast(x: Any, dtype: str) -> Any:
    """x as another dtype; floats to ints are cut off."""
    return x if isinstance(x, Sizes) else x.to(dtypes.resolve(dtype))


@tf_functions.alias("Select", "SelectV2")
def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition is true, else y."""
    return torch.where(condition, tensor_like(x, y), tensor_like(y, x))


@tf_functions.add
def bias_add(value: Any, bias: Any, data_format: str | None = None) -> Any:
    """x + bias, along the axis of channels."""
    bias = tensor_like(bias, value)
    if data_format is not None and data_format.startswith("NC"):
        bias = bias.reshape((-1,) + (1,) * (value.ndim - 2))
    return value + bias


@tf_functions.add
def add_n(inputs: list[Any]) -> Any:
    """The sum of several tensors."""
    total = inputs[0]
    for tensor in inputs[1:]:
        total = total + tensor
    return total


@tf_functions.add
def scalar_mul(scalar: Any, x: Any) -> Any:
    """A number times x."""
    return scalar * x


# --- reductions -----------------------------------------------------------------------------------------------------


def axes_of(x: Any, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _reduction(method: str, several: bool) -> Callable[..., Any]:
    def apply(input_tensor: Any, axis: Axis = None, keepdims: bool | None = False) -> Any:
        x, axes = input_tensor, axes_of(input_tensor, axis)
        if several:
            return getattr(x, method)(axes, keepdim=bool(keepdims))
        for one in sorted((a % x.ndim for a in axes), reverse=True):
            x = getattr(x, method)(one, keepdim=bool(keepdims))
        return x

    return apply


for _name, _method, _several, _alias in (
    ("reduce_mean", "mean", True, "Mean"),
    ("reduce_sum", "sum", True, "Sum"),
    ("reduce_max", "amax", True, "Max"),
    ("reduce_min", "amin", True, "Min"),
    ("reduce_prod", "prod", False, "Prod"),
    ("reduce_any", "any", False, "Any"),
    ("reduce_all", "all", False, "All"),
    ("reduce_logsumexp", "logsumexp", True, "LogSumExp"),
):
    _register(_name, _reduction(_method, _several), _alias)


@tf_functions.add
def reduce_variance(input_tensor: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The biased variance."""
    axes = axes_of(input_tensor, axis)
    return (input_tensor - input_tensor.mean(axes, keepdim=True)).square().mean(axes, keepdim=bool(keepdims))


@tf_functions.add
def reduce_std(input_tensor: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The biased standard deviation."""
    return reduce_variance(input_tensor, axis, keepdims).sqrt()


@tf_functions.add
def l2_normalize(x: Any, axis: Axis = None, epsilon: float = 1e-12) -> Any:
    """x / sqrt(max(sum(x^2), epsilon))."""
    return x * torch.rsqrt(torch.clamp(x.square().sum(axes_of(x, axis), keepdim=True), min=epsilon))


@tf_functions.add
def norm(tensor: Any, ord: Any = "euclidean", axis: Axis = None, keepdims: bool | None = False) -> Any:
    """The norm of vectors: `ord` is "euclidean" or a number. Raises: ValueError for norms of matrices."""
    axes = axes_of(tensor, axis)
    if ord in ("euclidean", 2) and (ord == "euclidean" or len(axes) == 1 or axis is None):
        return tensor.square().sum(axes, keepdim=bool(keepdims)).sqrt()
    if ord == 1 and (len(axes) == 1 or axis is None):
        return tensor.abs().sum(axes, keepdim=bool(keepdims))
    raise ValueError(f"tf.norm with ord={ord!r} and axis={axis!r} is not known to torch_layers")


@tf_functions.alias("ArgMax")
def argmax(input: Any, axis: int | None = None, output_type: str = "int64") -> Any:
    """The place of the largest value, along axis 0 unless told."""
    return input.argmax(axis or 0).to(dtypes.resolve(output_type))


@tf_functions.alias("ArgMin")
def argmin(input: Any, axis: int | None = None, output_type: str = "int64") -> Any:
    """The place of the smallest value, along axis 0 unless told."""
    return input.argmin(axis or 0).to(dtypes.resolve(output_type))


@tf_functions.add
def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
    """The sums up to each place, without it if `exclusive`, or from it on if `reverse`."""
    y = x.flip(axis).cumsum(axis).flip(axis) if reverse else x.cumsum(axis)
    return y - x if exclusive else y


# --- products -------------------------------------------------------------------------------------------------------


@tf_functions.alias("MatMul", "BatchMatMulV2", "BatchMatMul")
def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, **ignored: Any) -> Any:
    """The product of matrices in the last two axes."""
    a, b = tensor_like(a, b), tensor_like(b, a)
    return torch.matmul(a.transpose(-1, -2) if transpose_a else a, b.transpose(-1, -2) if transpose_b else b)


@tf_functions.add
def tensordot(a: Any, b: Any, axes: Any) -> Any:
    """The sum of products along the last axes of `a` and the first of `b`, or along given ones."""
    a, b = tensor_like(a, b), tensor_like(b, a)
    if isinstance(axes, list):
        axes = [[axis] if isinstance(axis, int) else list(axis) for axis in axes]
    return torch.tensordot(a, b, axes)
