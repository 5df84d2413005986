"""Cases of the loss functions whose targets are class ids."""

from dataclasses import replace

from parity.case import integers, mask, normal, one_hot, probabilities, values
from parity.cases.loss_crossentropies import CLASS_LOGITS, UNUSUAL, ZEROS
from parity.cases.loss_functions import INF, INFINITE, NAN, function

_SCE = "sparse_categorical_crossentropy"
_IDS = values([1, 0, 2, 1, 2], "int32")
_SPARSE = [
    function(_SCE, [integers(4, 1, high=5), probabilities(4, 5)], "(N, 1) is (N,)"),
    function(_SCE, [integers(high=5), probabilities(5)], "no batch axis"),
    *(
        function(_SCE, [integers(4, high=5, dtype=d), probabilities(4, 5)])
        for d in ("int64", "uint8", "int8", "float32")
    ),
    function(_SCE, [mask(4), probabilities(4, 2)]),
    function(_SCE, [values([0.9, 1.5, 2.0]), probabilities(3, 4)], "class ids are cut to integers"),
    function(_SCE, [integers(2, 3, high=5), probabilities(2, 3, 5)]),
    function(_SCE, [integers(2, 3, 1, high=5), probabilities(2, 3, 5)]),
    function(_SCE, [integers(2, 3, 4, high=6), probabilities(2, 3, 4, 6)]),
    function(_SCE, [integers(2, 1, 3, 4, high=6), probabilities(2, 1, 3, 4, 6)]),
    function(_SCE, [integers(1, high=1), probabilities(1, 1)], "one class, one sample"),
    function(_SCE, [integers(0, high=5), probabilities(0, 5)], "empty batch"),
    function(_SCE, [integers(0, 3, high=5), probabilities(0, 3, 5)]),
    function(_SCE, [_IDS, UNUSUAL[1]], "clipped first, then divided by the sum"),
    function(_SCE, [_IDS, ZEROS[1]]),
    function(_SCE, [integers(4, high=5), (4, 5)], from_logits=True),
    function(_SCE, [integers(2, 3, high=5), (2, 3, 5)], from_logits=True),
    function(_SCE, [integers(4, 1, high=5, dtype="int64"), (4, 5)], from_logits=True),
    function(_SCE, [_IDS, CLASS_LOGITS[1]], from_logits=True),
    function(_SCE, [values([0, 1, 0], "int32"), values(INFINITE[:3])], from_logits=True),
    function(_SCE, [integers(4, high=5), probabilities(4, 5)], axis=1),
    function(_SCE, [integers(2, 3, high=5), (2, 3, 5)], axis=2, from_logits=True),
    function(_SCE, [values([0, 1, 2, 2, -1], "int32"), probabilities(5, 3)], ignore_class=-1),
    *(function(_SCE, [values([0, 1, 2, 2, 1], "int32"), probabilities(5, 3)], ignore_class=c) for c in (0, 1, 2, 7)),
    function(
        _SCE,
        [values([0, 255, 2, 255], "uint8"), (4, 3)],
        "a class that isn't there",
        ignore_class=255,
        from_logits=True,
    ),
    function(_SCE, [values([0, -100, 2, 1]), (4, 3)], "float labels", ignore_class=-100, from_logits=True),
    function(_SCE, [values([[0, 1, -1], [-1, -1, 2]], "int64"), probabilities(2, 3, 4)], ignore_class=-1),
    function(
        _SCE, [values([[[0], [1], [-1]], [[-1], [-1], [2]]], "int32"), (2, 3, 4)], ignore_class=-1, from_logits=True
    ),
    function(_SCE, [values([-1, -1, -1], "int32"), probabilities(3, 4)], "all are ignored", ignore_class=-1),
    function(
        _SCE, [values([-1, 0], "int32"), values([[NAN, 1.0], [INF, 1.0]])], "nothing of it is seen", ignore_class=-1
    ),
    *(
        replace(function(_SCE, inputs, why, **config), raises=True)
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
    function(_CGCE, [integers(4, high=5), probabilities(4, 5)], q=0.5),
    *(function(_CGCE, [integers(4, high=5), probabilities(4, 5)], q=q) for q in (0.01, 0.3, 0.99)),
    *(
        function(_CGCE, [integers(4, high=5, dtype=d), probabilities(4, 5)], q=0.7)
        for d in ("int64", "uint8", "float32")
    ),
    function(_CGCE, [integers(2, 3, high=5), probabilities(2, 3, 5)], q=0.7),
    function(_CGCE, [integers(2, 1, 3, 4, high=6), probabilities(2, 1, 3, 4, 6)], q=0.7),
    function(_CGCE, [integers(0, high=5), probabilities(0, 5)], q=0.7),
    function(_CGCE, [values([0, 1, 2], "int32"), values([[1.0, 0.0, 0.0], [0.5, 0.25, 2.0], [1.0, 0.5, -0.5]])], q=0.7),
    function(_CGCE, [values([1, 0], "int32"), values([[1.0, 0.0], [0.0, 1.0]])], "the root of 0 has no slope", q=0.5),
    function(
        _CGCE, [values([-1, 7, 1], "int32"), probabilities(3, 5)], "classes that aren't there have probability 0", q=0.5
    ),
]

# What the classes do otherwise, or have as their own first case.
_ONLY_FUNCTIONS = [
    function(_SCE, [integers(4, high=5), probabilities(4, 5)]),
    *(function(_CGCE, [integers(4, high=5), probabilities(4, 5)], q=q) for q in (1, 2.5, -0.5)),
    function(_CGCE, [integers(1, high=1), probabilities(1, 1)], q=0.7),
]

_TRIANGLE = values([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8], [-1.0, 0.0], [0.0, -1.0]])
_NEAR = [integers(6, high=3), normal(6, 4, scale=0.4)]
_CIRCLE = [
    function("circle", _NEAR),
    function("circle", [integers(6, 1, high=3), normal(6, 4, scale=0.4)], "(N, 1) is (N,)"),
    *(
        function("circle", [integers(6, high=3, dtype=d), normal(6, 4, scale=0.4)])
        for d in ("int64", "uint8", "float32")
    ),
    function("circle", [values([0.2, 0.9, 1.0, 1.9]), normal(4, 3, scale=0.4)], "labels are cut to integers"),
    *(function("circle", _NEAR, remove_diagonal=remove) for remove in (True, False)),
    *(function("circle", _NEAR, gamma=gamma) for gamma in (1, 0.0, 256.0)),
    *(function("circle", _NEAR, margin=margin) for margin in (0.0, 0.25, 1.5, -0.5)),
    function(
        "circle",
        [values([0, 0, 1], "int32"), values([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])],
        "torch's softplus is linear from 20 on",
        gamma=30,
    ),
    function("circle", [values([0, 0, 1, 0, 1], "int32"), _TRIANGLE], "equal, opposite and right-angled vectors"),
    function("circle", [values([0, 0, 1, 0, 1], "int32"), _TRIANGLE], remove_diagonal=False),
    function("circle", [values([0, 0, 0, 0, 0], "int32"), _TRIANGLE], "without negatives the loss is 0"),
    function("circle", [values([0, 1, 2, 3, 4], "int32"), _TRIANGLE], "without positives the loss is 0"),
    function("circle", [values([0, 0, 1], "int32"), values([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])], "vectors of zeros"),
    function("circle", [values([0, 0, 1], "int32"), normal(3, 2, scale=5)], "not of unit length"),
    function("circle", [values([3], "int32"), (1, 4)], "alone"),
    function("circle", [integers(0, high=3), (0, 4)]),
    *(
        replace(function("circle", _NEAR, why, remove_diagonal=remove), call=call)
        for remove in (True, False)
        for why, call in (
            ("other references", {"ref_labels": integers(4, high=3), "ref_embeddings": normal(4, 4, scale=0.4)}),
            ("more references", {"ref_labels": integers(9, 1, high=3), "ref_embeddings": normal(9, 4, scale=0.4)}),
            ("other embeddings of the same labels", {"ref_embeddings": normal(6, 4, scale=0.4)}),
            ("other labels of the same embeddings", {"ref_labels": integers(6, high=3, dtype="int64")}),
        )
    ),
    replace(function("circle", _NEAR), call={"ref_embeddings": normal(6, 3)}, raises=True),
    replace(function("circle", [integers(5, high=3), (6, 4)]), raises=True),
]

_SPELLED = values([[1, 2, 3, 0], [2, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 3, 1, 3]], "int32")
_CTC = [
    function("ctc", [_SPELLED, (5, 9, 5)], "full, repeated, short and empty targets"),
    *(function("ctc", [replace(_SPELLED, dtype=d), (5, 9, 5)]) for d in ("int64", "uint8", "float32")),
    function("ctc", [_SPELLED, normal(5, 6, 4, scale=20)], "confident logits"),
    function("ctc", [_SPELLED, normal(5, 40, 6, scale=1)], "many frames"),
    *(function("ctc", [_SPELLED, normal(5, 90, 11, scale=s)], "more frames, longer sums") for s in (0.5, 4)),
    function("ctc", [values([[1, 2, 3]], "int32"), (1, 3, 4)], "one frame for each label"),
    function("ctc", [values([[2, 2]], "int32"), (1, 3, 4)], "a blank between equal labels"),
    function("ctc", [values([[1]], "int32"), (1, 1, 2)], "one of everything"),
    function("ctc", [values([[1, 2, 3], [1, 1, 0]], "int32"), (2, 2, 5)], "targets that don't fit their frames"),
    function("ctc", [values([[0, 1, 2], [1, 0, 2]], "int32"), (2, 6, 4)], "a blank before or between the labels"),
    function("ctc", [values([[1, 9, 2], [-1, 2, 0]], "int32"), (2, 6, 4)], "labels that are no classes"),
    function("ctc", [integers(3, 4, low=1, high=3), (3, 12, 7)], "classes that no target names"),
    *(
        replace(function("ctc", inputs, why), raises=True)
        for inputs, why in (
            ([integers(5, high=3), (5, 6, 5)], "targets of rank 1"),
            ([integers(4, 3, high=3), (4, 6)], "predictions of rank 2"),
            ([integers(4, 3, 1, high=3), (4, 6, 5)], "targets of rank 3"),
        )
    ),
]

_HALF = [replace(function(_SCE, [_IDS, UNUSUAL[1]]), dtype=dtype) for dtype in ("float16", "bfloat16")]

VALUES = [*_SPARSE, *_GENERALIZED, *_CIRCLE, *_CTC, *_HALF]
CASES = [*_ONLY_FUNCTIONS, *VALUES]
