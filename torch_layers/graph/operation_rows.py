"""How each of Keras's operations (`keras.ops`) that has arguments of its own is read, and written back.

Source: keras/src/ops/numpy.py, nn.py, core.py, math.py and linalg.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import dtypes
from torch_layers.graph.symbols import Symbol, SymbolicTensor


@dataclass(frozen=True)
class Row:
    """How to read an operation, and which config `written` makes of the bound arguments of torch's `names`.

    `tensors` says where the arguments that are no part of the config begin and end.
    """

    read: Callable[..., Any]
    names: tuple[str, ...] = ()
    written: Callable[..., dict[str, Any]] | None = None
    tensors: tuple[int, int | None] = (0, 1)


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)


def _floats(x: Any) -> Any:
    return x if x.dtype.is_floating_point else x.float()


def _counted_in(x: Any) -> dict[str, Any]:
    """Return the dtype that Keras adds up integers in, where torch would take int64."""
    return {"dtype": torch.int32} if x.dtype in (torch.bool, torch.int8, torch.int16, torch.int32) else {}


def _reduction(name: str) -> Row:
    def read(x: Any, axis: Any = None, keepdims: bool = False, **ignored: Any) -> Any:
        axes = _axes(x, axis)
        more = _counted_in(x) if name in ("sum", "prod") else {}
        if name in ("any", "all", "prod"):
            for one in sorted((a % x.ndim for a in axes), reverse=True):
                x = getattr(x, name)(one, keepdim=keepdims, **more)
            return x
        x = _floats(x) if name in ("mean", "logsumexp") else x
        return getattr(x, name)(axes, keepdim=keepdims, **more)

    return Row(read, (name,), _reduced)


def _spread(name: str) -> Row:
    def read(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return getattr(_floats(x), name)(_axes(x, axis), correction=0, keepdim=keepdims)

    def written(x: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> dict[str, Any]:
        if correction:
            raise ValueError("Keras divides by the number of values")
        return {"axis": dim, "keepdims": keepdim}

    return Row(read, (name,), written)


def _cumulated(name: str) -> Row:
    def read(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        x = x if dtype is None else _cast(x, dtype)
        x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
        return getattr(x, name)(axis, **_counted_in(x))

    return Row(read, (name,), lambda x, dim: {"axis": dim})


def _round(x: Any, decimals: int = 0) -> Any:
    return x.round(decimals=decimals) if decimals else x.round()


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis % x.ndim)
    if not isinstance(indices, int):
        indices = indices if isinstance(indices, SymbolicTensor) else torch.as_tensor(indices)
        indices = indices.to(torch.int64)
    return x[(*[slice(None)] * axis, indices)]


def _floor_divide(a: Any, b: Any) -> Any:
    floats = any(x.dtype.is_floating_point for x in (a, b) if isinstance(x, (SymbolicTensor, Tensor)))
    floats = floats or isinstance(a, float) or isinstance(b, float)
    # torch's own floor division has no gradient, and another rounding.
    return torch.floor(a / b) if floats else a // b


def _dot(a: Any, b: Any) -> Any:
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return a @ b if b.ndim <= 2 else torch.tensordot(a, b, ([a.ndim - 1], [b.ndim - 2]))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    pairs = axes if isinstance(axes, int) else [list(one) if isinstance(one, (list, tuple)) else [one] for one in axes]
    return torch.tensordot(a, b, pairs)


def _normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    least = 1e-7 if epsilon is None else epsilon
    if order == 2:
        return x * torch.clamp(torch.rsqrt(torch.square(x).sum(_axes(x, axis), keepdim=True)), max=1 / least)
    return x / torch.clamp(torch.linalg.norm(x, order, axis, True), min=least)


def _top_k(x: Any, k: int, sorted: bool = True) -> Any:
    values, places = x.topk(k, sorted=sorted)
    return values, places.to(torch.int32)


def _moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    return x.mean(_axes(x, axes), keepdim=keepdims), x.var(_axes(x, axes), correction=0, keepdim=keepdims)


def _get_item(x: Any, key: Any) -> Any:
    return x[tuple(key) if isinstance(key, list) else key]  # JSON makes lists of tuples


def _transpose(x: Any, axes: Any = None) -> Any:
    return x.permute(tuple(axes) if axes is not None else tuple(range(x.ndim))[::-1])


def _squeeze(x: Any, axis: Any = None) -> Any:
    return x.squeeze() if axis is None else x.squeeze(tuple(axis) if isinstance(axis, list) else axis)


def _expand_dims(x: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (list, tuple)) else (axis,)
    for one in sorted(a % (x.ndim + len(axes)) for a in axes):
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


def _reduced(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> dict[str, Any]:
    if dtype is not None and {"dtype": dtype} != _counted_in(x):
        raise ValueError("Keras's sums have no dtype of their own")
    return _arg(x, dim, keepdim)


def _padding(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> dict[str, Any]:
    if mode != "constant" or value:
        raise ValueError("Keras's padding of zeros alone has a config")
    pairs = [pad[n : n + 2] for n in range(0, len(pad), 2)]
    return {"pad_width": [[0, 0]] * (x.ndim - len(pairs)) + [list(pair) for pair in reversed(pairs)]}


def _like_it(x: Any, dtype: Any = None) -> dict[str, Any]:
    return {"dtype": None if dtype is None else dtypes.name_of(dtype)}


def _nothing(x: Any) -> dict[str, Any]:
    return {}


def _shape_of(x: Any, *shape: Any) -> dict[str, Any]:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    if sum(isinstance(size, Symbol) or size == -1 for size in sizes) > 1:
        raise ValueError("Keras has no shape with two unknown sizes")
    return {"newshape": tuple(-1 if isinstance(size, Symbol) else size for size in sizes)}


ROWS: dict[str, Row] = {
    **{name.capitalize(): _reduction(method) for name, method in (("mean", "mean"), ("sum", "sum"), ("any", "any"))},
    **{name.capitalize(): _reduction(method) for name, method in (("all", "all"), ("max", "amax"), ("min", "amin"))},
    "Prod": _reduction("prod"),
    "GetItem": Row(_get_item),
    "Reshape": Row(lambda x, newshape: x.reshape(tuple(newshape)), ("reshape", "view"), _shape_of),
    "Transpose": Row(_transpose, ("permute",), lambda x, *dims: {"axes": tuple(_shape_of(x, *dims)["newshape"])}),
    "Swapaxes": Row(
        lambda x, axis1, axis2: x.transpose(axis1, axis2),
        ("transpose", "swapaxes"),
        lambda x, dim0, dim1: {"axis1": dim0, "axis2": dim1},
    ),
    "Concatenate": Row(
        lambda xs, axis=-1: torch.cat(xs, axis), ("cat", "concat"), lambda tensors, dim=0: {"axis": dim}
    ),
    "Stack": Row(lambda xs, axis=0: torch.stack(xs, axis), ("stack",), lambda tensors, dim=0: {"axis": dim}),
    "ExpandDims": Row(_expand_dims, ("unsqueeze",), lambda x, dim: {"axis": dim}),
    "Squeeze": Row(_squeeze, ("squeeze",), lambda x, dim=None: {"axis": dim}),
    "Softmax": Row(
        lambda x, axis=-1: torch.softmax(x, axis), ("softmax",), lambda x, dim, _stacklevel=3: {"axis": dim}
    ),
    "LogSoftmax": Row(
        lambda x, axis=-1: torch.log_softmax(x, axis), ("log_softmax",), lambda x, dim, _stacklevel=3: {"axis": dim}
    ),
    "Clip": Row(_clip, ("clamp", "clip"), lambda x, min=None, max=None: {"x_min": min, "x_max": max}),
    "Flip": Row(
        lambda x, axis=None: x.flip(tuple(range(x.ndim)) if axis is None else axis),
        ("flip",),
        lambda x, *dims: {"axis": tuple(_shape_of(x, *dims)["newshape"])},
    ),
    "Maximum": Row(lambda a, b: _extremum(torch.maximum, "min", a, b)),
    "Minimum": Row(lambda a, b: _extremum(torch.minimum, "max", a, b)),
    "Einsum": Row(
        lambda *xs, subscripts: torch.einsum(subscripts, *xs),
        ("einsum",),
        lambda equation, *xs: {"subscripts": equation},
        tensors=(1, None),
    ),
    "LeakyRelu": Row(
        lambda x, negative_slope=0.2: F.leaky_relu(x, negative_slope),
        ("leaky_relu",),
        lambda x, negative_slope=0.01: {"negative_slope": negative_slope},
    ),
    "Gelu": Row(
        lambda x, approximate=True: F.gelu(x, approximate="tanh" if approximate else "none"),
        ("gelu",),
        lambda x, approximate="none": {"approximate": approximate == "tanh"},
    ),
    "Argmax": Row(lambda x, axis=None, keepdims=False: x.argmax(axis, keepdims).to(torch.int32), ("argmax",), _arg),
    "Cast": Row(_cast),
    "ConvertToTensor": Row(lambda x, dtype=None, sparse=None, ragged=None: x if dtype is None else _cast(x, dtype)),
    "Split": Row(_split, ("tensor_split",), lambda x, sections, dim=0: {"indices_or_sections": sections, "axis": dim}),
    "Pad": Row(_pad, ("pad",), _padding),
    "Repeat": Row(
        lambda x, repeats, axis=None: x.repeat_interleave(repeats, axis),
        ("repeat_interleave",),
        lambda x, repeats, dim=None: {"repeats": repeats, "axis": dim},
    ),
    "Tile": Row(
        lambda x, repeats: x.tile(tuple(repeats) if isinstance(repeats, list) else repeats),
        ("tile",),
        lambda x, *dims: {"repeats": _shape_of(x, *dims)["newshape"]},
    ),
    "BroadcastTo": Row(lambda x, shape: x.broadcast_to(tuple(-1 if size is None else size for size in shape))),
    "OnesLike": Row(_like(torch.ones_like), ("ones_like",), _like_it),
    "ZerosLike": Row(_like(torch.zeros_like), ("zeros_like",), _like_it),
    "Argmin": Row(lambda x, axis=None, keepdims=False: x.argmin(axis, keepdims).to(torch.int32), ("argmin",), _arg),
    "OneHot": Row(_one_hot),
    "Moveaxis": Row(
        lambda x, source, destination: x.movedim(source, destination),
        ("movedim", "moveaxis"),
        lambda x, source, destination: {"source": source, "destination": destination},
    ),
    "Norm": Row(
        lambda x, ord=None, axis=None, keepdims=False: torch.linalg.norm(_floats(x), ord, axis, keepdims),
        ("linalg_norm",),
        lambda x, ord=None, dim=None, keepdim=False: {"ord": ord, "axis": dim, "keepdims": keepdim},
    ),
    "Amax": _reduction("amax"),
    "Amin": _reduction("amin"),
    "Logsumexp": _reduction("logsumexp"),
    "Var": _spread("var"),
    "Std": _spread("std"),
    "Moments": Row(_moments),
    "Normalize": Row(_normalize),
    "Floor": Row(lambda x: _floats(x).floor()),
    "Ceil": Row(lambda x: _floats(x).ceil()),
    "Round": Row(_round, ("round",), lambda x, decimals=0: {"decimals": decimals}),
    "Cumsum": _cumulated("cumsum"),
    "Cumprod": _cumulated("cumprod"),
    "Diff": Row(lambda x, n=1, axis=-1: x.diff(n, axis), ("diff",), lambda x, n=1, dim=-1: {"n": n, "axis": dim}),
    "Tril": Row(lambda x, k=0: x.tril(k), ("tril",), lambda x, diagonal=0: {"k": diagonal}),
    "Triu": Row(lambda x, k=0: x.triu(k), ("triu",), lambda x, diagonal=0: {"k": diagonal}),
    "Diagonal": Row(
        lambda x, offset=0, axis1=0, axis2=1: x.diagonal(offset, axis1, axis2),
        ("diagonal",),
        lambda x, offset=0, dim1=0, dim2=1: {"offset": offset, "axis1": dim1, "axis2": dim2},
    ),
    "Roll": Row(
        lambda x, shift, axis=None: x.roll(shift, axis) if axis is not None else x.roll(shift),
        ("roll",),
        lambda x, shifts, dims=None: {"shift": shifts, "axis": dims},
    ),
    "Ravel": Row(lambda x: x.reshape(-1)),
    "Unstack": Row(lambda x, num=None, axis=0: x.unbind(axis), ("unbind",), lambda x, dim=0: {"axis": dim}),
    "Hstack": Row(torch.hstack, ("hstack",), _nothing),
    "Vstack": Row(torch.vstack, ("vstack",), _nothing),
    "Take": Row(_take),
    "TakeAlongAxis": Row(
        lambda x, indices, axis=None: torch.take_along_dim(x, indices.to(torch.int64), axis),
        ("take_along_dim",),
        lambda x, indices, dim=None: {"axis": dim},
        (0, 2),
    ),
    "Sort": Row(lambda x, axis=-1: x.sort(axis).values),
    "Argsort": Row(
        lambda x, axis=-1: x.argsort(dim=axis, stable=True).to(torch.int32),
        ("argsort",),
        lambda x, *, dim=-1, stable: {"axis": dim},
    ),
    "TopK": Row(_top_k, ("topk",), lambda x, k, *, sorted=True: {"k": k, "sorted": sorted}),
    "Outer": Row(lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)), ("outer",), lambda a, b: {}, (0, 2)),
    "FloorDivide": Row(_floor_divide),
    "Dot": Row(_dot),
    "Tensordot": Row(_tensordot, ("tensordot",), lambda a, b, dims=2: {"axes": dims}, (0, 2)),
    "FullLike": Row(
        lambda x, fill_value, dtype=None: torch.full_like(x, fill_value, dtype=dtype and dtypes.resolve(dtype)),
        ("full_like",),
        lambda x, fill_value, dtype=None: _like_it(x, dtype),
        (0, 2),
    ),
    "NanToNum": Row(
        lambda x, nan=0.0, posinf=None, neginf=None: torch.nan_to_num(x, nan, posinf, neginf),
        ("nan_to_num",),
        lambda x, nan=None, posinf=None, neginf=None: {"nan": nan or 0.0, "posinf": posinf, "neginf": neginf},
    ),
    "StopGradient": Row(lambda x: x.detach(), ("detach",), _nothing),
}
