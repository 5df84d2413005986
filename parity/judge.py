"""Two sides' records become a verdict, by three gates. Knows no framework and no tolerance that a test chose.

- semantics: the implementation in float64 against the reference in float64, near float64's rounding;
- accuracy: with the reference's float64 as oracle, the implementation's error in the case's own dtype is at most `C`
  times the reference's own error plus a few ulp of the largest value, by maximum and by root mean square;
- gradients: vector-Jacobian products, through both gates above.

Before any of them, names, shapes, dtypes, NaN positions and infinities' signs must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.record import Numbers, Record, Value

# Semantics: relative to the largest value. Where a side computed in a narrower dtype than float64, ulps of that dtype.
SEMANTICS = 1e-10
NARROW_ULPS = 16.0
# Accuracy: how many times the reference's own error the implementation's may be.
FORWARD, BACKWARD, HALF = 2.0, 3.0, 3.0
FLOOR_ULPS = 4.0
# A gradient is an exact 0 but for rounding if it is this small a share of the case's largest gradient in the float64
# oracle, and, in the reference's own dtype, larger than there by the second number, or nothing at all.
VANISHING, GROWN = 1e-12, 1e3
# Two samples of the same distribution are called different this often.
FALSE_ALARM = 1e-6
# Errors that no one raises to refuse an input.
CRASHES = ("AttributeError", "NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "AssertionError")

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
SMALLEST = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-24, "bfloat16": 2.0**-126}


@dataclass(frozen=True)
class Check:
    """One comparison: what was compared, by which gate, how far apart it is and how far it may be.

    `figure` is what the report shows: for semantics the error relative to the largest value, for accuracy the error as a
    multiple of the reference's own (0 if both are within the floor). `index` is the worst element's.
    """

    gate: str
    what: str
    passed: bool
    error: float = 0.0
    allowed: float = 0.0
    figure: float = 0.0
    index: tuple[int, ...] = ()
    expected: float | int | bool | None = None
    actual: float | int | bool | None = None
    oracle: float | None = None
    note: str = ""

    def __str__(self) -> str:
        if self.note:
            return f"{self.what}: {self.note} ({self.gate})"
        where = f" at {list(self.index)}" if self.index else ""
        return (
            f"{self.what}: off by {self.error:.3g}{where}, allowed {self.allowed:.3g} "
            f"(expected {self.expected!r}, got {self.actual!r}) ({self.gate})"
        )


@dataclass(frozen=True)
class Verdict:
    """All checks of one case. `error` is set if a side could not answer, `lacks` if one does not have what it is asked."""

    checks: list[Check] = field(default_factory=list)
    error: str | None = None
    lacks: str | None = None

    @property
    def equal(self) -> bool:
        """Whether both sides answered and every check passed."""
        return self.error is None and self.lacks is None and all(check.passed for check in self.checks)

    @property
    def failures(self) -> list[Check]:
        """The checks that did not pass, the worst first."""
        failed = [check for check in self.checks if not check.passed]
        return sorted(failed, key=lambda check: -(check.error / check.allowed if check.allowed else np.inf))

    def worst(self, gate: str) -> float:
        """Return the largest figure of a gate; 0 if it has none."""
        return max((check.figure for check in self.checks if check.gate.startswith(gate)), default=0.0)


def judge(
    oracle: Record,
    implementation64: Record,
    reference: Record,
    implementation: Record,
    *,
    computed_in: str = "float32",
    refusal: bool = False,
    statistical: bool = False,
) -> Verdict:
    """Compare an implementation with a reference: both in float64, where the reference is the oracle, and as they are.

    `computed_in` is the dtype of the arithmetic: under a mixed policy a float32 gradient carries its rounding.
    With `refusal`, both must raise, and not by accident: an AttributeError and the like is a crash, not a refusal.
    With `statistical`, outputs are samples: they are compared as distributions, each test at a false-alarm rate of 1e-6.
    """
    records = {"reference": reference, "implementation": implementation}
    records |= {"reference in float64": oracle, "implementation in float64": implementation64}
    for role, record in records.items():
        if record.lacks is not None:
            return Verdict(lacks=f"{role}: {record.lacks}")
    raised = {role: record.error for role, record in records.items() if record.error is not None}
    if refusal and len(raised) == len(records):
        crashes = {role: error for role, error in raised.items() if error.split(":")[0] in CRASHES}
        return _raised(crashes) if crashes else Verdict([Check("refusal", "call", passed=True, note="both refuse")])
    if refusal and not raised:
        return Verdict(error="both sides accept what the case says they refuse")
    if raised:
        return _raised(raised)
    if statistical:
        return Verdict(_distributions(reference, implementation))
    vanishing = _vanishing(oracle, reference)
    return Verdict(
        [
            *_structure("structure", reference, implementation),
            *_structure("structure in float64", oracle, implementation64),
            *(
                check
                for what in _shared(oracle, implementation64)
                for check in _semantics(what, oracle, implementation64, vanishing.get(what, 0.0))
            ),
            # A case in float64 has no finer oracle: its rounding is what semantics allows.
            *(
                check
                for what in _shared(reference, implementation)
                if reference is not oracle
                for check in _accuracy(what, oracle, reference, implementation, computed_in, vanishing.get(what, 0.0))
            ),
        ]
    )


def _raised(errors: dict[str, str]) -> Verdict:
    return Verdict(error="; ".join(f"{role} raised {error}" for role, error in errors.items()))


def _shared(a: Record, b: Record) -> list[str]:
    return [w for w in a.values if w in b.values and a.values[w].array.shape == b.values[w].array.shape]


def _structure(gate: str, expected: Record, actual: Record) -> list[Check]:
    """Names, shapes and dtypes, exactly; then integers, booleans, NaNs and infinities, exactly."""
    checks = []
    for what in {**expected.values, **actual.values}:
        a, b = expected.values.get(what), actual.values.get(what)
        if a is None or b is None:
            note = "missing in the implementation" if b is None else "not in the reference"
            checks.append(Check(gate, what, passed=False, note=note))
        elif a.array.shape != b.array.shape:
            note = f"shape is {b.array.shape}, expected {a.array.shape}"
            checks.append(Check(gate, what, passed=False, note=note))
        elif a.dtype != b.dtype:
            checks.append(Check(gate, what, passed=False, note=f"dtype is {b.dtype}, expected {a.dtype}"))
        else:
            checks.append(_exact(gate, what, a, b))
    return checks


def _exact(gate: str, what: str, a: Value, b: Value) -> Check:
    if a.is_float:
        same = np.where(np.isfinite(a.array), np.isfinite(b.array), _same_special(a.array, b.array))
    else:
        same = a.array == b.array
    if np.all(same):
        return Check(gate, what, passed=True)
    index = tuple(int(i) for i in np.argwhere(~np.asarray(same))[0])
    x, y = a.array[index].item(), b.array[index].item()
    count = int(np.sum(~np.asarray(same)))
    note = f"is {y!r} at {list(index)}, expected {x!r} ({count} elements differ exactly)"
    return Check(gate, what, passed=False, error=count, index=index, expected=x, actual=y, note=note)


def _same_special(a: Numbers, b: Numbers) -> Numbers:
    same: Numbers = (np.isnan(a) & np.isnan(b)) | (np.isinf(a) & (a == b))
    return same


def _vanishing(oracle: Record, reference: Record) -> dict[str, float]:
    """Return, for gradients that cancel to 0 but for rounding, the case's largest gradient: their rounding is of its size.

    So is that of the bias of attention's keys: softmax takes no notice of what is the same for all keys.
    """
    largest = _largest_gradient(oracle)
    sizes = {what: _largest(value.array) for what, value in oracle.values.items() if what.startswith("gradient")}
    return {
        what: largest
        for what, size in sizes.items()
        if size < VANISHING * largest and what in reference.values and _cancels(reference.values[what], size)
    }


def _cancels(value: Value, size: float) -> bool:
    own = _largest(value.array)
    return value.dtype == "float64" or own == 0 or own >= GROWN * size


def _largest_gradient(record: Record) -> float:
    return max((_largest(v.array) for what, v in record.values.items() if what.startswith("gradient")), default=0.0)


def _largest(array: Numbers) -> float:
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))


def _semantics(what: str, oracle: Record, actual: Record, at_least: float) -> list[Check]:
    a, b = oracle.values[what], actual.values[what]
    if not a.is_float or not a.array.size:
        return []
    gate = "semantics of gradients" if what.startswith("gradient") else "semantics"
    x, y = _finite(a.array, b.array)
    error = np.abs(x - y)
    largest = max(_largest(x), at_least)
    if a.dtype == "float64":
        relative, note = SEMANTICS, ""
    else:  # Keras itself computed this in a narrower dtype: its rounding is all that can be asked of the other side
        relative, note = NARROW_ULPS * EPSILON[a.dtype], f" (computed in {a.dtype})"
    return [_check(gate + note, what, error, relative * largest + SMALLEST[a.dtype], a, b, largest)]


def _accuracy(
    what: str, oracle: Record, reference: Record, actual: Record, computed_in: str, at_least: float
) -> list[Check]:
    a, b = reference.values[what], actual.values[what]
    truth = oracle.values.get(what)
    if not a.is_float or truth is None or truth.array.shape != a.array.shape or not a.array.size:
        return []
    backward = what.startswith("gradient")
    gate = "accuracy of gradients" if backward else "accuracy"
    coarsest = max(a.dtype, computed_in, key=lambda dtype: EPSILON[dtype])
    factor = max(BACKWARD if backward else FORWARD, HALF if coarsest in ("float16", "bfloat16") else 0.0)
    t, x, y = _finite(truth.array, a.array, b.array)
    own, error = np.abs(x - t), np.abs(y - t)
    floor = FLOOR_ULPS * EPSILON[coarsest] * max(_largest(t), at_least) + SMALLEST[coarsest]
    checks = []
    for measure, of in (("", np.max), ("root mean square of ", _rms)):
        allowed = factor * float(of(own)) + floor
        size = float(of(error))
        figure = size / float(of(own)) if size > floor and np.any(own) else 0.0
        if measure and size <= allowed:
            continue  # the maximum's line says enough
        checks.append(_check(gate, measure + what, error, allowed, a, b, None, size=size, figure=figure, truth=t))
    return checks


def _check(
    gate: str,
    what: str,
    error: Numbers,
    allowed: float,
    a: Value,
    b: Value,
    largest: float | None,
    *,
    size: float | None = None,
    figure: float | None = None,
    truth: Numbers | None = None,
) -> Check:
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), error.shape))
    size = float(np.max(error)) if size is None else size
    if figure is None:
        figure = size / largest if largest else 0.0
    return Check(
        gate=gate,
        what=what,
        passed=size <= allowed,
        error=size,
        allowed=allowed,
        figure=figure,
        index=index,
        expected=a.array[index].item(),
        actual=b.array[index].item(),
        oracle=float(truth[index]) if truth is not None else None,
    )


def _finite(*arrays: Numbers) -> list[Numbers]:
    """Return the arrays in float64, with 0 wherever any of them is not finite (those places are compared exactly)."""
    finite = np.logical_and.reduce([np.isfinite(array) for array in arrays])
    return [np.where(finite, array, 0).astype(np.float64) for array in arrays]


def _rms(error: Numbers) -> Any:
    return np.sqrt(np.mean(np.square(error)))


def _distributions(reference: Record, implementation: Record) -> list[Check]:
    """Compare what both sides drew: first which elements were drawn together, then the distribution of one of each."""
    checks = [c for c in _structure("structure", reference, implementation) if not c.passed]
    together = {what: _repeated(value) for what, value in reference.values.items() if what.startswith("output")}
    first = reference.values.get("output 0")
    for what in _shared(reference, implementation):
        a, b = reference.values[what], implementation.values[what]
        if not a.is_float or not a.array.size:
            continue
        if what in together and _repeated(b) != together[what]:
            note = f"is drawn once along axes {_repeated(b)}, expected {together[what]}"
            checks.append(Check("structure", what, passed=False, note=note))
            continue
        if what.startswith("gradient") and first is not None and a.array.shape == first.array.shape:
            if _follows(reference, what) and not _follows(implementation, what):
                checks.append(Check("structure", what, passed=False, note="is not 0 where the output is"))
            axes = together["output 0"]
        else:
            axes = together[what] if what in together else _dropped_together(a)
        checks += _samples(what, _once(a.array, axes), _once(b.array, axes), a.dtype)
    return checks


def _repeated(value: Value) -> tuple[int, ...]:
    """Return the axes along which all elements are the same: each of their rows was drawn once, as by a noise shape."""
    array = value.array
    return tuple(i for i, size in enumerate(array.shape) if size > 1 and np.all(array == array.take([0], axis=i)))


def _dropped_together(value: Value) -> tuple[int, ...]:
    """Return the axes along which elements are 0 together, as inputs that dropout drops for a whole sequence."""
    zeros = value.array == 0
    return _repeated(Value.of(zeros)) if 0 < np.count_nonzero(zeros) < zeros.size else ()


def _once(array: Numbers, axes: tuple[int, ...]) -> Numbers:
    return array[tuple(0 if i in axes else slice(None) for i in range(array.ndim))].ravel().astype(np.float64)


def _follows(record: Record, gradient: str) -> bool:
    """Tell whether a gradient is 0 wherever the output is: what was dropped takes none. A few zeros may be chance."""
    dropped = record.values["output 0"].array == 0
    return bool(dropped.mean() > 0.01) and not np.any(record.values[gradient].array[dropped])


def _samples(what: str, a: Numbers, b: Numbers, dtype: str) -> list[Check]:
    """Compare two samples as a whole (Kolmogorov-Smirnov) and by mean, variance and share of zeros."""
    from scipy.special import kolmogorov, ndtri  # scipy.stats has them too, and takes a second to import

    # Where many values are the same, as what AlphaDropout drops, a last bit of difference must not count for all of them.
    slack = FLOOR_ULPS * EPSILON[dtype] * float(np.max(np.abs(a)))
    distance = max(_ahead(a, b, slack), _ahead(b, a, slack))
    probability = float(kolmogorov(distance * np.sqrt(a.size * b.size / (a.size + b.size))))
    passed = probability >= FALSE_ALARM
    note = "" if passed else f"is another distribution (Kolmogorov-Smirnov p = {probability:.1e})"
    checks = [Check("distribution", what, passed, distance, figure=distance, note=note)]
    for measure, x, y in (
        ("mean", a, b),
        ("variance", np.square(a - a.mean()), np.square(b - b.mean())),
        ("share of zeros", a == 0, b == 0),
    ):
        error = abs(float(x.mean() - y.mean()))
        allowed = float(-ndtri(FALSE_ALARM / 2) * np.sqrt(x.var() / x.size + y.var() / y.size)) + slack
        if not error <= allowed:
            means = float(x.mean()), float(y.mean())
            found = Check("distribution", f"{measure} of {what}", False, error, allowed, 0.0, (), *means)
            checks.append(found)
    return checks


def _ahead(a: Numbers, b: Numbers, slack: float) -> float:
    """Return by how much the share of `a` up to some value exceeds that of `b`, even if that may be larger by `slack`."""
    a, b = np.sort(a), np.sort(b)
    shares = np.arange(1, a.size + 1) / a.size - np.searchsorted(b, a + slack, side="right") / b.size
    return float(np.max(shares, initial=0.0))
