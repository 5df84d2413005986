"""Dtype names and policies: which dtype a layer keeps its variables in and which it computes in.

Source: keras/src/dtype_policies/dtype_policy.py, 3.15.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from torch_layers.registry import nearest

_DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("float64", "float32", "float16", "bfloat16"),
        *("int64", "int32", "int16", "int8", "uint8", "bool", "complex64", "complex128"),
    )
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_MIXED = {"mixed_float16": torch.float16, "mixed_bfloat16": torch.bfloat16}


def name_of(dtype: torch.dtype) -> str:
    """Return Keras's name of a torch dtype, such as "float32"."""
    return _NAMES[dtype]


def promoted(*tensors: Tensor | None) -> list[Any]:
    """Return tensors in the dtype that holds all of theirs, as Keras's operations take operands; None stays None."""
    dtype = reduce(torch.promote_types, (tensor.dtype for tensor in tensors if tensor is not None))
    return [None if tensor is None else tensor.to(dtype) for tensor in tensors]


def resolve(dtype: str | torch.dtype | Any) -> torch.dtype:
    """Return the torch dtype for a name, a torch dtype or a numpy dtype. Raises: ValueError for any other."""
    if isinstance(dtype, torch.dtype):
        return dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", getattr(dtype, "__name__", None))
    if name not in _DTYPES:
        raise ValueError(f"dtype={dtype!r} is not one of {tuple(_DTYPES)}{nearest(dtype, list(_DTYPES))}")
    return _DTYPES[name]


class Policy:
    """A dtype policy: `compute` is the dtype of a layer's arithmetic, `variable` that of its weights.

    `name` is a dtype's name, which gives both, or "mixed_float16" or "mixed_bfloat16", which keep float32 weights.
    Raises: ValueError for any other name, quantized policies included.
    """

    def __init__(self, name: str) -> None:
        allowed = (*_DTYPES, *_MIXED)
        if name not in allowed:
            raise ValueError(f"dtype={name!r} is not one of {allowed}{nearest(name, list(allowed))}")
        self.name = name
        self.compute = _MIXED.get(name) or _DTYPES[name]
        self.variable = torch.float32 if name in _MIXED else self.compute

    def __repr__(self) -> str:
        return f"Policy({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def policy(dtype: Any) -> Policy:
    """Return the policy that a layer's `dtype` argument stands for.

    None is torch's default dtype at this moment; else a policy, its name, its config, or a dtype.
    """
    if isinstance(dtype, Policy):
        return dtype
    if dtype is None:
        return Policy(name_of(torch.get_default_dtype()))
    if isinstance(dtype, dict):
        inner = dtype.get("config") or {}
        return Policy(str(inner.get("name", dtype.get("class_name"))))
    return Policy(dtype if isinstance(dtype, str) and dtype in _MIXED else name_of(resolve(dtype)))
