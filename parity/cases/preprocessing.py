"""Cases of Rescaling, Normalization and CenterCrop.

Lists, and statistics that are given as numbers, hold what float32 has: TensorFlow rounds them to it, in float64 runs too.
"""

from __future__ import annotations

from parity.case import Case, integers, mask, normal, uniform, values

_RESCALING = [
    Case("Rescaling", {"scale": 1 / 127.5, "offset": -1}, [uniform(2, 5, 4, 3, high=255)]),
    Case("Rescaling", {"scale": 1 / 255}, [uniform(2, 5, 4, 3, high=255)]),
    Case("Rescaling", {"scale": 2}, [(7, 3)]),
    Case("Rescaling", {"scale": -0.3, "offset": 0.7}, [(3,)]),
    Case("Rescaling", {"scale": 0, "offset": 2.5}, [(2, 3)]),
    Case("Rescaling", {"scale": True}, [(2, 3)]),
    Case("Rescaling", {"scale": [0.5, -2.0, 3.0]}, [(2, 5, 4, 3)], why="one for each channel"),
    Case("Rescaling", {"scale": 0.5, "offset": [1, 2, -3]}, [(2, 5, 3)]),
    Case("Rescaling", {"scale": (0.5, 2.0, 4.0), "offset": [0.25, -1.5, 2.0]}, [(5, 3)]),
    Case("Rescaling", {"scale": normal(4), "offset": normal(4)}, [(2, 3, 4)], why="arrays"),
    Case("Rescaling", {"scale": normal(3, 1)}, [(2, 3, 4)], why="along an axis that is not the last"),
    Case("Rescaling", {"scale": normal(2, 3), "offset": normal(3)}, [(1, 3)], why="the arrays give the output axes"),
    Case("Rescaling", {"scale": 1 / 255, "offset": -0.5}, [integers(2, 5, 4, 3, high=256)], why="integers give floats"),
    Case("Rescaling", {"scale": 1 / 255}, [integers(2, 5, 4, 3, high=256, dtype="uint8")]),
    Case("Rescaling", {"scale": 3.0}, [mask(2, 5)]),
    Case("Rescaling", {"scale": 0.1, "offset": 0.1}, [(0, 3)]),
    Case("Rescaling", {"scale": 0.1}, [()]),
    Case("Rescaling", {"scale": 0.1}, [(2, 3, 4)], masks=[mask(2, 3)], why="a mask passes"),
    *(
        Case("Rescaling", {"scale": 0.3, "offset": 0.1}, [(2, 3)], dtype=dtype)
        for dtype in ("bfloat16", "mixed_float16")
    ),
    Case(
        "Rescaling",
        {"scale": 2.0, "activity_regularizer": "l2", "name": "rescale", "trainable": False, "dtype": "float16"},
        [(2, 3)],
    ),
    Case(
        "Rescaling", {"scale": 0.5, "autocast": False, "dtype": "mixed_bfloat16"}, [(2, 3)], why="it casts all the same"
    ),
    Case("Rescaling", {"scale": [0.5, 2.0]}, [(2, 3)], raises=True, why="two for three channels"),
    *(Case("Rescaling", {"scale": scale}, [(2, 3)], raises=True) for scale in ("2", None, ["a"], [1, [2, 3]])),
    *(Case("Rescaling", {"scale": 1.0, "offset": offset}, [(2, 3)], raises=True) for offset in ("2", None)),
]

_AXES = (
    *((-1, (2, 3, 4)), (None, (2, 3, 4)), (0, (2, 3, 4)), (1, (2, 3, 4)), (2, (2, 3, 4)), (-2, (2, 3, 4))),
    *(((), (2, 3)), ((1, 2), (2, 3, 4)), ((2, 1), (2, 3, 4)), ([0, 2], (2, 3, 4)), ((0, 1, 2), (2, 3, 4))),
    *((-1, (5,)), (None, (5,)), (-1, (1, 1)), (1, (2, 3, 4, 5)), ((1, 3), (2, 3, 4, 5)), ((-1, 1), (2, 3, 4, 5))),
    *(((1, 2), (2, 3, 4, 5)), ((0, 3), (2, 3, 4, 5))),
)

_NORMALIZATION = [
    Case("Normalization", {"axis": 1}, [(2, 3, 4)], why="the statistics come from weights"),
    Case("Normalization", {}, [(2, 3)]),
    *(
        Case("Normalization", {"axis": axis, "invert": invert}, [shape])
        for invert in (False, True)
        for axis, shape in _AXES
    ),
    Case("Normalization", {"invert": 1}, [(2, 3)]),
    Case("Normalization", {"axis": None, "mean": 0.5, "variance": 4.0}, [(2, 3)]),
    *(
        Case("Normalization", {**given, "invert": invert}, [(2, 3, 4)])
        for invert in (False, True)
        for given in (
            {"mean": 2, "variance": 3},
            {"axis": None, "mean": -0.25, "variance": 0.75},
            {"mean": [1.5, -2.0, 0.25, 3.0], "variance": [1.0, 4.0, 0.5, 9.0]},
            {"mean": [1.5], "variance": [0.25]},
            {"axis": 1, "mean": (0.5, 1.0, 1.5), "variance": (2.0, 3.0, 4.0)},
            {"axis": (1, 2), "mean": [1.5, -2.0, 0.25, 3.0], "variance": [1.0, 4.0, 0.5, 9.0]},
            {"axis": (1, 2), "mean": [[1.5], [-2.0], [0.25]], "variance": [[1.0], [4.0], [0.5]]},
            {"axis": (2, 1), "mean": [[1.5], [-2.0], [0.25]], "variance": [[1.0], [4.0], [0.5]]},
            {"axis": (1, 2), "mean": normal(3, 4), "variance": uniform(3, 4, low=0.2, high=2.0)},
            {"axis": (0, 2), "mean": normal(2, 4), "variance": uniform(2, 4, low=0.2, high=2.0)},
            {"axis": (0, 1, 2), "mean": normal(3, 1), "variance": uniform(3, 1, low=0.2, high=2.0)},
        )
    ),
    *(
        Case("Normalization", {"mean": 1.0, "variance": variance, "invert": True}, [values([[1.0, 2.0]])])
        for variance in (0.0, 2.0**-66, 2.0**-40)
    ),
    Case(
        "Normalization", {"mean": 1.0, "variance": 2.0**-53}, [values([[1.0, 2.0]])], why="a deviation of at least 1e-7"
    ),
    Case("Normalization", {"mean": 1.0, "variance": -1.0}, [(2, 3)], why="NaN"),
    *(Case("Normalization", given, [(0, 3)]) for given in ({}, {"axis": None}, {"mean": 1.0, "variance": 2.0})),
    *(
        Case("Normalization", given, [integers(2, 3, high=9)], why="integers give floats")
        for given in ({}, {"mean": 1.0, "variance": 2.0})
    ),
    Case("Normalization", {}, [mask(2, 3)]),
    Case("Normalization", {}, [(2, 3, 4)], masks=[mask(2, 3)], why="a mask passes"),
    Case("Normalization", {}, [(2, 3, 4)], training=True, why="no statistics are taken in training"),
    Case("Normalization", {"trainable": False, "name": "norm", "activity_regularizer": "l1"}, [(2, 3)]),
    *(
        Case("Normalization", {**given, "dtype": dtype}, [(2, 3)])
        for given in ({}, {"mean": [0.5, 1.0, 1.5], "variance": [2.0, 3.0, 4.0]})
        for dtype in ("float64", "mixed_float16", "bfloat16")
    ),
    *(
        Case("Normalization", config, [(2, 3)], raises=True)
        for config in (
            *({"axis": 2}, {"axis": -3}, {"axis": (0, 2)}, {"axis": (1, 1)}, {"axis": (1, -1)}),
            *({"axis": "1"}, {"axis": 1.0}),
            *({"mean": 1.0}, {"variance": 1.0}, {"mean": 1.0, "variance": [1.0]}),
            *({"mean": [1.0, 2.0], "variance": [1.0, 2.0]}, {"mean": [[1.0]], "variance": [[1.0]]}),
            {"axis": None, "mean": [1.0], "variance": [2.0]},
        )
    ),
]

_CENTER_CROP = [
    Case("CenterCrop", {"height": 4, "width": 3}, [(2, 7, 6, 5)], why="both differences are odd"),
    *(
        Case("CenterCrop", {"height": height, "width": width}, [shape])
        for height, width in ((1, 1), (2, 5), (7, 8), (4, 4))
        for shape in ((2, 7, 8, 3), (7, 8, 3))
    ),
    *(
        Case("CenterCrop", {"height": height, "width": width, "data_format": "channels_first"}, [shape])
        for height, width in ((2, 5), (4, 3), (7, 8))
        for shape in ((2, 3, 7, 8), (3, 7, 8))
    ),
    *(
        Case("CenterCrop", {"height": height, "width": width}, [shape], why="smaller: the middle is resized")
        for height, width in ((8, 3), (3, 9), (9, 11), (11, 9), (14, 16), (1, 20), (20, 1))
        for shape in ((2, 7, 8, 3), (5, 4, 2))
    ),
    *(
        Case("CenterCrop", {"height": height, "width": width, "data_format": "channels_first"}, [shape])
        for height, width in ((8, 3), (9, 11))
        for shape in ((2, 3, 7, 8), (2, 5, 4))
    ),
    Case("CenterCrop", {"height": 3, "width": 4}, [(1, 1, 1, 1)], why="a single pixel"),
    Case("CenterCrop", {"height": 3, "width": 4}, [(0, 7, 8, 3)]),
    Case("CenterCrop", {"height": 3, "width": 4}, [integers(2, 7, 8, 3, high=256)], why="integers give floats"),
    Case("CenterCrop", {"height": 9, "width": 4}, [integers(2, 7, 8, 3, high=256, dtype="uint8")]),
    Case("CenterCrop", {"height": 3, "width": 4}, [(2, 7, 8, 3)], masks=[mask(2, 7)], why="a mask stops here"),
    Case("CenterCrop", {"height": 3, "width": 4, "factor": None, "bounding_box_format": "xyxy"}, [(2, 7, 8, 3)]),
    Case(
        "CenterCrop",
        {
            "height": 3,
            "width": 4,
            "activity_regularizer": "l2",
            "name": "crop",
            "trainable": False,
            "dtype": "bfloat16",
        },
        [(2, 7, 8, 3)],
    ),
    Case("CenterCrop", {"height": 9, "width": 4, "dtype": "mixed_float16"}, [(2, 7, 8, 3)]),
    Case("CenterCrop", {"height": 3, "width": 4, "factor": 0.5}, [(2, 7, 8, 3)], raises=True),
    Case("CenterCrop", {"height": 3, "width": 4, "data_format": "last"}, [(2, 7, 8, 3)], raises=True),
    Case("CenterCrop", {"height": "3", "width": 4}, [(2, 7, 8, 3)], raises=True),
    *(Case("CenterCrop", {"height": 3, "width": 4}, [shape], raises=True) for shape in ((7, 8), (1, 2, 7, 8, 3))),
]

CASES = [*_RESCALING, *_NORMALIZATION, *_CENTER_CROP]
