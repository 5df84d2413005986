"""Cases of the loss functions of two arrays of real numbers: one loss per sample, so that every element is seen.

The classes get the arrays of `VALUES` too.
"""

from collections.abc import Sequence
from dataclasses import replace

from parity.case import Array, Case, integers, mask, normal, one_hot, probabilities, uniform, values

INF, NAN = float("inf"), float("nan")
Shape = tuple[int, ...]

# Losses of two arrays of one shape: what fills the targets and the predictions.
FILLS: dict[str, tuple[Array, Array]] = {
    "mean_squared_error": (normal(), normal()),
    "mean_absolute_error": (normal(), normal()),
    "mean_absolute_percentage_error": (normal(), normal()),
    "mean_squared_logarithmic_error": (uniform(low=-0.5, high=3), uniform(low=-0.5, high=3)),
    "huber": (normal(), normal(scale=2)),
    "log_cosh": (normal(), normal(scale=2)),
    "cosine_similarity": (uniform(low=-0.5, high=1.5), uniform(low=-0.5, high=1.5)),
    "poisson": (uniform(high=3), uniform(low=0.1, high=3)),
    "kl_divergence": (probabilities(), probabilities()),
    "hinge": (one_hot(), normal()),
    "squared_hinge": (one_hot(), normal()),
    "categorical_hinge": (one_hot(), normal()),
    "binary_crossentropy": (one_hot(), uniform(low=0.02, high=0.98)),
    "binary_focal_crossentropy": (one_hot(), uniform(low=0.02, high=0.98)),
    "categorical_crossentropy": (one_hot(), probabilities()),
    "categorical_focal_crossentropy": (one_hot(), probabilities()),
    "dice": (one_hot(), uniform()),
    "tversky": (one_hot(), uniform()),
}
# Those that refuse shapes that only broadcast, and those that give or take an axis of 1 at the end, as all classes do.
EXACT_SHAPES = {"binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy"}
_MATCH_RANKS = {
    *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error"),
    *("huber", "log_cosh", "cosine_similarity"),
}
# One class, or a vector of one number: the gradient is zero but for rounding.
CONSTANT_OF_ONE = {"cosine_similarity", "categorical_focal_crossentropy"}


def pair(name: str, targets: Shape, predictions: Shape | None = None) -> list[Array]:
    """Return targets and predictions of these shapes, filled as the loss wants them."""
    fills, shapes = FILLS[name], (targets, targets if predictions is None else predictions)
    return [replace(fill, shape=shape) for fill, shape in zip(fills, shapes, strict=True)]


def function(name: str, inputs: Sequence[object], why: str = "", **config: object) -> Case:
    """Return a case of a loss function."""
    return Case(name, config, inputs, kind="loss_function", why=why)


def shapes(names: Sequence[str]) -> list[Case]:
    """Return what shapes do, the same for all losses of two arrays."""
    return [
        *(function(name, pair(name, (4, 5))) for name in names),
        *(
            function(name, pair(name, shape))
            for name in names
            for shape in ((3,), (2, 3, 5), (2, 3, 4, 5), (2, 3, 1, 4, 6))
        ),
        *(function(name, pair(name, (1, 1)), "one number") for name in names if name not in CONSTANT_OF_ONE),
        # TensorFlow takes no maximum of nothing at all.
        *(
            function(name, pair(name, shape), "empty batch")
            for name in names
            if name != "categorical_hinge"
            for shape in ((0, 5), (0, 3, 5))
        ),
        *(function(name, pair(name, (2, 0)), "nothing to average") for name in names if name != "categorical_hinge"),
        *(replace(function(name, pair(name, (2, 0))), raises=True) for name in names if name == "categorical_hinge"),
        *(
            replace(function(name, pair(name, *shapes), "shapes broadcast"), raises=name in EXACT_SHAPES)
            for name in names
            for shapes in (((4, 1), (4, 5)), ((4, 5), (1, 5)), ((5,), (4, 5)), ((2, 1, 3), (2, 3)))
            if name != "cosine_similarity" or shapes[0] != (4, 1)
        ),
        *(
            replace(function(name, pair(name, *shapes)), raises=True)
            for name in names
            for shapes in (((4, 5), (4, 3)), ((5, 4), (4, 5)), ((2, 3), (2, 3, 4)), ((2, 4, 3), (2, 3)))
        ),
        *(
            replace(function(name, pair(name, *shapes), "(N,) meets (N, 1)"), raises=name in EXACT_SHAPES)
            for name in names
            for shapes in (((4,), (4, 1)), ((4, 1), (4,)))
            if name not in CONSTANT_OF_ONE
        ),
        *(
            replace(function(name, pair(name, *shapes), "a last axis of 1"), raises=name not in _MATCH_RANKS)
            for name in names
            for shapes in (((2, 3), (2, 3, 1)), ((2, 3, 1), (2, 3)))
        ),
    ]


# Errors of exactly 0, 1, -1, 1/2, 50, -50 and -1000; infinities; labels that are not floats.
_ERRORS = [
    values([[0.0, -0.0, 1.0, -2.0, 3.0, 0.5, 20.0, -7.0]]),
    values([[0.0, 0.0, 2.0, -3.0, 3.5, 50.5, -30.0, -1007.0]]),
]
INFINITE = ((INF, 1.0), (-INF, 0.5), (NAN, 0.25), (INF, -INF), (NAN, NAN))
_NOT_FINITE = [values([[INF], [1.0], [-INF], [NAN], [2.0]]), values([[1.0], [INF], [-INF], [2.0], [NAN]])]
_LABELS = [integers(4, 5, low=-9, high=9), integers(4, 5, high=200, dtype="uint8"), mask(4, 5)]
_OF_ERRORS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
_REGRESSION = [
    *(function(name, _ERRORS) for name in _OF_ERRORS),
    *(function(name, _NOT_FINITE) for name in _OF_ERRORS),
    *(
        function(name, [normal(4, 5, scale=1e25), normal(4, 5, scale=1e25)], "squares overflow float32")
        for name in _OF_ERRORS
    ),
    *(
        function(name, [normal(4, 5, scale=1e-6), normal(4, 5, scale=1e-6)])
        for name in _OF_ERRORS
        if name != "log_cosh"
    ),
    *(function(name, [label, normal(4, 5)]) for name in _OF_ERRORS for label in _LABELS),
    function(
        "log_cosh", [values([[0.0], [0.0]]), values([[-10.25], [10.25]])], "torch's softplus is linear from 20 on"
    ),
    *(function("huber", _ERRORS, "errors of delta itself", delta=delta) for delta in (0.5, 50, 1000.0)),
    function("huber", pair("huber", (4, 5)), "not exact in any dtype", delta=0.1),
    function("huber", _ERRORS, "nothing is squared", delta=0.0),
    function("huber", _ERRORS, "nothing is squared", delta=-1.0),
    function(
        "mean_absolute_percentage_error",
        [values([[0.0, 1e-8, -1e-8, 1e-7, -2.0, 0.5, -0.0]]), values([[1.0, 2e-8, 1e-8, 3e-7, -2.0, -0.5, 0.0]])],
        "targets of 0 and below epsilon, no error at all",
    ),
    function("mean_absolute_percentage_error", _NOT_FINITE),
    function("mean_absolute_percentage_error", [integers(4, 5, low=1, high=9), normal(4, 5)]),
    function(
        "mean_squared_logarithmic_error",
        [values([[0.0, 1e-8, -0.5, -2.0, 1e6, 3.0]]), values([[1e-8, 0.5, -1.0, 3.0, 0.0, -1e6]])],
        "all below epsilon counts as epsilon",
    ),
    function("mean_squared_logarithmic_error", _NOT_FINITE),
    function("mean_squared_logarithmic_error", [integers(4, 5, high=9), uniform(4, 5, high=9)]),
    *(function("cosine_similarity", [(4, 5), (4, 5)], axis=axis) for axis in (0, 1, -2)),
    *(function("cosine_similarity", [(2, 3, 4, 5), (2, 3, 4, 5)], axis=axis) for axis in (0, 1, -2, 3)),
    function(
        "cosine_similarity", [values([[0.0, 0.0], [1.0, 2.0]]), values([[3.0, 1.0], [0.0, -0.0]])], "vectors of zeros"
    ),
    function("cosine_similarity", [values([[1e-9, 2e-9], [3e-8, -4e-8]]), (2, 2)], "norms below epsilon"),
    function("cosine_similarity", [normal(3, 5, scale=1e-6), normal(3, 5, scale=1e6)]),
    function("cosine_similarity", [integers(3, 5, low=-9, high=9), (3, 5)]),
    *(replace(function("cosine_similarity", [(4, 5), (4, 5)], axis=axis), raises=True) for axis in (2, -3)),
]

# Zeros, ones, what is clipped, negative and above 1.
_SHARES = [
    values([[0.0, 1.0, 0.5, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0, 0.0], [1e-9, 2.0, -0.25, 0.25, 1.0]]),
    values([[0.0, 0.0, 1.0, 0.5, -0.5], [0.0, 1.0, 2.0, 1e-9, 0.25], [0.25, 0.5, 0.25, 1.5, 1.0]]),
]
_DIVERGENCE = [
    function("kl_divergence", _SHARES, "clipped to [1e-7, 1]"),
    function("kl_divergence", [uniform(4, 5, high=0.9), uniform(4, 5, high=0.9)], "rows that don't sum to 1"),
    function("kl_divergence", [integers(4, 5, high=2), probabilities(4, 5)]),
    function("kl_divergence", _NOT_FINITE),
    function(
        "poisson", [values([[0.0, 2.0, 0.0, 1.0]]), values([[0.0, 0.0, 1.0, 1e-8]])], "epsilon keeps the log finite"
    ),
    function("poisson", [(4, 5), (4, 5)], "negative predictions are NaN"),
    function("poisson", [integers(4, 5, high=9), uniform(4, 5, low=0.1, high=9)]),
    function("poisson", _NOT_FINITE),
]

BINARY = [integers(4, 5, high=2), integers(4, 5, high=2, dtype="uint8"), mask(4, 5)]
_MARGINS = values([[1.0, -1.0, 1.0, -1.0, 0.5, -50.0], [1.0, 1.0, -1.0, 0.0, -0.0, 1e3]])
_HINGES = ("hinge", "squared_hinge")
_HINGE = [
    *(function(name, [label, (4, 5)], "0 and 1 mean -1 and 1") for name in _HINGES for label in BINARY),
    *(
        function(name, [values(targets), _MARGINS], why)
        for name in _HINGES
        for targets, why in (
            ([[1.0, -1.0, -1.0, 1.0, 1.0, 1.0], [-1.0, 1.0, 1.0, -1.0, 1.0, -1.0]], "exactly at the margin"),
            ([[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]], "0 and 1 in floats"),
            ([[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, -1.0, 1.0, 1.0]], "a single -1 keeps all zeros zeros"),
            ([[0.0] * 6, [0.0] * 6], "zeros alone are -1"),
            ([[1.0] * 6, [1.0] * 6], "ones alone are 1"),
            ([[2.0, -0.5, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.5, 3.0]], "any other targets"),
            ([[NAN, 0.0, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]], "NaN is neither 0 nor 1"),
        )
    ),
    *(function(name, _NOT_FINITE) for name in (*_HINGES, "categorical_hinge")),
    *(function("categorical_hinge", [label, (4, 5)]) for label in BINARY),
    function(
        "categorical_hinge",
        [
            values(
                [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
            ),
            values(
                [
                    [0.5, 1.5, 0.5],
                    [-1.0, -2.0, -3.0],
                    [1.0, 2.0, 3.0],
                    [1.0, 1.0, 0.0],
                    [0.5, 2.0, 1.0],
                    [9.0, -50.0, 1e3],
                ]
            ),
        ],
        "ties, the right class's own 0, a margin of exactly 1, no class and several",
    ),
    function("categorical_hinge", [(4, 5), (4, 5)], "targets that are no classes"),
]

_MAPS = [integers(2, 3, 4, high=2), uniform(2, 3, 4)]
_OVERLAP = [
    case
    for name in ("dice", "tversky")
    for case in (
        *(function(name, _MAPS, axis=axis) for axis in (0, -1, (1, 2), [0, 2], (0, 1, 2), None)),
        function(name, [mask(2, 3, 4, 1), uniform(2, 3, 4, 1)], axis=(1, 2, 3)),
        function(
            name, [values([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), values([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])], axis=-1
        ),
        function(name, [normal(3, 4), uniform(3, 4)], "targets that are no classes", axis=0),
        function(name, _NOT_FINITE, axis=-1),
        *(replace(function(name, _MAPS, axis=axis), raises=True) for axis in (3, (0, -4))),
    )
]
_TVERSKY = [
    *(
        function("tversky", [uniform(4, 5), uniform(4, 5)], alpha=a, beta=b)
        for a, b in ((0.3, 0.7), (0, 1), (1.0, 0.0), (2, 3.5))
    ),
    function("tversky", _MAPS, "alpha weighs what was missed", alpha=0.9, beta=0.1, axis=[1, 2]),
]

_HALF = [
    replace(function(name, inputs, "epsilon, squares and quotients at the ends of a narrow dtype"), dtype=dtype)
    for dtype in ("float16", "bfloat16")
    for name, inputs in (
        ("kl_divergence", _SHARES),
        ("poisson", [values([[0.0, 2.0, 0.0, 1.0]]), values([[0.0, 0.0, 1.0, 1e-8]])]),
        ("mean_absolute_percentage_error", [values([[0.0, 1e-8, 2.0]]), values([[1.0, 2e-8, 1.0]])]),
        (
            "cosine_similarity",
            [values([[0.0, 0.0], [3e-4, 0.0], [300.0, 400.0]]), values([[3.0, 1.0], [1.0, 1.0], [3.0, 1.0]])],
        ),
        ("dice", [values([[0.0, 0.0], [300.0, 400.0]]), values([[0.0, 0.0], [0.0, 1.0]])]),
        ("log_cosh", _ERRORS),
        ("huber", _ERRORS),
    )
]

VALUES = [*_REGRESSION, *_DIVERGENCE, *_HINGE, *_OVERLAP, *_TVERSKY, *_HALF]
CASES = [*shapes([name for name in FILLS if "crossentropy" not in name]), *VALUES]
