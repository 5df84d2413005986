"""Cases of the loss functions: one loss per sample, so that every element is seen. Their classes get the same arrays."""

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
    "cosine_similarity": (normal(), normal()),
    "poisson": (uniform(high=3), uniform(low=0.1, high=3)),
    "kl_divergence": (probabilities(), probabilities()),
    "hinge": (one_hot(), normal()),
    "squared_hinge": (one_hot(), normal()),
    "categorical_hinge": (one_hot(), normal()),
    "binary_crossentropy": (one_hot(), uniform()),
    "binary_focal_crossentropy": (one_hot(), uniform()),
    "categorical_crossentropy": (one_hot(), probabilities()),
    "categorical_focal_crossentropy": (one_hot(), probabilities()),
    "dice": (one_hot(), uniform()),
    "tversky": (one_hot(), uniform()),
}
# Those that refuse two shapes that only broadcast, and those that give or take an axis of 1 at the end; a class does the
# latter for all of them.
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


def _f(name: str, inputs: Sequence[object], why: str = "", **config: object) -> Case:
    return Case(name, config, inputs, kind="loss_function", why=why)


_SHAPES = [
    *(_f(name, pair(name, (4, 5))) for name in FILLS),
    *(_f(name, pair(name, shape)) for name in FILLS for shape in ((3,), (2, 3, 5), (2, 3, 4, 5), (2, 3, 1, 4, 6))),
    *(_f(name, pair(name, (1, 1)), "one number") for name in FILLS if name not in CONSTANT_OF_ONE),
    # TensorFlow takes no maximum of nothing at all.
    *(_f(name, pair(name, shape), "empty batch") for name in FILLS if name != "categorical_hinge" for shape in ((0, 5), (0, 3, 5))),
    *(_f(name, pair(name, (2, 0)), "nothing to average") for name in FILLS if name != "categorical_hinge"),
    replace(_f("categorical_hinge", pair("categorical_hinge", (2, 0))), raises=True),
    *(
        replace(_f(name, pair(name, *shapes), "shapes broadcast"), raises=name in EXACT_SHAPES)
        for name in FILLS
        for shapes in (((4, 1), (4, 5)), ((4, 5), (1, 5)), ((5,), (4, 5)), ((2, 1, 3), (2, 3)))
        if name != "cosine_similarity" or shapes[0] != (4, 1)
    ),
    *(
        replace(_f(name, pair(name, *shapes)), raises=True)
        for name in FILLS
        for shapes in (((4, 5), (4, 3)), ((5, 4), (4, 5)), ((2, 3), (2, 3, 4)), ((2, 4, 3), (2, 3)))
    ),
    *(
        replace(_f(name, pair(name, *shapes), "(N,) meets (N, 1)"), raises=name in EXACT_SHAPES)
        for name in FILLS
        for shapes in (((4,), (4, 1)), ((4, 1), (4,)))
        if name not in CONSTANT_OF_ONE
    ),
    *(
        replace(_f(name, pair(name, *shapes), "a last axis of 1"), raises=name not in _MATCH_RANKS)
        for name in FILLS
        for shapes in (((2, 3), (2, 3, 1)), ((2, 3, 1), (2, 3)))
    ),
]

# Errors of exactly 0, 1, -1, 1/2, 50, -50 and -1000; infinities; labels that are not floats.
_ERRORS = [
    values([[0.0, -0.0, 1.0, -2.0, 3.0, 0.5, 20.0, -7.0]]),
    values([[0.0, 0.0, 2.0, -3.0, 3.5, 50.5, -30.0, -1007.0]]),
]
_INFINITE = ((INF, 1.0), (-INF, 0.5), (NAN, 0.25), (INF, -INF), (NAN, NAN))
_NOT_FINITE = [values([[INF], [1.0], [-INF], [NAN], [2.0]]), values([[1.0], [INF], [-INF], [2.0], [NAN]])]
_LABELS = [integers(4, 5, low=-9, high=9), integers(4, 5, high=200, dtype="uint8"), mask(4, 5)]
_OF_ERRORS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
_REGRESSION = [
    *(_f(name, _ERRORS) for name in _OF_ERRORS),
    *(_f(name, _NOT_FINITE) for name in _OF_ERRORS),
    *(_f(name, [normal(4, 5, scale=1e25), normal(4, 5, scale=1e25)], "squares overflow float32") for name in _OF_ERRORS),
    *(_f(name, [normal(4, 5, scale=1e-6), normal(4, 5, scale=1e-6)]) for name in _OF_ERRORS if name != "log_cosh"),
    *(_f(name, [label, normal(4, 5)]) for name in _OF_ERRORS for label in _LABELS),
    *(_f("huber", _ERRORS, "errors of delta itself", delta=delta) for delta in (0.5, 50, 1000.0)),
    _f("huber", pair("huber", (4, 5)), "not exact in any dtype", delta=0.1),
    _f("huber", _ERRORS, "nothing is squared", delta=0.0),
    _f("huber", _ERRORS, "nothing is squared", delta=-1.0),
    _f(
        "mean_absolute_percentage_error",
        [values([[0.0, 1e-8, -1e-8, 1e-7, -2.0, 0.5, -0.0]]), values([[1.0, 2e-8, 1e-8, 3e-7, -2.0, -0.5, 0.0]])],
        "targets of 0 and below epsilon, no error at all",
    ),
    _f("mean_absolute_percentage_error", _NOT_FINITE),
    _f("mean_absolute_percentage_error", [integers(4, 5, low=1, high=9), normal(4, 5)]),
    _f(
        "mean_squared_logarithmic_error",
        [values([[0.0, 1e-8, -0.5, -2.0, 1e6, 3.0]]), values([[1e-8, 0.5, -1.0, 3.0, 0.0, -1e6]])],
        "all below epsilon counts as epsilon",
    ),
    _f("mean_squared_logarithmic_error", _NOT_FINITE),
    _f("mean_squared_logarithmic_error", [integers(4, 5, high=9), uniform(4, 5, high=9)]),
    *(_f("cosine_similarity", [(4, 5), (4, 5)], axis=axis) for axis in (0, 1, -2)),
    *(_f("cosine_similarity", [(2, 3, 4, 5), (2, 3, 4, 5)], axis=axis) for axis in (0, 1, -2, 3)),
    _f("cosine_similarity", [values([[0.0, 0.0], [1.0, 2.0]]), values([[3.0, 1.0], [0.0, -0.0]])], "vectors of zeros"),
    _f("cosine_similarity", [values([[1e-9, 2e-9], [3e-8, -4e-8]]), (2, 2)], "norms below epsilon"),
    _f("cosine_similarity", [normal(3, 5, scale=1e-6), normal(3, 5, scale=1e6)]),
    _f("cosine_similarity", [integers(3, 5, low=-9, high=9), (3, 5)]),
    *(replace(_f("cosine_similarity", [(4, 5), (4, 5)], axis=axis), raises=True) for axis in (2, -3)),
]

# Zeros, ones, what is clipped, negative and above 1.
_SHARES = [
    values([[0.0, 1.0, 0.5, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0, 0.0], [1e-9, 2.0, -0.25, 0.25, 1.0]]),
    values([[0.0, 0.0, 1.0, 0.5, -0.5], [0.0, 1.0, 2.0, 1e-9, 0.25], [0.25, 0.5, 0.25, 1.5, 1.0]]),
]
_DIVERGENCE = [
    _f("kl_divergence", _SHARES, "clipped to [1e-7, 1]"),
    _f("kl_divergence", [uniform(4, 5, high=0.9), uniform(4, 5, high=0.9)], "rows that don't sum to 1"),
    _f("kl_divergence", [integers(4, 5, high=2), probabilities(4, 5)]),
    _f("kl_divergence", _NOT_FINITE),
    _f("poisson", [values([[0.0, 2.0, 0.0, 1.0]]), values([[0.0, 0.0, 1.0, 1e-8]])], "epsilon keeps the log finite"),
    _f("poisson", [(4, 5), (4, 5)], "negative predictions are NaN"),
    _f("poisson", [integers(4, 5, high=9), uniform(4, 5, low=0.1, high=9)]),
    _f("poisson", _NOT_FINITE),
]

_BINARY = [integers(4, 5, high=2), integers(4, 5, high=2, dtype="uint8"), mask(4, 5)]
_MARGINS = values([[1.0, -1.0, 1.0, -1.0, 0.5, -50.0], [1.0, 1.0, -1.0, 0.0, -0.0, 1e3]])
_HINGES = ("hinge", "squared_hinge")
_HINGE = [
    *(_f(name, [label, (4, 5)], "0 and 1 mean -1 and 1") for name in _HINGES for label in _BINARY),
    *(
        _f(name, [values(targets), _MARGINS], why)
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
    *(_f(name, _NOT_FINITE) for name in (*_HINGES, "categorical_hinge")),
    *(_f("categorical_hinge", [label, (4, 5)]) for label in _BINARY),
    _f(
        "categorical_hinge",
        [
            values([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]),
            values([[0.5, 1.5, 0.5], [-1.0, -2.0, -3.0], [1.0, 2.0, 3.0], [1.0, 1.0, 0.0], [0.5, 2.0, 1.0], [9.0, -50.0, 1e3]]),
        ],
        "ties, the right class's own 0, a margin of exactly 1, no class and several",
    ),
    _f("categorical_hinge", [(4, 5), (4, 5)], "targets that are no classes"),
]

# Probabilities at both ends, at the clip, beyond 0 and 1; logits up to what overflows an exponential.
_ENDS = values([[0.0, 1.0, 1e-7, 0.5], [1.0, 0.0, 0.75, 0.9999999], [-0.1, 1.1, -0.0, 0.25], [0.0, 1.0, 0.0, 1.0]])
_YES_NO = values([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.25, 0.75]])
_LOGITS = values([[50.0, -50.0, 1e3, -1e3], [50.0, -50.0, 1e3, -1e3], [0.0, -0.0, 20.0, -20.0], [1e3, -1e3, 3.0, -3.0]])
_BCE, _FOCAL = "binary_crossentropy", "binary_focal_crossentropy"
_BINARY_CROSSENTROPIES = [
    case
    for name in (_BCE, _FOCAL)
    for case in (
        _f(name, [_YES_NO, _ENDS]),
        _f(name, [one_hot(4, 5), (4, 5)], from_logits=True),
        _f(name, [_YES_NO, _LOGITS], from_logits=True),
        *(_f(name, [one_hot(5, 2), values(_INFINITE)], from_logits=logits) for logits in (False, True)),
        *(_f(name, [label, uniform(4, 5)]) for label in _BINARY),
        _f(name, [uniform(4, 5), uniform(4, 5)], "soft labels"),
        _f(name, [uniform(4, 5), (4, 5)], "soft labels", from_logits=True),
        _f(name, [normal(4, 5, scale=2), uniform(4, 5)], "labels beyond 0 and 1"),
        _f(name, [normal(4, 5, scale=2), (4, 5)], from_logits=True),
        *(_f(name, [one_hot(4, 5), uniform(4, 5)], label_smoothing=amount) for amount in (0.1, 1.0, 1)),
        _f(name, [mask(4, 5), uniform(4, 5)], label_smoothing=0.2),
        _f(name, [one_hot(4, 5), (4, 5)], label_smoothing=0.3, from_logits=True),
        *(_f(name, [one_hot(2, 3, 4), uniform(2, 3, 4)], axis=axis) for axis in (0, 1, -2, 2, (0, 2), [1, 2], None)),
        *(replace(_f(name, [one_hot(4, 5), uniform(4, 5)], axis=axis), raises=True) for axis in (2, -3)),
    )
]
_BINARY_FOCAL = [
    *(_f(_FOCAL, [one_hot(4, 5), uniform(4, 5)], gamma=gamma) for gamma in (0.0, 1, 0.5, 3.5)),
    *(_f(_FOCAL, [_YES_NO, _ENDS], "powers of 0 and of negative numbers", gamma=gamma) for gamma in (0.0, 1.0, 0.5, 3)),
    _f(_FOCAL, [one_hot(4, 5), uniform(4, 5)], "without balancing alpha does nothing", alpha=0.9),
    *(_f(_FOCAL, [one_hot(4, 5), uniform(4, 5)], apply_class_balancing=True, alpha=alpha) for alpha in (0.25, 0.9, 0, 1.5)),
    _f(_FOCAL, [uniform(4, 5), (4, 5)], apply_class_balancing=True, from_logits=True, label_smoothing=0.1, gamma=1.5, alpha=0.6),
]

_CLASSES = values([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
_UNUSUAL = [
    _CLASSES,
    values([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 4.0, 5.0], [-1.0, 0.5, 1.0], [1e-9, 2e-9, 1.0]]),
]
_ZEROS = [_CLASSES, values([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [0.0, 0.0, -0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 1.0]])]
_CLASS_LOGITS = [
    _CLASSES,
    values([[50.0, -50.0, 0.0], [1e3, -1e3, 0.0], [-1e3, -1e3, 1e3], [20.0, 20.0, 20.0], [-50.0, 50.0, 0.0]]),
]
_CCE, _CFOCAL = "categorical_crossentropy", "categorical_focal_crossentropy"
_CATEGORICAL_CROSSENTROPIES = [
    case
    for name in (_CCE, _CFOCAL)
    for case in (
        _f(name, _UNUSUAL, "ones, zeros, rows that sum to other than 1, negative ones"),
        _f(name, _ZEROS, "rows of zeros, and such as cancel, divide by 0"),
        _f(name, [one_hot(4, 5), (4, 5)], from_logits=True),
        _f(name, _CLASS_LOGITS, from_logits=True),
        *(_f(name, [one_hot(5, 2), values(_INFINITE)], from_logits=logits) for logits in (False, True)),
        _f(name, [one_hot(5, 1), uniform(5, 1)], "one class"),
        _f(name, [integers(4, 5, high=2), probabilities(4, 5)], "several classes and none"),
        _f(name, [integers(4, 5, high=2), (4, 5)], "TensorFlow's gradient takes labels to sum to 1", from_logits=True),
        _f(name, [mask(4, 5), probabilities(4, 5)]),
        _f(name, [probabilities(4, 5), probabilities(4, 5)], "soft labels"),
        _f(name, [normal(4, 5), uniform(4, 5, low=0.1)], "labels that are no distribution, rows that sum to 3"),
        _f(name, [normal(4, 5), (4, 5)], from_logits=True),
        *(_f(name, [one_hot(4, 5), probabilities(4, 5)], label_smoothing=amount) for amount in (0.1, 1.0, 1)),
        _f(name, [one_hot(4, 5), (4, 5)], label_smoothing=0.3, from_logits=True),
        *(
            _f(name, [one_hot(2, 3, 4, axis=axis), uniform(2, 3, 4, low=0.1)], axis=axis)
            for axis in (0, 1, -2, 2)
        ),
        _f(name, [one_hot(2, 3, 4, axis=1), (2, 3, 4)], axis=1, from_logits=True),
        _f(
            name,
            [one_hot(2, 3, 4, axis=1), uniform(2, 3, 4, low=0.1)],
            "the classes are counted on the last axis whatever axis says",
            axis=1,
            label_smoothing=0.2,
        ),
        *(replace(_f(name, [one_hot(4, 5), probabilities(4, 5)], axis=axis), raises=True) for axis in (2, -3, True)),
    )
]
_CATEGORICAL_FOCAL = [
    *(_f(_CFOCAL, [one_hot(4, 5), probabilities(4, 5)], gamma=gamma) for gamma in (0.0, 1, 0.5, 3.5)),
    *(_f(_CFOCAL, _UNUSUAL, gamma=gamma) for gamma in (0.0, 0.5)),
    *(_f(_CFOCAL, [one_hot(4, 3), probabilities(4, 3)], alpha=alpha) for alpha in (1, 0.6, [0.125, 0.5, 0.75])),
    _f(_CFOCAL, [one_hot(2, 3, 4, axis=1), (2, 3, 4)], axis=1, from_logits=True, gamma=1.5, alpha=[0.125, 0.25, 0.5, 2.0]),
]

_SCE = "sparse_categorical_crossentropy"
_IDS = values([1, 0, 2, 1, 2], "int32")
_SPARSE = [
    _f(_SCE, [integers(4, high=5), probabilities(4, 5)]),
    _f(_SCE, [integers(4, 1, high=5), probabilities(4, 5)], "(N, 1) is (N,)"),
    _f(_SCE, [integers(high=5), probabilities(5)], "no batch axis"),
    *(_f(_SCE, [integers(4, high=5, dtype=d), probabilities(4, 5)]) for d in ("int64", "uint8", "int8", "float32")),
    _f(_SCE, [mask(4), probabilities(4, 2)]),
    _f(_SCE, [values([0.9, 1.5, 2.0]), probabilities(3, 4)], "class ids are cut to integers"),
    _f(_SCE, [integers(2, 3, high=5), probabilities(2, 3, 5)]),
    _f(_SCE, [integers(2, 3, 1, high=5), probabilities(2, 3, 5)]),
    _f(_SCE, [integers(2, 3, 4, high=6), probabilities(2, 3, 4, 6)]),
    _f(_SCE, [integers(2, 1, 3, 4, high=6), probabilities(2, 1, 3, 4, 6)]),
    _f(_SCE, [integers(1, high=1), probabilities(1, 1)], "one class, one sample"),
    _f(_SCE, [integers(0, high=5), probabilities(0, 5)], "empty batch"),
    _f(_SCE, [integers(0, 3, high=5), probabilities(0, 3, 5)]),
    _f(_SCE, [_IDS, _UNUSUAL[1]], "clipped first, then divided by the sum"),
    _f(_SCE, [_IDS, _ZEROS[1]]),
    _f(_SCE, [integers(4, high=5), (4, 5)], from_logits=True),
    _f(_SCE, [integers(2, 3, high=5), (2, 3, 5)], from_logits=True),
    _f(_SCE, [integers(4, 1, high=5, dtype="int64"), (4, 5)], from_logits=True),
    _f(_SCE, [_IDS, _CLASS_LOGITS[1]], from_logits=True),
    _f(_SCE, [values([0, 1, 0], "int32"), values(_INFINITE[:3])], from_logits=True),
    _f(_SCE, [integers(4, high=5), probabilities(4, 5)], axis=1),
    _f(_SCE, [integers(2, 3, high=5), (2, 3, 5)], axis=2, from_logits=True),
    _f(_SCE, [values([0, 1, 2, 2, -1], "int32"), probabilities(5, 3)], ignore_class=-1),
    *(_f(_SCE, [values([0, 1, 2, 2, 1], "int32"), probabilities(5, 3)], ignore_class=c) for c in (0, 1, 2, 7)),
    _f(_SCE, [values([0, 255, 2, 255], "uint8"), (4, 3)], "a class that isn't there", ignore_class=255, from_logits=True),
    _f(_SCE, [values([0, -100, 2, 1]), (4, 3)], "float labels", ignore_class=-100, from_logits=True),
    _f(_SCE, [values([[0, 1, -1], [-1, -1, 2]], "int64"), probabilities(2, 3, 4)], ignore_class=-1),
    _f(_SCE, [values([[[0], [1], [-1]], [[-1], [-1], [2]]], "int32"), (2, 3, 4)], ignore_class=-1, from_logits=True),
    _f(_SCE, [values([-1, -1, -1], "int32"), probabilities(3, 4)], "all are ignored", ignore_class=-1),
    _f(_SCE, [values([-1, 0], "int32"), values([[NAN, 1.0], [INF, 1.0]])], "nothing of it is seen", ignore_class=-1),
    *(
        replace(_f(_SCE, inputs, why, **config), raises=True)
        for inputs, why, config in (
            ([values([0, 5], "int32"), probabilities(2, 5)], "no such class", {}),
            ([values([0, 5], "int32"), (2, 5)], "no such class", {"from_logits": True}),
            ([values([0, -1], "int32"), probabilities(2, 5)], "no such class", {}),
            ([integers(3, high=5), probabilities(4, 5)], "", {}),
            ([integers(4, 2, high=5), probabilities(4, 5)], "", {}),
            ([one_hot(4, 5), probabilities(4, 5)], "one-hot labels", {}),
            ([integers(4, high=5), probabilities(4, 5)], "", {"axis": 2}),
        )
    ),
]

_CGCE = "categorical_generalized_cross_entropy"
_GENERALIZED = [
    _f(_CGCE, [integers(4, high=5), probabilities(4, 5)], q=0.5),
    *(_f(_CGCE, [integers(4, high=5), probabilities(4, 5)], q=q) for q in (0.01, 0.3, 0.99)),
    *(_f(_CGCE, [integers(4, high=5), probabilities(4, 5)], "beyond what the class takes", q=q) for q in (1, 2.5, -0.5)),
    *(_f(_CGCE, [integers(4, high=5, dtype=d), probabilities(4, 5)], q=0.7) for d in ("int64", "uint8", "float32")),
    _f(_CGCE, [integers(2, 3, high=5), probabilities(2, 3, 5)], q=0.7),
    _f(_CGCE, [integers(2, 1, 3, 4, high=6), probabilities(2, 1, 3, 4, 6)], q=0.7),
    _f(_CGCE, [integers(0, high=5), probabilities(0, 5)], q=0.7),
    _f(_CGCE, [integers(1, high=1), probabilities(1, 1)], q=0.7),
    _f(_CGCE, [values([0, 1, 2], "int32"), values([[1.0, 0.0, 0.0], [0.5, 0.25, 2.0], [1.0, 0.5, -0.5]])], q=0.7),
    _f(_CGCE, [values([1, 0], "int32"), values([[1.0, 0.0], [0.0, 1.0]])], "the root of 0 has no slope", q=0.5),
    _f(_CGCE, [values([-1, 7, 1], "int32"), probabilities(3, 5)], "classes that aren't there have probability 0", q=0.5),
]

_TRIANGLE = values([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8], [-1.0, 0.0], [0.0, -1.0]])
_NEAR = [integers(6, high=3), normal(6, 4, scale=0.4)]
_CIRCLE = [
    _f("circle", _NEAR),
    _f("circle", [integers(6, 1, high=3), normal(6, 4, scale=0.4)], "(N, 1) is (N,)"),
    *(_f("circle", [integers(6, high=3, dtype=d), normal(6, 4, scale=0.4)]) for d in ("int64", "uint8", "float32")),
    _f("circle", [values([0.2, 0.9, 1.0, 1.9]), normal(4, 3, scale=0.4)], "labels are cut to integers"),
    *(_f("circle", _NEAR, remove_diagonal=remove) for remove in (True, False)),
    *(_f("circle", _NEAR, gamma=gamma) for gamma in (1, 0.0, 256.0)),
    *(_f("circle", _NEAR, margin=margin) for margin in (0.0, 0.25, 1.5, -0.5)),
    _f("circle", [values([0, 0, 1, 0, 1], "int32"), _TRIANGLE], "equal, opposite and right-angled vectors"),
    _f("circle", [values([0, 0, 1, 0, 1], "int32"), _TRIANGLE], remove_diagonal=False),
    _f("circle", [values([0, 0, 0, 0, 0], "int32"), _TRIANGLE], "without negatives the loss is 0"),
    _f("circle", [values([0, 1, 2, 3, 4], "int32"), _TRIANGLE], "without positives the loss is 0"),
    _f("circle", [values([0, 0, 1], "int32"), values([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])], "vectors of zeros"),
    _f("circle", [values([0, 0, 1], "int32"), normal(3, 2, scale=5)], "not of unit length"),
    _f("circle", [values([3], "int32"), (1, 4)], "alone"),
    _f("circle", [integers(0, high=3), (0, 4)]),
    *(
        replace(_f("circle", _NEAR, why, remove_diagonal=remove), call=call)
        for remove in (True, False)
        for why, call in (
            ("other references", {"ref_labels": integers(4, high=3), "ref_embeddings": normal(4, 4, scale=0.4)}),
            ("more references", {"ref_labels": integers(9, 1, high=3), "ref_embeddings": normal(9, 4, scale=0.4)}),
            ("other embeddings of the same labels", {"ref_embeddings": normal(6, 4, scale=0.4)}),
            ("other labels of the same embeddings", {"ref_labels": integers(6, high=3, dtype="int64")}),
        )
    ),
    replace(_f("circle", _NEAR), call={"ref_embeddings": normal(6, 3)}, raises=True),
    replace(_f("circle", [integers(5, high=3), (6, 4)]), raises=True),
]

_SPELLED = values([[1, 2, 3, 0], [2, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 3, 1, 3]], "int32")
_CTC = [
    _f("ctc", [_SPELLED, (5, 9, 5)], "full, repeated, short and empty targets"),
    *(_f("ctc", [replace(_SPELLED, dtype=d), (5, 9, 5)]) for d in ("int64", "uint8", "float32")),
    _f("ctc", [_SPELLED, normal(5, 6, 4, scale=20)], "confident logits"),
    _f("ctc", [_SPELLED, normal(5, 40, 6, scale=1)], "many frames"),
    _f("ctc", [values([[1, 2, 3]], "int32"), (1, 3, 4)], "one frame for each label"),
    _f("ctc", [values([[2, 2]], "int32"), (1, 3, 4)], "a blank between equal labels"),
    _f("ctc", [values([[1]], "int32"), (1, 1, 2)], "one of everything"),
    _f("ctc", [values([[1, 2, 3], [1, 1, 0]], "int32"), (2, 2, 5)], "targets that don't fit their frames"),
    _f("ctc", [values([[0, 1, 2], [1, 0, 2]], "int32"), (2, 6, 4)], "a blank before or between the labels"),
    _f("ctc", [values([[1, 9, 2], [-1, 2, 0]], "int32"), (2, 6, 4)], "labels that are no classes"),
    _f("ctc", [integers(3, 4, low=1, high=3), (3, 12, 7)], "classes that no target names"),
    *(
        replace(_f("ctc", inputs, why), raises=True)
        for inputs, why in (
            ([integers(4, high=3), (4, 6, 5)], "targets of rank 1"),
            ([integers(4, 3, high=3), (4, 6)], "predictions of rank 2"),
            ([integers(4, 3, 1, high=3), (4, 6, 5)], "targets of rank 3"),
        )
    ),
]

_MAPS = [integers(2, 3, 4, high=2), uniform(2, 3, 4)]
_OVERLAP = [
    case
    for name in ("dice", "tversky")
    for case in (
        *(_f(name, _MAPS, axis=axis) for axis in (0, -1, (1, 2), [0, 2], (0, 1, 2), None)),
        _f(name, [mask(2, 3, 4, 1), uniform(2, 3, 4, 1)], axis=(1, 2, 3)),
        _f(name, [values([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), values([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])], axis=-1),
        _f(name, [normal(3, 4), uniform(3, 4)], "targets that are no classes", axis=0),
        _f(name, _NOT_FINITE, axis=-1),
        *(replace(_f(name, _MAPS, axis=axis), raises=True) for axis in (3, (0, -4))),
    )
]
_TVERSKY = [
    *(_f("tversky", [uniform(4, 5), uniform(4, 5)], alpha=a, beta=b) for a, b in ((0.3, 0.7), (0, 1), (1.0, 0.0), (2, 3.5))),
    _f("tversky", _MAPS, "alpha weighs what was missed", alpha=0.9, beta=0.1, axis=[1, 2]),
]

VALUES = [
    *_REGRESSION,
    *_DIVERGENCE,
    *_HINGE,
    *_BINARY_CROSSENTROPIES,
    *_BINARY_FOCAL,
    *_CATEGORICAL_CROSSENTROPIES,
    *_CATEGORICAL_FOCAL,
    *_SPARSE,
    *_GENERALIZED,
    *_CIRCLE,
    *_CTC,
    *_OVERLAP,
    *_TVERSKY,
]
CASES = [*_SHAPES, *VALUES]
