"""A case becomes arrays. Every side draws the same numbers by itself: they depend on the case and their role alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from parity.case import Array, Case

Numbers = np.ndarray[Any, Any]

_COMPUTE = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


def compute_dtype(policy: str) -> str:
    """Return the dtype that a policy computes in."""
    return _COMPUTE.get(policy, policy)


def variable_dtype(policy: str) -> str:
    """Return the dtype that a policy keeps weights in."""
    return "float32" if policy in _COMPUTE else policy


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return numpy's dtype of a name; bfloat16 is ml_dtypes's."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def rounded(values: Numbers, to: str, kept: str) -> Numbers:
    """Round values to dtype `to`, and keep them in dtype `kept`: a float64 run sees what the narrow run sees."""
    return np.asarray(values).astype(numpy_dtype(to)).astype(numpy_dtype(kept))


def _fill(spec: Array, rng: np.random.Generator) -> Numbers:
    shape = spec.shape
    if spec.fill == "normal":
        return rng.standard_normal(shape) * spec.scale
    if spec.fill == "uniform":
        return rng.uniform(spec.low, spec.high, shape)
    if spec.fill == "integers":
        return rng.integers(int(spec.low), int(spec.high), shape)
    if spec.fill == "probabilities":
        raw = rng.exponential(size=shape) + 0.05
        shares: Numbers = raw / raw.sum(axis=spec.axis, keepdims=True)
        return shares
    if spec.fill == "one_hot":
        raw = rng.random(shape)
        return (raw == raw.max(axis=spec.axis, keepdims=True)).astype(np.float64) if raw.size else raw
    if spec.fill == "mask":
        flat = rng.random(int(np.prod(shape))) < 0.6
        if flat.size > 1:
            flat[:2] = [True, False]
            rng.shuffle(flat)
        return flat.reshape(shape)
    if spec.fill == "values":
        return np.array(spec.values)
    raise ValueError(f"Array: fill={spec.fill!r} is not known")


def _array(spec: Array | tuple[int, ...], case: Case, role: str, policy: str) -> Numbers:
    spec = Array(spec) if isinstance(spec, tuple) else spec
    drawn = _fill(spec, np.random.default_rng(case.seed(role)))
    if spec.dtype is not None and not spec.dtype.startswith(("float", "bfloat")):
        return drawn.astype(spec.dtype)
    narrow = spec.dtype or compute_dtype(case.dtype)
    wide = spec.dtype if spec.dtype and policy == case.dtype else compute_dtype(policy)
    return rounded(drawn, narrow, wide)


def arrays(specs: Any, case: Case, role: str, policy: str) -> Any:
    """Draw every array of a nested structure of specs, for a run under `policy`; None stays None."""
    if specs is None:
        return None
    if isinstance(specs, list):
        return [arrays(spec, case, f"{role}.{i}", policy) for i, spec in enumerate(specs)]
    if isinstance(specs, Mapping):
        return {key: arrays(spec, case, f"{role}.{key}", policy) for key, spec in specs.items()}
    return _array(specs, case, role, policy)


def inputs(case: Case, policy: str) -> list[Any]:
    """Draw the positional inputs of a case."""
    return [arrays(spec, case, f"input {i}", policy) for i, spec in enumerate(case.inputs)]


def call(case: Case, policy: str) -> dict[str, Any]:
    """Draw the arrays that a case passes by keyword; other values stay as they are."""
    return {
        key: arrays(spec, case, f"call {key}", policy) if isinstance(spec, (Array, tuple, list)) else spec
        for key, spec in case.call.items()
    }


def masks(case: Case, policy: str) -> list[Any] | None:
    """Draw the masks of the inputs of a case."""
    if case.masks is None:
        return None
    return [arrays(spec, case, f"mask {i}", policy) for i, spec in enumerate(case.masks)]


def weights(case: Case, named_shapes: Sequence[tuple[str, Sequence[int], str]], policy: str) -> list[Numbers]:
    """Draw all weights of a layer from their (Keras's name, shape in Keras's layout, dtype).

    Nothing is left at 0 or 1, where errors hide. Variances are positive; LoRA factors are multiples of 1/8, so that
    Keras's float32 product of them is exact in a float64 run.
    """
    drawn = []
    for index, (name, shape, dtype) in enumerate(named_shapes):
        rng = np.random.default_rng(case.seed(f"weight {index} {tuple(shape)}"))
        raw = rng.standard_normal(tuple(shape)) * 0.6 + 0.1
        if "variance" in name:
            raw = np.abs(raw) + 0.3
        if "lora" in name:
            raw = np.round(raw * 8) / 8
        if not dtype.startswith(("float", "bfloat")):
            drawn.append(np.round(raw * 3).astype(dtype))
            continue
        narrow = dtype if dtype != "float64" else variable_dtype(case.dtype)
        drawn.append(rounded(raw, narrow, dtype))
    return drawn


def cotangent(case: Case, index: int, shape: Sequence[int], dtype: str) -> Numbers:
    """Draw what a gradient is pulled back from: a random weight for every element of output `index`."""
    rng = np.random.default_rng(case.seed(f"cotangent {index} {tuple(shape)}"))
    raw = rng.standard_normal(tuple(shape))
    narrow = compute_dtype(case.dtype) if dtype == "float64" else dtype
    return rounded(raw, narrow, dtype)


def config(case: Case, policy: str, make: Any) -> dict[str, Any]:
    """Return a case's constructor arguments, with arrays drawn and objects made by `make(object)`."""
    return {key: _config_value(value, case, f"config {key}", policy, make) for key, value in case.config.items()}


def _config_value(value: Any, case: Case, role: str, policy: str, make: Any) -> Any:
    if isinstance(value, Array):
        return _array(value, case, role, policy)
    if hasattr(value, "kind") and hasattr(value, "config"):
        return make(value)
    if isinstance(value, list):
        return [_config_value(inner, case, f"{role} {i}", policy, make) for i, inner in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _config_value(inner, case, f"{role} {key}", policy, make) for key, inner in value.items()}
    return value


def dtype_argument(kind: str, name: str, policy: str) -> str | None:
    """Return the `dtype` argument that a run under `policy` gives to what it makes; None for what takes none."""
    if kind == "layer" and name != "InputLayer":
        return policy
    return compute_dtype(policy) if kind in ("layer", "loss") else None
