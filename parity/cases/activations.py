"""Cases of the activation functions."""

from collections.abc import Iterator, Mapping
from typing import Any

from parity.case import Case, each, integers, normal, values

# Where a function bends or a branch ends: 0, thresholds, the ends of clips.
KINKS = values([[0.0, -0.0, 0.25, -0.25, 0.5, -0.5, 1.0, -1.0], [1.5, -1.5, 3.0, -3.0, 6.0, -6.0, 2.0, -2.0]])
NEAR = values([[1e-30, -1e-30, 1e-12, -1e-12, 1e-5, -1e-5, 0.999, -0.999, 1.001, -1.001, 2.999, -2.999, 3.001, -3.001]])
# 0.75 keeps the largest gradient near 1: what is left of it where a function saturates is rounding.
LARGE = values([[50.0, -50.0, 20.5, -20.5, 39.5, -39.5, 0.75]])
HUGE = values([[1e4, -1e4, 7.0, -7.0, 0.75]])
INTEGERS = integers(3, 5, low=-9, high=9)
SHAPES = ((), (4,), (2, 3, 4), (2, 1, 3, 5), (0, 5))

# Each function of one element with values of its arguments.
ELEMENTWISE: dict[str, tuple[Mapping[str, Any], ...]] = {
    "linear": ({},),
    "relu": (
        {},
        {"negative_slope": 0.25},
        {"negative_slope": -0.5},
        {"max_value": 6},
        {"max_value": 6.0, "negative_slope": 0.25},
        {"max_value": 1.5},
        {"max_value": 0.0},
        {"threshold": 0.5},
        {"threshold": -0.5},
        {"threshold": 1.0, "max_value": 6},
        {"threshold": 1.5, "max_value": 1.0},
        {"threshold": 0.5, "negative_slope": 1.0},
        {"threshold": -1.0, "negative_slope": 0.25, "max_value": 2.0},
        {"threshold": 0.5, "negative_slope": 0.3, "max_value": 3.0},
    ),
    "leaky_relu": ({"negative_slope": 0.25}, {}, {"negative_slope": 1.5}, {"negative_slope": -0.5}),
    "relu6": ({},),
    "elu": ({}, {"alpha": 0.3}, {"alpha": 2.5}, {"alpha": 0.0}),
    "selu": ({},),
    "celu": ({}, {"alpha": 0.3}, {"alpha": 2.5}),
    "gelu": ({}, {"approximate": True}, {"approximate": False}),
    "silu": ({},),
    "swish": ({},),
    "mish": ({},),
    "exponential": ({},),
    "softplus": ({},),
    "softsign": ({},),
    "squareplus": ({}, {"b": 0.5}, {"b": 9}),
    "sigmoid": ({},),
    "log_sigmoid": ({},),
    "hard_sigmoid": ({},),
    "hard_silu": ({},),
    "hard_swish": ({},),
    "tanh": ({},),
    "hard_tanh": ({},),
    "tanh_shrink": ({},),
    "soft_shrink": ({}, {"threshold": 1.5}, {"threshold": 0.0}),
    "hard_shrink": ({}, {"threshold": 1.5}, {"threshold": 0.0}),
    "threshold": ({"threshold": 0.5, "default_value": -7.0}, {"threshold": -1.0, "default_value": 0.0}),
    "sparse_plus": ({},),
    "sparse_sigmoid": ({},),
}


def _elementwise() -> Iterator[Case]:
    for name, configs in ELEMENTWISE.items():
        first = configs[0]
        yield Case(name, first, [normal(7, 5, scale=3.0)], kind="activation")
        for config in configs:
            kinks = Case(name, config, [KINKS], kind="activation")
            yield from (kinks, *each([kinks], dtype="float16"), *each([kinks], dtype="bfloat16"))
            yield Case(name, config, [normal(3, 5, scale=2.0)], kind="activation")
            yield Case(name, config, [LARGE], kind="activation")
            yield Case(name, config, [HUGE], kind="activation")
        yield Case(name, first, [NEAR], kind="activation")
        yield from (Case(name, first, [shape], kind="activation") for shape in SHAPES)


# Functions along an axis.
_ROWS = values([[0.0, 0.0, 0.0, 0.0], [1.0, -1.0, 3.0, 1.0], [50.0, -50.0, 0.5, 49.5], [-1e4, 1e4, 2.0, 1e4]])
_FEW = values([[0.0, 0.0, -3.0], [0.25, 0.5, -0.25], [1.0, 0.0, -1.0], [1.5, 0.5, 0.5]])
_ALONG_AXES = [
    *(
        case
        for name in ("softmax", "log_softmax")
        for case in (
            Case(name, {}, [(7, 5)]),
            Case(name, {}, [_ROWS]),
            Case(name, {}, [(5,)]),
            Case(name, {"axis": 0}, [(4, 3)]),
            Case(name, {"axis": 1}, [(2, 3, 4)]),
            Case(name, {"axis": -2}, [(2, 1, 3, 5)], why="neither the last axis nor the first"),
            Case(name, {"axis": -1}, [(3, 1)], why="one element is 1"),
            Case(name, {}, [normal(3, 5, scale=300.0)], why="no overflow"),
            Case(name, {}, [(0, 5)]),
            Case(name, {"axis": 2}, [(3, 4)], raises=True),
        )
    ),
    Case("softmax", {"axis": None}, [(2, 3, 4)], why="over all axes"),
    Case("log_softmax", {"axis": None}, [(2, 3, 4)], why="over all axes"),
    Case("softmax", {"axis": (1, 2)}, [(2, 3, 4)]),
    Case("softmax", {"axis": (0, 2)}, [(2, 3, 4)], why="axes that are not neighbours"),
    Case("softmax", {"axis": (3, 1)}, [(2, 3, 4, 5)]),
    Case("softmax", {"axis": (1,)}, [(2, 3, 4)]),
    Case("sparsemax", {}, [(7, 5)]),
    Case("sparsemax", {}, [_FEW], why="ties, and one, two or three in the support"),
    Case("sparsemax", {}, [(6,)]),
    Case("sparsemax", {"axis": -1}, [normal(3, 5, scale=0.2)], why="many in the support: sums are not 1"),
    Case("sparsemax", {"axis": 1}, [(2, 3, 4)]),
    Case("sparsemax", {"axis": 0}, [(4, 3)]),
    Case("sparsemax", {"axis": -2}, [(2, 1, 3, 5)]),
    Case("sparsemax", {}, [(3, 1)]),
    Case("sparsemax", {}, [(0, 5)]),
    Case("glu", {}, [(7, 6)]),
    Case("glu", {}, [_ROWS]),
    Case("glu", {}, [(4,)]),
    Case("glu", {"axis": 1}, [(2, 6, 3)]),
    Case("glu", {"axis": 0}, [(4, 3)]),
    Case("glu", {"axis": -2}, [(2, 1, 4, 3)]),
    Case("glu", {}, [(0, 4)]),
    Case("glu", {}, [(2, 5)], raises=True, why="an odd size has no halves"),
    Case("glu", {"axis": 1}, [(2, 3, 4)], raises=True),
]

_OTHERS = [
    *(Case(name, {}, [INTEGERS]) for name in ("linear", "relu", "relu6", "leaky_relu")),
    Case("tanh", {}, [normal(257, 259, scale=3.0)], why="so large that another kernel takes it"),
    Case("relu", {"max_value": 3.5}, [INTEGERS], why="integers stay integers"),
    Case("relu", {"threshold": 2.5}, [INTEGERS]),
    Case("threshold", {}, [(2, 3)], raises=True),
]

CASES = [*_elementwise(), *each([*_ALONG_AXES, *_OTHERS], kind="activation")]
