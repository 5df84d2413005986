"""Cases of the cross-entropy functions of two arrays."""

from dataclasses import replace

from parity.case import integers, mask, normal, one_hot, probabilities, uniform, values
from parity.cases.loss_functions import BINARY, FILLS, INFINITE, function, shapes

_SOME = values([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
# Probabilities at both ends, at the clip, beyond 0 and 1; logits up to what overflows an exponential.
_ENDS = values([[0.0, 1.0, 1e-7, 0.5], [1.0, 0.0, 0.75, 0.9999999], [-0.1, 1.1, -0.0, 0.25], [0.0, 1.0, 0.0, 1.0]])
_YES_NO = values([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.25, 0.75]])
_LOGITS = values([[50.0, -50.0, 1e3, -1e3], [50.0, -50.0, 1e3, -1e3], [0.0, -0.0, 20.0, -20.0], [1e3, -1e3, 3.0, -3.0]])
_BCE, _FOCAL = "binary_crossentropy", "binary_focal_crossentropy"
_BINARY_CROSSENTROPIES = [
    case
    for name in (_BCE, _FOCAL)
    for case in (
        function(name, [_YES_NO, _ENDS]),
        function(name, [one_hot(4, 5), (4, 5)], from_logits=True),
        function(name, [_YES_NO, _LOGITS], from_logits=True),
        *(function(name, [_SOME, values(INFINITE)], from_logits=logits) for logits in (False, True)),
        *(function(name, [label, uniform(4, 5)]) for label in BINARY),
        function(name, [uniform(4, 5), uniform(4, 5)], "soft labels"),
        function(name, [uniform(4, 5), (4, 5)], "soft labels", from_logits=True),
        function(name, [normal(4, 5, scale=2), uniform(4, 5)], "labels beyond 0 and 1"),
        function(name, [normal(4, 5, scale=2), (4, 5)], from_logits=True),
        *(function(name, [one_hot(4, 5), uniform(4, 5)], label_smoothing=amount) for amount in (0.1, 1.0, 1)),
        function(name, [mask(4, 5), uniform(4, 5)], label_smoothing=0.2),
        function(name, [one_hot(4, 5), (4, 5)], label_smoothing=0.3, from_logits=True),
        *(
            function(name, [one_hot(2, 3, 4), uniform(2, 3, 4)], axis=axis)
            for axis in (0, 1, -2, 2, (0, 2), [1, 2], None)
        ),
        *(replace(function(name, [one_hot(4, 5), uniform(4, 5)], axis=axis), raises=True) for axis in (2, -3)),
    )
]
_BINARY_FOCAL = [
    *(function(_FOCAL, [one_hot(4, 5), uniform(4, 5)], gamma=gamma) for gamma in (0.0, 1, 0.5, 3.5)),
    *(
        function(_FOCAL, [_YES_NO, _ENDS], "powers of 0 and of negative numbers", gamma=gamma)
        for gamma in (0.0, 1.0, 0.5, 3)
    ),
    function(_FOCAL, [one_hot(4, 5), uniform(4, 5)], "without balancing alpha does nothing", alpha=0.9),
    *(
        function(_FOCAL, [one_hot(4, 5), uniform(4, 5)], apply_class_balancing=True, alpha=alpha)
        for alpha in (0.25, 0.9, 0, 1.5)
    ),
    function(
        _FOCAL,
        [uniform(4, 5), (4, 5)],
        apply_class_balancing=True,
        from_logits=True,
        label_smoothing=0.1,
        gamma=1.5,
        alpha=0.6,
    ),
]

_CLASSES = values([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
UNUSUAL = [
    _CLASSES,
    values([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 4.0, 5.0], [-1.0, 0.5, 1.0], [1e-9, 2e-9, 1.0]]),
]
ZEROS = [_CLASSES, values([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [0.0, 0.0, -0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 1.0]])]
CLASS_LOGITS = [
    _CLASSES,
    values([[50.0, -50.0, 0.0], [1e3, -1e3, 0.0], [-1e3, -1e3, 1e3], [20.0, 20.0, 20.0], [-50.0, 50.0, 0.0]]),
]
_CCE, _CFOCAL = "categorical_crossentropy", "categorical_focal_crossentropy"
_CATEGORICAL_CROSSENTROPIES = [
    case
    for name in (_CCE, _CFOCAL)
    for case in (
        function(name, UNUSUAL, "ones, zeros, rows that sum to other than 1, negative ones"),
        function(name, ZEROS, "rows of zeros, and such as cancel, divide by 0"),
        function(name, [one_hot(4, 5), (4, 5)], from_logits=True),
        function(name, CLASS_LOGITS, from_logits=True),
        *(function(name, [one_hot(5, 2), values(INFINITE)], from_logits=logits) for logits in (False, True)),
        function(name, [one_hot(5, 1), uniform(5, 1)], "one class"),
        function(name, [integers(4, 5, high=2), probabilities(4, 5)], "several classes and none"),
        function(
            name, [integers(4, 5, high=2), (4, 5)], "TensorFlow's gradient takes labels to sum to 1", from_logits=True
        ),
        function(name, [mask(4, 5), probabilities(4, 5)]),
        function(name, [probabilities(4, 5), probabilities(4, 5)], "soft labels"),
        function(name, [normal(4, 5), uniform(4, 5, low=0.1)], "labels that are no distribution, rows that sum to 3"),
        function(name, [normal(4, 5), (4, 5)], from_logits=True),
        *(function(name, [one_hot(4, 5), probabilities(4, 5)], label_smoothing=amount) for amount in (0.1, 1.0, 1)),
        function(name, [one_hot(4, 5), (4, 5)], label_smoothing=0.3, from_logits=True),
        *(
            function(name, [one_hot(2, 3, 4, axis=axis), uniform(2, 3, 4, low=0.1)], axis=axis)
            for axis in (0, 1, -2, 2)
        ),
        function(name, [one_hot(2, 3, 4, axis=1), (2, 3, 4)], axis=1, from_logits=True),
        function(
            name,
            [one_hot(2, 3, 4, axis=1), uniform(2, 3, 4, low=0.1)],
            "the classes are counted on the last axis whatever axis says",
            axis=1,
            label_smoothing=0.2,
        ),
        *(
            replace(function(name, [one_hot(4, 5), probabilities(4, 5)], axis=axis), raises=True)
            for axis in (2, -3, True)
        ),
    )
]
_CATEGORICAL_FOCAL = [
    *(function(_CFOCAL, [one_hot(4, 5), probabilities(4, 5)], gamma=gamma) for gamma in (0.0, 1, 0.5, 3.5)),
    *(function(_CFOCAL, UNUSUAL, gamma=gamma) for gamma in (0.0, 0.5)),
    *(function(_CFOCAL, [one_hot(4, 3), probabilities(4, 3)], alpha=alpha) for alpha in (1, 0.6, [0.125, 0.5, 0.75])),
    function(
        _CFOCAL,
        [one_hot(2, 3, 4, axis=1), (2, 3, 4)],
        axis=1,
        from_logits=True,
        gamma=1.5,
        alpha=[0.125, 0.25, 0.5, 2.0],
    ),
]

_HALF = [
    replace(function(name, inputs, "half precision knows no 1 - 1e-7"), dtype=dtype)
    for dtype in ("float16", "bfloat16")
    for name, inputs in (
        *((name, [_YES_NO, _ENDS]) for name in (_BCE, _FOCAL)),
        *((name, UNUSUAL) for name in (_CCE, _CFOCAL)),
    )
]

VALUES = [*_BINARY_CROSSENTROPIES, *_BINARY_FOCAL, *_CATEGORICAL_CROSSENTROPIES, *_CATEGORICAL_FOCAL, *_HALF]
CASES = [*shapes([name for name in FILLS if "crossentropy" in name]), *VALUES]
