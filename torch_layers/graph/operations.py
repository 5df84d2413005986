"""Keras's operations (`keras.ops`) as torch functions, and back, for the configs of functional models.

Those of tensors alone stand here; those with arguments of their own are rows in `operation_rows`.
Source: keras/src/ops/numpy.py, nn.py, core.py and linalg.py, 3.15.
"""

from __future__ import annotations

import inspect
import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import dtypes
from torch_layers.graph.operation_rows import ROWS
from torch_layers.graph.symbols import Call, SymbolicTensor
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
    *("relu", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "trunc", "exp2", "sinc", "signbit"),
    *("deg2rad", "rad2deg", "isposinf", "isneginf", "logaddexp", "hypot", "fmin", "fmax", "fmod"),
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
_MODULES = {
    **dict.fromkeys(_NN, "nn"),
    **dict.fromkeys(("Cast", "StopGradient", "Unstack"), "core"),
    **dict.fromkeys(("Erf", "Logsumexp", "Rsqrt", "TopK"), "math"),
    "Norm": "linalg",
}


# Operators that Keras has for booleans under these names.
_LOGICAL = {"and": "LogicalAnd", "or": "LogicalOr", "xor": "LogicalXor", "invert": "LogicalNot"}


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
    if name in ROWS:
        read = ROWS[name].read
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


def _tensors(key: Any) -> bool:
    return any(isinstance(part, (Tensor, SymbolicTensor)) for part in (key if isinstance(key, tuple) else (key,)))


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
        if name == "getitem" and _tensors(call.args[1]):
            *before, places = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
            if any(not isinstance(key, slice) or key != slice(None) for key in before):
                raise ValueError("Keras takes tensors along one axis alone")
            return "numpy", "Take", {"axis": len(before)}, (call.args[0], places)
        if name == "clamp" and len(kwargs) == len(call.args) == 1:
            ((bound, value),) = kwargs.items()
            return "numpy", {"min": "Maximum", "max": "Minimum"}[bound], {}, (*call.args, value)
        if name in _LOGICAL and call.outputs.dtype is torch.bool:
            return "numpy", _LOGICAL[name], {}, call.args
        if name in _WRITTEN and not kwargs:
            cls = _WRITTEN[name]
            return _MODULES.get(cls, "numpy"), cls, {}, call.args
        for cls, row in ROWS.items():
            if row.written is not None and name in row.names:
                inspect.signature(row.written).bind(*call.args, **kwargs)
                return (
                    _MODULES.get(cls, "numpy"),
                    cls,
                    row.written(*call.args, **kwargs),
                    call.args[slice(*row.tensors)],
                )
    except (TypeError, ValueError, KeyError):
        pass
    raise ValueError(
        f"get_config: the call of {name!r} has no operation of Keras's that it could be written as; a layer, or a "
        "Lambda of a named function, can be written"
    )
