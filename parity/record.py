"""What one side says of one case: arrays and plain values only, so that it can cross a process, be stored, be replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Value:
    """An array with the dtype that the side computed it in; bfloat16 is held as float32, which holds it exactly."""

    array: Numbers
    dtype: str

    @classmethod
    def of(cls, array: Any, dtype: str | None = None) -> Value:
        """Make a value of an array; `dtype` names its dtype where numpy's own would not."""
        array = np.asarray(array)
        name = dtype or array.dtype.name
        return cls(array.astype(np.float32) if array.dtype.name == "bfloat16" else array, name)

    @property
    def is_float(self) -> bool:
        """Whether rounding applies; integers and booleans are compared exactly."""
        return self.dtype.startswith(("float", "bfloat"))


@dataclass
class Record:
    """All that a side says of a case under one dtype policy.

    `values` maps what a value is ("output 0", "mask", "gradient of input 0", "gradient of weight 1 (bias)", "state 0",
    "penalty 0") to it. `error` is set instead if the side raised, as "ValueError: ...". `lacks` says what the side does
    not have, such as a class that an old version lacks. `environment` is what the result depends on beside the case.
    Of a round trip, `files` are what it wrote, by format, and `refusals` what it says of those that it could not write or
    read; values of what it read begin with the format.
    """

    values: dict[str, Value] = field(default_factory=dict)
    error: str | None = None
    lacks: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
