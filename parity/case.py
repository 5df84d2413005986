"""A case: one thing to compare, as data. Its identity is its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

FLOATS = ("float64", "float32", "float16", "bfloat16")
DTYPES = (*FLOATS, "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Array:
    """An array to be drawn: a shape and what fills it. A plain tuple in a case means `Array(shape)`.

    `fill` is "normal" (signed, `scale` wide), "uniform" or "integers" (`low` to `high`, the end excluded for integers),
    "probabilities" or "one_hot" (along `axis`), "mask" (booleans, both kinds present), or "values" (`values` as given).
    """

    shape: tuple[int, ...]
    fill: str = "normal"
    scale: float = 1.0
    low: float = 0.0
    high: float = 1.0
    axis: int = -1
    dtype: str | None = None
    values: Any = None

    def __str__(self) -> str:
        if self.fill == "values":
            return _short(self.values) + (f":{self.dtype}" if self.dtype else "")
        shape = "x".join(map(str, self.shape)) or "scalar"
        detail = {
            "normal": "" if self.scale == 1 else f"*{self.scale:g}",
            "uniform": f" in [{self.low:g}, {self.high:g}]",
            "integers": f" {self.dtype} in [{self.low:g}, {self.high:g})",
            "probabilities": f" probabilities on {self.axis}",
            "one_hot": f" one-hot on {self.axis}",
            "mask": " mask",
        }[self.fill]
        return shape + detail


def normal(*shape: int, scale: float = 1.0) -> Array:
    """Signed values of about `scale`."""
    return Array(shape, scale=scale)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Array:
    """Values between `low` and `high`."""
    return Array(shape, "uniform", low=low, high=high)


def integers(*shape: int, high: int, low: int = 0, dtype: str = "int32") -> Array:
    """Integers from `low` up to, not including, `high`."""
    return Array(shape, "integers", low=low, high=high, dtype=dtype)


def probabilities(*shape: int, axis: int = -1) -> Array:
    """Positive values that sum to 1 along `axis`."""
    return Array(shape, "probabilities", axis=axis)


def one_hot(*shape: int, axis: int = -1) -> Array:
    """Zeros and a single 1 along `axis`."""
    return Array(shape, "one_hot", axis=axis)


def mask(*shape: int) -> Array:
    """Booleans, with at least one of each where the shape has room."""
    return Array(shape, "mask", dtype="bool")


def values(nested: Any, dtype: str | None = None) -> Array:
    """The given numbers; float unless `dtype` says otherwise."""
    return Array((), "values", values=_freeze(nested), dtype=dtype)


@dataclass(frozen=True)
class Object:
    """A constructor argument that is itself an object of the framework, such as the layer inside a wrapper."""

    kind: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}({_arguments(self.config)})"


@dataclass(frozen=True)
class Case:
    """What is compared: `name` made with `config`, called with `inputs` (a list in the list is one list argument).

    `call` holds arrays passed by keyword, `masks` the mask of each input as a model would attach it (None: none).
    `kind` is what `name` is: "layer", "loss", "activation", ... and follows from the table that the case stands in.
    `calls` is how often it is called: a stateful layer goes on where the last call ended.
    `raises` says that both sides must refuse; `statistical` that outputs are samples, to be compared as distributions.
    `why` names the trap that the case guards.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[Any] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    masks: Sequence[Any] | None = None
    training: bool = False
    calls: int = 1
    dtype: str = "float32"
    raises: bool = False
    statistical: bool = False
    kind: str = "layer"
    why: str = ""

    @cached_property
    def id(self) -> str:
        """The content as one readable line, the same in every process and on every machine."""
        parts = [f"{self.name}({_arguments(self.config)})"]
        parts.append("(" + ", ".join(_array(i) for i in self.inputs) + ")")
        parts += [f"{key}={_array(value)}" for key, value in self.call.items()]
        if self.masks is not None:
            parts.append("masks=(" + ", ".join(_array(m) for m in self.masks) + ")")
        parts += [f"calls={self.calls}"] if self.calls > 1 else []
        parts += [word for word, said in (("training", self.training), ("raises", self.raises)) if said]
        return " ".join([*parts, self.dtype])

    @cached_property
    def _in_any_dtype(self) -> str:
        return f"{self.kind} {replace(self, dtype='').id}"

    def seed(self, role: str) -> int:
        """Return the seed of one drawn array. The dtype isn't in it: all dtypes of a case see the same numbers."""
        content = f"{self._in_any_dtype} {role}"
        return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "little")


def each(cases: Sequence[Case], **changes: Any) -> Iterator[Case]:
    """Yield each case with some fields changed, such as `dtype="float16"`."""
    return (replace(case, **changes) for case in cases)


def _freeze(nested: Any) -> Any:
    return tuple(_freeze(item) for item in nested) if isinstance(nested, (list, tuple)) else nested


def _array(thing: Any) -> str:
    if isinstance(thing, list):
        return "[" + ", ".join(_array(item) for item in thing) + "]"
    if isinstance(thing, Mapping):
        return "{" + ", ".join(f"{key}: {_array(item)}" for key, item in thing.items()) + "}"
    if isinstance(thing, tuple):
        return str(Array(thing))
    return str(thing)


def _arguments(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_short(value)}" for key, value in config.items())


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and "class_name" in value:
        inner = value.get("config")
        return f"{value['class_name']}({_arguments(inner) if isinstance(inner, Mapping) else inner})"
    if isinstance(value, (Array, Object)):
        return str(value)
    if callable(value):
        return str(value.__name__)
    if isinstance(value, list) and any(isinstance(item, Object) for item in value):
        return "[" + ", ".join(map(_short, value)) + "]"
    text = repr(value)
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return text if len(text) <= 60 else f"{text[:50]}...{digest}"
