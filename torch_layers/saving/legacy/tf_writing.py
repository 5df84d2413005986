"""Operations of Keras 3 as the functions of TensorFlow that models of Keras 2 call between their layers.

Source: tf_keras/src/layers/core/tf_op_layer.py, 2.21; tensorflow/python/ops (math_ops.py, array_ops.py, nn_ops.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch_layers.saving.legacy.keras2_form import NotInKeras2Error, is_tensor

Arguments = dict[str, Any]

# Operation -> function of two tensors, either of which may be a number.
_OF_TWO = {
    "Add": "math.add",
    "Subtract": "math.subtract",
    "Multiply": "math.multiply",
    "Divide": "math.truediv",
    "TrueDivide": "math.truediv",
    "FloorDivide": "math.floordiv",
    "Mod": "math.floormod",
    "Power": "math.pow",
    "Pow": "math.pow",
    "Maximum": "math.maximum",
    "Minimum": "math.minimum",
    "Equal": "math.equal",
    "NotEqual": "math.not_equal",
    "Greater": "math.greater",
    "GreaterEqual": "math.greater_equal",
    "Less": "math.less",
    "LessEqual": "math.less_equal",
    "LogicalAnd": "math.logical_and",
    "LogicalOr": "math.logical_or",
}
# Operation -> function of one tensor, and what the function calls it.
_SAME_NAME = (
    *("Abs", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Expm1", "Floor", "Log", "Log1p", "Negative", "Reciprocal", "Round"),
    *("Rsqrt", "Sigmoid", "Sign", "Sin", "Sinh", "Sqrt", "Square", "Tan", "Tanh"),
)
_OF_ONE = {
    **{name: (f"math.{name.lower()}", "x") for name in _SAME_NAME},
    "Absolute": ("math.abs", "x"),
    "LogicalNot": ("math.logical_not", "x"),
    "Isnan": ("math.is_nan", "x"),
    "Isinf": ("math.is_inf", "x"),
    "Isfinite": ("math.is_finite", "x"),
    **{name: (f"nn.{name.lower()}", "features") for name in ("Relu", "Relu6", "Selu", "Silu", "Softsign")},
    "Softplus": ("math.softplus", "features"),
}
_REDUCTIONS = ("Mean", "Sum", "Max", "Min", "Prod", "Any", "All")


def _permuted(x: Any, axis1: int, axis2: int) -> Arguments:
    axes = list(range(len(x["config"]["shape"])))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return {"a": x, "perm": axes}


def _clipped(x: Any, x_min: Any = None, x_max: Any = None) -> Arguments:
    if x_min is None or x_max is None:
        raise NotInKeras2Error("TensorFlow clips values from both sides alone")
    return {"t": x, "clip_value_min": x_min, "clip_value_max": x_max}


def _place_of_most(x: Any, axis: Any = None, keepdims: bool = False) -> Arguments:
    if axis is None or keepdims:
        raise NotInKeras2Error("TensorFlow's argmax and argmin take one axis, and do not keep it")
    return {"input": x, "axis": axis, "output_type": "int32"}


def _slices(x: Any, key: Any) -> Arguments:
    return {"x": x, "slice_spec": _slice(key)}


def _slice(key: Any) -> Any:
    if isinstance(key, (list, tuple)):
        return [_slice(item) for item in key]
    if not isinstance(key, Mapping):
        return key
    if key.get("class_name") == "__slice__":
        return dict(key["config"])
    if key.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__"}
    raise NotInKeras2Error("a tensor is indexed by another")


# Operation -> function, and what makes its arguments of the tensors and the operation's config.
_OTHERS: dict[str, tuple[str, Callable[..., Arguments]]] = {
    **{
        name: (
            f"math.reduce_{name.lower()}",
            lambda x, axis=None, keepdims=False: {"input_tensor": x, "axis": axis, "keepdims": keepdims},
        )
        for name in _REDUCTIONS
    },
    "Matmul": ("linalg.matmul", lambda a, b: {"a": a, "b": b}),
    "Where": ("where", lambda condition, x, y: {"condition": condition, "x": x, "y": y}),
    "Concatenate": ("concat", lambda values, axis=-1: {"values": values, "axis": axis}),
    "Stack": ("stack", lambda values, axis=0: {"values": values, "axis": axis}),
    "ExpandDims": ("expand_dims", lambda x, axis: {"input": x, "axis": axis}),
    "Squeeze": ("squeeze", lambda x, axis=None: {"input": x, "axis": axis}),
    "Reshape": ("reshape", lambda x, newshape: {"tensor": x, "shape": list(newshape)}),
    "Transpose": ("transpose", lambda x, axes=None: {"a": x, "perm": axes}),
    "Swapaxes": ("transpose", _permuted),
    "Flip": ("reverse", lambda x, axis: {"tensor": x, "axis": list(axis)}),
    "Cast": ("cast", lambda x, dtype: {"x": x, "dtype": dtype}),
    "Clip": ("clip_by_value", _clipped),
    "GetItem": ("__operators__.getitem", _slices),
    "Softmax": ("nn.softmax", lambda x, axis=-1: {"logits": x, "axis": axis}),
    "LogSoftmax": ("nn.log_softmax", lambda x, axis=-1: {"logits": x, "axis": axis}),
    "LeakyRelu": ("nn.leaky_relu", lambda x, negative_slope: {"features": x, "alpha": negative_slope}),
    "Gelu": ("nn.gelu", lambda x, approximate: {"features": x, "approximate": approximate}),
    "Argmax": ("math.argmax", _place_of_most),
    "Argmin": ("math.argmin", _place_of_most),
}


def is_operation(layer: Mapping[str, Any]) -> bool:
    """Tell whether an entry among a functional model's layers is an operation of Keras 3."""
    return str(layer.get("module")).startswith("keras.src.ops.")


def function_of(operation: Mapping[str, Any], args: Sequence[Any]) -> tuple[str, Arguments]:
    """Return the function of TensorFlow for an operation that is called with `args`, and its arguments by name.

    Raises: NotInKeras2Error if there is none.
    """
    name = operation["class_name"]
    config = {key: value for key, value in operation["config"].items() if key != "name"}
    if name in _OF_TWO:
        x, y = _of_one_dtype(args)
        return _OF_TWO[name], {"x": x, "y": y}
    if name in _OF_ONE:
        function, argument = _OF_ONE[name]
        return function, {argument: args[0]}
    if name not in _OTHERS:
        raise NotInKeras2Error(f"the operation {name} is no function of TensorFlow's")
    function, arguments = _OTHERS[name]
    if name == "Where":
        args = [args[0], *_of_one_dtype(args[1:])]
    return function, arguments(*args, **config)


def _of_one_dtype(args: Sequence[Any]) -> list[Any]:
    """Return two arguments of which a whole number beside a tensor of floats is a float, as TensorFlow wants it."""
    is_float = any(is_tensor(value) and "float" in value["config"]["dtype"] for value in args)
    return [float(value) if is_float and isinstance(value, int) else value for value in args]
