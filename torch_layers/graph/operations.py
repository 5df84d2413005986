"""Keras's operations (`keras.ops`) as torch functions, and back, for the configs of functional models.

A row says how an operation of Keras is read: a function of the call's arguments, and of the operation's config by name.
A row that is also written names the torch functions or tensor methods that stand for it.
Source: keras/src/ops/numpy.py, nn.py, core.py and linalg.py, 3.15.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import dtypes
from torch_layers.graph.symbols import Call, Symbol
from torch_layers.registry import Registry, activations, snake_case

# Keras's class -> the operator for it, which takes a number on either side.
_OPERATORS = {
    **{name.capitalize(): getattr(operator, name) for name in ("pow", "abs", "matmul")},
    "Add": operator.add,
    "Subtract": operator.sub,
    "Multiply": operator.mul,
    "Negative": operator.neg,
    "Divide": operator.truediv,
    "TrueDivide": operator.truediv,
    "FloorDivide": operator.floordiv,
    "Mod": operator.mod,
    "Power": operator.pow,
    "Equal": operator.eq,
    "NotEqual": operator.ne,
    "Greater": operator.gt,
    "GreaterEqual": operator.ge,
    "Less": operator.lt,
    "LessEqual": operator.le,
}
# Functions that have the same name in Keras, but for its first letter, and take the same tensors.
_NAMESAKES = (
    *("square", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh"),
    *("tanh", "sign", "floor", "ceil", "round", "reciprocal", "where", "erf", "isnan", "isinf", "isfinite", "sigmoid"),
    "relu",
)
# Keras's class -> torch's function of the same tensors.
_FUNCTIONS = {
    **{name.capitalize(): getattr(torch, name) for name in _NAMESAKES},
    "LogicalAnd": torch.logical_and,
    "LogicalOr": torch.logical_or,
    "LogicalNot": torch.logical_not,
    "LogicalXor": torch.logical_xor,
    "Arctan2": torch.atan2,
    "Absolute": torch.abs,
    "Relu6": F.relu6,
    "Silu": F.silu,
    "Selu": F.selu,
    "Softplus": F.softplus,
    "Softsign": F.softsign,
}
# torch's other names for them: functions, methods and those of the operators.
_SYNONYMS = {
    "sub": "Subtract",
    "subtract": "Subtract",
    "mul": "Multiply",
    "multiply": "Multiply",
    "neg": "Negative",
    "negative": "Negative",
    "div": "TrueDivide",
    "divide": "TrueDivide",
    "true_divide": "TrueDivide",
    "floor_divide": "FloorDivide",
    "remainder": "Mod",
    "not_equal": "NotEqual",
    "greater": "Greater",
    "greater_equal": "GreaterEqual",
    "less": "Less",
    "less_equal": "LessEqual",
    "abs": "Absolute",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "getitem": "GetItem",
}
_WRITTEN = {
    **{function.__name__.rstrip("_"): name for name, function in {**_FUNCTIONS, **_OPERATORS}.items()},
    **_SYNONYMS,
}
_NN = {"LeakyRelu", "Gelu", "Relu", "Relu6", "Sigmoid", "Silu", "Selu", "Softplus", "Softsign", "Softmax", "LogSoftmax"}
_MODULES = {**dict.fromkeys(_NN, "nn"), "Cast": "core", "Erf": "math", "Rsqrt": "math"}


# Operators that Keras has for booleans under these names.
_LOGICAL = {"and": "LogicalAnd", "or": "LogicalOr", "xor": "LogicalXor", "invert": "LogicalNot"}


@dataclass(frozen=True)
class _Row:
    """How to read an operation, and which config `written` makes of the bound arguments of torch's `names`."""

    read: Callable[..., Any]
    names: tuple[str, ...] = ()
    written: Callable[..., dict[str, Any]] | None = None
    tensors_last: bool = False


def _reduction(name: str) -> _Row:
    def read(x: Any, axis: Any = None, keepdims: bool = False, **ignored: Any) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        if name in ("any", "all", "prod"):
            for one in sorted((a % x.ndim for a in axes), reverse=True):
                x = getattr(x, name)(one, keepdim=keepdims)
            return x
        return getattr(x, name)(axes, keepdim=keepdims)

    return _Row(read, (name,), _arg)


def _get_item(x: Any, key: Any) -> Any:
    return x[tuple(key) if isinstance(key, list) else key]  # JSON makes lists of tuples


def _transpose(x: Any, axes: Any = None) -> Any:
    return x.permute(tuple(axes) if axes is not None else tuple(range(x.ndim))[::-1])


def _squeeze(x: Any, axis: Any = None) -> Any:
    return x.squeeze() if axis is None else x.squeeze(tuple(axis) if isinstance(axis, list) else axis)


def _expand_dims(x: Any, axis: Any) -> Any:
    for one in sorted(axis) if isinstance(axis, (list, tuple)) else (axis,):
        x = x.unsqueeze(one)
    return x


def _clip(x: Any, a: Any = None, b: Any = None, *, x_min: Any = None, x_max: Any = None) -> Any:
    return torch.clamp(x, a if a is not None else x_min, b if b is not None else x_max)


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    sections = indices_or_sections
    return torch.tensor_split(x, tuple(sections) if isinstance(sections, list) else sections, axis)


def _pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    if mode != "constant":
        raise ValueError(f"deserialize: the operation Pad has mode={mode!r}, allowed is 'constant'")
    pairs = pad_width if isinstance(pad_width[0], (list, tuple)) else [pad_width] * x.ndim
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=constant_values or 0)


def _extremum(function: Callable[..., Any], bound: str, a: Any, b: Any) -> Any:
    numbers = [value for value in (a, b) if not isinstance(value, (Symbol, Tensor))]
    return torch.clamp(b if a is numbers[0] else a, **{bound: numbers[0]}) if numbers else function(a, b)


def _cast(x: Any, dtype: Any) -> Any:
    return x.to(dtypes.resolve(dtype))


def _like(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dtype=None, **_: function(x, dtype=None if dtype is None else dtypes.resolve(dtype))


def _one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    # Not F.one_hot, which refuses numbers that are no class: here they give zeros.
    ones = (x.unsqueeze(-1) == torch.arange(num_classes)).to(dtypes.resolve(dtype or "float32"))
    return ones if axis == -1 else ones.movedim(-1, axis)


def _arg(x: Any, dim: Any = None, keepdim: bool = False) -> dict[str, Any]:
    return {"axis": dim, "keepdims": keepdim}


def _shape_of(x: Any, *shape: Any) -> dict[str, Any]:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    if sum(isinstance(size, Symbol) or size == -1 for size in sizes) > 1:
        raise ValueError("Keras has no shape with two unknown sizes")
    return {"newshape": tuple(-1 if isinstance(size, Symbol) else size for size in sizes)}


_ROWS: dict[str, _Row] = {
    **{name.capitalize(): _reduction(method) for name, method in (("mean", "mean"), ("sum", "sum"), ("any", "any"))},
    **{name.capitalize(): _reduction(method) for name, method in (("all", "all"), ("max", "amax"), ("min", "amin"))},
    "Prod": _reduction("prod"),
    "GetItem": _Row(_get_item),
    "Reshape": _Row(lambda x, newshape: x.reshape(tuple(newshape)), ("reshape", "view"), _shape_of),
    "Transpose": _Row(_transpose, ("permute",), lambda x, *dims: {"axes": tuple(_shape_of(x, *dims)["newshape"])}),
    "Swapaxes": _Row(
        lambda x, axis1, axis2: x.transpose(axis1, axis2),
        ("transpose", "swapaxes"),
        lambda x, dim0, dim1: {"axis1": dim0, "axis2": dim1},
    ),
    "Concatenate": _Row(
        lambda xs, axis=-1: torch.cat(xs, axis), ("cat", "concat"), lambda tensors, dim=0: {"axis": dim}
    ),
    "Stack": _Row(lambda xs, axis=0: torch.stack(xs, axis), ("stack",), lambda tensors, dim=0: {"axis": dim}),
    "ExpandDims": _Row(_expand_dims, ("unsqueeze",), lambda x, dim: {"axis": dim}),
    "Squeeze": _Row(_squeeze, ("squeeze",), lambda x, dim=None: {"axis": dim}),
    "Softmax": _Row(
        lambda x, axis=-1: torch.softmax(x, axis), ("softmax",), lambda x, dim, _stacklevel=3: {"axis": dim}
    ),
    "LogSoftmax": _Row(
        lambda x, axis=-1: torch.log_softmax(x, axis), ("log_softmax",), lambda x, dim, _stacklevel=3: {"axis": dim}
    ),
    "Clip": _Row(_clip, ("clamp", "clip"), lambda x, min=None, max=None: {"x_min": min, "x_max": max}),
    "Flip": _Row(
        lambda x, axis=None: x.flip(tuple(range(x.ndim)) if axis is None else axis),
        ("flip",),
        lambda x, *dims: {"axis": tuple(_shape_of(x, *dims)["newshape"])},
    ),
    "Maximum": _Row(lambda a, b: _extremum(torch.maximum, "min", a, b)),
    "Minimum": _Row(lambda a, b: _extremum(torch.minimum, "max", a, b)),
    "Einsum": _Row(
        lambda *xs, subscripts: torch.einsum(subscripts, *xs),
        ("einsum",),
        lambda equation, *xs: {"subscripts": equation},
        tensors_last=True,
    ),
    "LeakyRelu": _Row(
        lambda x, negative_slope=0.2: F.leaky_relu(x, negative_slope),
        ("leaky_relu",),
        lambda x, negative_slope=0.01: {"negative_slope": negative_slope},
    ),
    "Gelu": _Row(
        lambda x, approximate=True: F.gelu(x, approximate="tanh" if approximate else "none"),
        ("gelu",),
        lambda x, approximate="none": {"approximate": approximate == "tanh"},
    ),
    "Argmax": _Row(lambda x, axis=None, keepdims=False: x.argmax(axis, keepdims).to(torch.int32), ("argmax",), _arg),
    "Cast": _Row(_cast),
    "ConvertToTensor": _Row(lambda x, dtype=None, sparse=None, ragged=None: x if dtype is None else _cast(x, dtype)),
    "Split": _Row(_split),
    "Pad": _Row(_pad),
    "Repeat": _Row(lambda x, repeats, axis=None: x.repeat_interleave(repeats, axis)),
    "Tile": _Row(lambda x, repeats: x.tile(tuple(repeats) if isinstance(repeats, list) else repeats)),
    "BroadcastTo": _Row(lambda x, shape: x.broadcast_to(tuple(-1 if size is None else size for size in shape))),
    "OnesLike": _Row(_like(torch.ones_like)),
    "ZerosLike": _Row(_like(torch.zeros_like)),
    "Argmin": _Row(lambda x, axis=None, keepdims=False: x.argmin(axis, keepdims).to(torch.int32), ("argmin",), _arg),
    "OneHot": _Row(_one_hot),
    "Moveaxis": _Row(lambda x, source, destination: x.movedim(source, destination)),
    "Norm": _Row(lambda x, ord=None, axis=None, keepdims=False: torch.linalg.norm(x, ord, axis, keepdims)),
}


def is_operation(config: Any) -> bool:
    """Tell whether an entry among a functional model's layers is an operation."""
    return str(config.get("module")).startswith("keras.src.ops.") or _registry(config) is not None


def _registry(config: Any) -> Registry | None:
    """Return the operations of other libraries than Keras that a config names one of; None for any other."""
    found = Registry.by_module.get(str(config.get("module")))
    return found if found is not None and found.kind == "operation" else None


def read_operation(config: dict[str, Any]) -> Any:
    """Return the function that an operation's config in a functional model stands for.

    Raises: ValueError for an operation that torch_layers doesn't know.
    """
    name, others = config["class_name"], _registry(config)
    if others is not None:
        return others.find(name)
    arguments = {key: value for key, value in (config.get("config") or {}).items() if key != "name"}
    if name in _ROWS:
        read = _ROWS[name].read
        return lambda *args, **kwargs: read(*args, **arguments, **kwargs)
    function = _OPERATORS.get(name) or _FUNCTIONS.get(name)
    if function is not None and not arguments:
        return function
    if snake_case(name) in activations:
        activation = activations.find(snake_case(name))
        return lambda x: activation(x, **arguments)
    raise ValueError(
        f"deserialize: the operation {name!r} (module {config.get('module')!r}) in a functional model is not known to "
        "torch_layers; a Lambda layer in its place, or the model's own code, can be"
    )


def write_operation(call: Call) -> tuple[str, str, dict[str, Any], tuple[Any, ...]]:
    """Return Keras's module and class for a recorded call of a function or method, a config, and the call's arguments.

    Raises: ValueError if Keras has no such operation, or torch_layers doesn't know it.
    """
    name = call.target if call.kind == "method" else call.target.__name__
    name = name.rstrip("_")
    kwargs = {key: value for key, value in call.kwargs.items() if key != "inplace" and value is not None}
    try:
        if name == "to":
            (dtype,) = call.args[1:] or kwargs.values()
            return "core", "Cast", {"dtype": dtypes.name_of(dtype)}, call.args[:1]
        if name == "clamp" and len(kwargs) == len(call.args) == 1:
            ((bound, value),) = kwargs.items()
            return "numpy", {"min": "Maximum", "max": "Minimum"}[bound], {}, (*call.args, value)
        if name in _LOGICAL and call.outputs.dtype is torch.bool:
            return "numpy", _LOGICAL[name], {}, call.args
        if name in _WRITTEN and not kwargs:
            cls = _WRITTEN[name]
            return _MODULES.get(cls, "numpy"), cls, {}, call.args
        for cls, row in _ROWS.items():
            if row.written is not None and name in row.names:
                inspect.signature(row.written).bind(*call.args, **kwargs)
                tensors = call.args[1:] if row.tensors_last else call.args[:1]
                return _MODULES.get(cls, "numpy"), cls, row.written(*call.args, **kwargs), tensors
    except (TypeError, ValueError, KeyError):
        pass
    raise ValueError(
        f"get_config: the call of {name!r} has no operation of Keras's that it could be written as; a layer, or a "
        "Lambda of a named function, can be written"
    )
