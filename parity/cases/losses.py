"""Cases of the loss classes: reductions, weights, masks and dtypes; then the arrays that the functions get."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from parity.case import Array, Case, integers, mask, normal, probabilities, uniform, values
from parity.cases import loss_class_ids, loss_crossentropies, loss_functions
from parity.cases.loss_functions import EXACT_SHAPES, pair
from torch_layers.registry import snake_case

NAN = float("nan")
_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
_PAIRED = (
    *("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Huber"),
    *("LogCosh", "CosineSimilarity", "Poisson", "KLDivergence", "Hinge", "SquaredHinge", "CategoricalHinge"),
    *("BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"),
    *("Dice", "Tversky"),
)
# Four samples for each class; Dice and Tversky need an axis to have samples.
_OVERLAP: dict[str, dict[str, Any]] = {"Dice": {"axis": -1}, "Tversky": {"axis": [1]}}
_SAMPLES: dict[str, list[Array]] = {
    **{name: pair(snake_case(name), (4, 5)) for name in _PAIRED},
    "SparseCategoricalCrossentropy": [integers(4, high=5), probabilities(4, 5)],
    "CategoricalGeneralizedCrossEntropy": [integers(4, high=5), probabilities(4, 5)],
    "Circle": [values([0, 1, 0, 1], "int32"), normal(4, 3, scale=0.4)],
    "CTC": [values([[1, 2, 3], [2, 2, 0], [3, 0, 0], [0, 0, 0]], "int32"), normal(4, 7, 5)],
}
_WEIGHTS = uniform(4, low=0.25, high=2)


def _c(name: str, config: dict[str, Any], inputs: Sequence[Any], why: str = "", **more: Any) -> Case:
    return Case(name, config, inputs, kind="loss", why=why, **more)


_EVERY_CLASS = [
    case
    for name, inputs in _SAMPLES.items()
    for own in (_OVERLAP.get(name, {}),)
    for case in (
        _c(name, {}, inputs),
        *(_c(name, {**own, "reduction": reduction}, inputs) for reduction in _REDUCTIONS),
        *(
            _c(name, {**own, "reduction": reduction}, inputs, call={"sample_weight": _WEIGHTS})
            for reduction in _REDUCTIONS
        ),
        *(
            _c(name, {**own, "reduction": reduction}, inputs, masks=[mask(4)])
            for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "none")
        ),
        _c(name, own, inputs, call={"sample_weight": _WEIGHTS}, masks=[mask(4)]),
        _c(name, {"name": "mine"}, inputs),
        _c(name, {**own, "dtype": "float64"}, inputs, "float32 comes in, float64 comes out"),
        _c(name, {**own, "reduction": "average"}, inputs, raises=True),
        _c(name, own, inputs, raises=True, call={"sample_weight": uniform(3)}, why="three weights for four samples"),
    )
]

_SHAPES = [
    *(
        _c(name, {**_OVERLAP.get(name, {}), "reduction": reduction}, pair(snake_case(name), shape))
        for name in _PAIRED
        for shape in ((2, 3, 5), (2, 3, 1, 4, 6), (0, 5), (0, 3, 5))
        for reduction in ("sum_over_batch_size", "none")
        if name != "CategoricalHinge" or shape[0]  # TensorFlow takes no maximum of nothing at all
    ),
    *(_c(name, {}, pair(snake_case(name), (5,)), "one sample without a batch axis") for name in _PAIRED),
    *(
        _c(
            name,
            {"reduction": reduction},
            pair(snake_case(name), *shapes),
            "shapes broadcast",
            raises=snake_case(name) in EXACT_SHAPES,
        )
        for name in _PAIRED
        for shapes in (((4, 5), (1, 5)), ((5,), (4, 5)), ((2, 1, 3), (2, 3)))
        for reduction in ("sum_over_batch_size", "none")
    ),
    *(
        _c(name, {"reduction": reduction}, pair(snake_case(name), *shapes), "an axis of 1 is given or taken")
        for name in _PAIRED
        if name not in ("CosineSimilarity", "CategoricalFocalCrossentropy")
        for shapes in (((4,), (4, 1)), ((4, 1), (4,)), ((2, 3), (2, 3, 1)), ((2, 3, 1), (2, 3)))
        for reduction in ("sum_over_batch_size", "none")
    ),
    *(
        _c(name, {}, pair(snake_case(name), *shapes), raises=True)
        for name in _PAIRED
        for shapes in (((4, 5), (4, 3)), ((5, 4), (4, 5)), ((2, 3), (2, 3, 4)))
    ),
    # Integers, which have no gradient: that of one number's direction is zero but for rounding.
    _c(
        "CosineSimilarity",
        {"reduction": "none"},
        [values([[1, 2], [3, 4], [0, 0], [5, 0]], "int32"), values([[2, 4], [-6, -8], [1, 1], [0, 7]], "int32")],
        "the same, opposite, no and right-angled directions",
    ),
    *(
        _c("CosineSimilarity", {}, [integers(*a, low=-9, high=9), integers(*b, low=-9, high=9)])
        for a, b in (((4,), (4, 1)), ((4, 1), (4,)), ((2, 3), (2, 3, 1)))
    ),
]

# What weights, masks and reductions do to losses of one, two and three axes; all classes share it.
_MEAN = "MeanSquaredError"
_ROW, _SEQUENCE, _IMAGE = [(4, 5), (4, 5)], [(4, 3, 5), (4, 3, 5)], [(4, 3, 2, 5), (4, 3, 2, 5)]
_WEIGHTED = [
    *(
        _c(_MEAN, {"reduction": reduction}, inputs, call={"sample_weight": weight})
        for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "none")
        for inputs, weights in (
            (_ROW, (uniform(4, 1), normal(4), uniform(4, 1, low=-1))),
            (_SEQUENCE, (uniform(4, 3), uniform(4, 1), uniform(1, 3), uniform(3), uniform(4, 3, 1))),
            (_IMAGE, (uniform(4, 3, 2), uniform(4, 1, 1), uniform(4, 3, 1), uniform(2), uniform(4, 3, 2, 1))),
        )
        for weight in weights
    ),
    *(
        _c(_MEAN, {"reduction": reduction}, inputs, "one weight for all", call={"sample_weight": weight})
        for reduction in ("sum_over_batch_size", "sum", "none")
        for inputs in (_ROW, _SEQUENCE)
        for weight in (uniform(), uniform(1))
    ),
    *(
        _c(_MEAN, {"reduction": reduction}, _ROW, "weights that sum to 0", call={"sample_weight": weight})
        for reduction in _REDUCTIONS
        for weight in (values([0.0, 0.0, 0.0, 0.0]), values([1.0, -1.0, 0.5, -0.5]))
    ),
    *(
        _c(
            _MEAN,
            {"reduction": "mean_with_sample_weight"},
            inputs,
            "weights count once, losses as often as they broadcast",
            call={"sample_weight": weight},
        )
        for inputs, weight in ((_SEQUENCE, uniform(3, low=0.5)), (_SEQUENCE, uniform(4, 1, low=0.5)))
    ),
    *(
        _c(_MEAN, {}, _ROW, call={"sample_weight": weight})
        for weight in (integers(4, high=3), mask(4), normal(4, scale=1e4), replace(_WEIGHTS, dtype="float64"))
    ),
    _c(_MEAN, {}, _ROW, "NaN times 0", call={"sample_weight": values([0.0, 1.0, NAN, 2.0])}),
    _c(_MEAN, {}, [(4,), (4,)], "a single loss", call={"sample_weight": uniform(4)}),
    _c(_MEAN, {"reduction": "none"}, [(4,), (4,)], call={"sample_weight": uniform()}),
    _c(_MEAN, {}, [(0, 5), (0, 5)], call={"sample_weight": uniform(0)}),
    *(
        _c(_MEAN, {}, inputs, call={"sample_weight": weight}, raises=True)
        for inputs, weight in (
            (_ROW, uniform(4, 5)),
            (_SEQUENCE, uniform(4)),
            (_SEQUENCE, uniform(4, 2)),
            (_IMAGE, uniform(4, 3)),
        )
    ),
]
_MASKED = [
    *(
        _c(_MEAN, {"reduction": reduction}, inputs, masks=[m])
        for reduction in _REDUCTIONS
        for inputs, m in ((_SEQUENCE, mask(4, 3)), (_IMAGE, mask(4, 3, 2)))
    ),
    *(
        _c(_MEAN, {"reduction": reduction}, _ROW, why, masks=[values(marks, "bool")])
        for reduction in _REDUCTIONS
        for marks, why in (([False] * 4, "nothing is left"), ([True] * 4, "everything is left"))
    ),
    *(
        _c(_MEAN, {"reduction": reduction}, inputs, call={"sample_weight": weight}, masks=[m])
        for reduction in _REDUCTIONS
        for inputs, weight, m in (
            (_ROW, uniform(4, 1, low=0.25), mask(4)),
            (_SEQUENCE, uniform(4, 3), mask(4, 3)),
            (_SEQUENCE, uniform(4, 1), mask(4, 3)),
        )
    ),
    _c(_MEAN, {}, _ROW, "a mask of another rank", masks=[mask(4, 1)]),
    _c(_MEAN, {}, _SEQUENCE, "the mask broadcasts, and so counts less than it covers", masks=[mask(4, 1)]),
    _c(_MEAN, {}, _SEQUENCE, masks=[mask(3)]),
    _c(_MEAN, {}, _SEQUENCE, masks=[mask(4, 3, 1)]),
    _c(_MEAN, {}, _ROW, "weights of integers", call={"sample_weight": integers(4, high=3)}, masks=[mask(4)]),
    _c(_MEAN, {}, [values([[1.0], [NAN]]), (2, 1)], "NaN behind the mask", masks=[values([True, False], "bool")]),
    *(
        _c(_MEAN, {}, inputs, masks=[m], raises=True)
        for inputs, m in ((_ROW, mask(3)), (_SEQUENCE, mask(4)), (_ROW, mask(4, 5)))
    ),
]

_SCE = "SparseCategoricalCrossentropy"
_SOME = values([[0, 1, -1], [-1, -1, 2]], "int64")
# Losses that make a mask themselves, or only one number, meet weights and masks.
_OWN_MASKS = [
    *(
        _c(_SCE, {"ignore_class": -1, "reduction": reduction, "from_logits": logits}, [_SOME, predictions], **more)
        for reduction in _REDUCTIONS
        for logits, predictions in ((False, probabilities(2, 3, 4)), (True, normal(2, 3, 4)))
        for more in ({}, {"call": {"sample_weight": uniform(2, 3)}}, {"masks": [mask(2, 3)]})
    ),
    _c(
        _SCE,
        {"ignore_class": -1},
        [_SOME, probabilities(2, 3, 4)],
        call={"sample_weight": uniform(2, 1)},
        masks=[mask(2, 3)],
    ),
    _c(_SCE, {"ignore_class": -1}, [values([[[0], [-1]], [[1], [2]]], "int32"), probabilities(2, 2, 4)]),
    *(
        _c(
            "Circle",
            {"reduction": reduction},
            [values([0, 1, 0, 1, 0, 3], "int32"), normal(6, 3, scale=0.4)],
            why,
            **more,
        )
        for reduction in _REDUCTIONS
        for why, more in (
            ("samples without partners don't count", {}),
            ("", {"call": {"sample_weight": uniform(6, low=0.25)}}),
            ("", {"masks": [mask(6)]}),
        )
    ),
    *(
        _c(name, {"reduction": reduction}, _SAMPLES[name], "one number for all", **more)
        for name in ("Dice", "Tversky")
        for reduction in _REDUCTIONS
        for more in ({}, {"call": {"sample_weight": uniform(low=0.5)}}, {"call": {"sample_weight": uniform(4)}})
    ),
    *(_c(name, {"axis": []}, _SAMPLES[name], "sums over no axes") for name in ("Dice", "Tversky")),
    *(
        _c("CTC", {"reduction": reduction}, _SAMPLES["CTC"], call={"sample_weight": _WEIGHTS}, masks=[mask(4)])
        for reduction in _REDUCTIONS
    ),
]

# Whatever comes in is computed in the loss's dtype.
_DTYPES = [
    *(
        _c(name, {}, [integers(4, 5, high=2, dtype=targets), integers(4, 5, high=2, dtype=predictions)])
        for name in _PAIRED
        for targets, predictions in (("int32", "int64"), ("uint8", "int32"))
    ),
    *(
        _c(name, {"dtype": dtype}, [integers(4, 5, low=1, high=9), integers(4, 5, low=1, high=9)])
        for name in ("MeanSquaredError", "MeanSquaredLogarithmicError", "CosineSimilarity", "Poisson", "Hinge", "Huber")
        for dtype in ("float16", "bfloat16", "mixed_bfloat16")
    ),
    _c("CTC", {"dtype": "float16"}, [values([[1, 2], [2, 0]], "int32"), integers(2, 5, 3, high=4)], "float32 inside"),
    *(
        _c(name, {}, [values([[0.0, 1.0], [1.0, 0.0]], targets), values([[0.3, 0.7], [0.4, 0.1]], predictions)])
        for name in ("MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy", "Dice")
        for targets, predictions in (("float64", "float64"), ("float16", "bfloat16"), ("float64", "float16"))
    ),
    _c(_SCE, {}, [values([257, 3], "int32"), probabilities(2, 300)], "bfloat16 knows no 257", dtype="bfloat16"),
    _c(_SCE, {"ignore_class": 255}, [values([255, 3, 255], "uint8"), probabilities(3, 5)], dtype="float16"),
]

_CONFIGS = [
    *(
        _c("CategoricalGeneralizedCrossEntropy", {"q": q}, _SAMPLES["CategoricalGeneralizedCrossEntropy"], raises=True)
        for q in (0, 1, -0.5, 1.5)
    ),
    _c("Circle", {}, [integers(4, 1, high=2), normal(4, 3, scale=0.4)], "(N, 1) is (N,)"),
]

_CLASSES = {snake_case(name): name for name in _SAMPLES}
_OF_FUNCTIONS = [
    replace(case, name=_CLASSES[case.name], kind="loss")
    for table in (loss_functions, loss_crossentropies, loss_class_ids)
    for case in table.VALUES
    if not case.call
]

CASES = [*_EVERY_CLASS, *_SHAPES, *_WEIGHTED, *_MASKED, *_OWN_MASKS, *_DTYPES, *_CONFIGS, *_OF_FUNCTIONS]
