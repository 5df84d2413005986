"""The meta device, on which shapes are found, with a memory.

What a torch function returns there follows from the shapes and dtypes of its tensors and from its other arguments. Many of
torch's kernels for this device are written in Python and take up to some milliseconds, while models repeat their blocks.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import DeviceContext

# How many results are remembered, and how many items a tuple, list or dict of arguments may have.
_MOST_RESULTS, _MOST_ITEMS = 4096, 64
_OF_TORCH = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_PLAIN = (
    *(type(None), bool, int, float, str, type(Ellipsis)),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format),
)
# By what a result depends on: the (shape, stride, dtype) of each tensor, and whether they are a tuple, a list or a lone one.
_results: dict[Any, tuple[type, list[Any]]] = {}


class MetaDevice(DeviceContext):
    """The context `torch.device("meta")`, in which no torch function computes twice what the result looks like."""

    # On top of all other modes, as `with torch.device` does it: its own way would lose one of two contexts around it.
    __enter__, __exit__ = TorchFunctionMode.__enter__, TorchFunctionMode.__exit__

    def __init__(self) -> None:
        super().__init__("meta")

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        key = None if torch.is_grad_enabled() else _key(function, args, kwargs)
        found = None if key is None else _results.get(key)
        if found is not None:
            kind, looks = found
            made = [torch.empty_strided(shape, stride, dtype=dtype, device="meta") for shape, stride, dtype in looks]
            return made[0] if kind is Tensor else kind(made)
        result = super().__torch_function__(function, types, args, kwargs)  # type: ignore[no-untyped-call]
        if key is not None:
            _remember(key, result, [*args, *kwargs.values()])
        return result


def _key(function: Any, args: Any, kwargs: Any) -> Any:
    """Return what a result depends on; None if it might be something else than shapes and plain values."""
    kind = type(function)
    if kind not in _OF_TORCH and not (kind is FunctionType and str(function.__module__).startswith("torch.")):
        return None
    try:
        return function, torch.get_default_dtype(), _described(args), _described(kwargs)
    except _NotDescribed:
        return None


class _NotDescribed(Exception):
    """An argument is no tensor of the meta device, and nothing of plain values."""


def _described(value: Any) -> tuple[Any, ...]:
    kind = type(value)
    if kind is Tensor or kind is nn.Parameter:
        if not value.is_meta or value.layout is not torch.strided:
            raise _NotDescribed
        return value.shape, value.stride(), value.dtype
    if kind in _PLAIN:
        return kind, value
    if kind is slice:
        value = value.start, value.stop, value.step
    elif kind is dict:
        value = *value, *value.values()
    elif kind is not tuple and kind is not list:
        raise _NotDescribed
    if len(value) > _MOST_ITEMS:
        raise _NotDescribed
    return kind, *map(_described, value)


def _remember(key: Any, result: Any, given: list[Any]) -> None:
    """Keep what a result looks like, if it is new tensors alone: others, such as one that was changed in place, are not."""
    kind = type(result)
    tensors = [result] if kind is Tensor else result if kind is tuple or kind is list else []
    if not tensors or any(type(tensor) is not Tensor or not tensor.is_meta for tensor in tensors):
        return
    if any(tensor is one for tensor in tensors for one in given):
        return
    while len(_results) >= _MOST_RESULTS:
        del _results[next(iter(_results))]
    _results[key] = kind, [(tensor.shape, tensor.stride(), tensor.dtype) for tensor in tensors]
