"""Cases of BatchNormalization."""

from itertools import product
from typing import Any

from parity.case import Case, integers, mask, normal, values

_NAME = "BatchNormalization"
_SHAPES = [(4, 3), (5, 4, 3), (2, 5, 4, 3), (2, 3, 2, 4, 5)]
_CLIPPING = {"rmax": 1.5, "rmin": 0.5, "dmax": 0.3}

_EVAL_AND_TRAINING = [
    Case(_NAME, {**config, "momentum": 0.9}, [shape], training=training)
    for shape in _SHAPES
    for config in (
        {},
        *({"axis": axis} for axis in range(1, len(shape))),
        {"axis": -2} if len(shape) > 2 else {"epsilon": 0.1},
        {"center": False},
        {"scale": False},
        {"center": False, "scale": False},
    )
    for training in (False, True)
]

_SIZES = [
    Case(_NAME, {}, [shape], training=training, why=why)
    for shape, why in (
        ((1, 5), "one element for each channel: its variance is 0"),
        ((2, 5), "the unbiased variance would be twice the biased one"),
        ((7, 1), ""),
        ((1, 6, 3), ""),
        ((1, 1, 3), ""),
        ((1, 1, 5, 3), "torch's channels_last format has wrong gradients here"),
        ((1, 5, 1, 3), ""),
        ((1, 1, 5, 1), ""),
        ((3, 1, 1, 5), ""),
        ((1, 4, 5, 2), ""),
        ((2, 1, 3, 1, 2), ""),
        ((1, 1, 1, 4, 2), ""),
        ((2, 3, 2, 3, 2, 3), "a rank that torch's modules don't have"),
        ((4,), "rank 1: each element is a channel of its own"),
        ((2, 0), "no channels"),
    )
    for training in (False, True)
]

_LONG = [
    Case(_NAME, config, [shape], training=True, why="sums over many rows in float32 run up")
    for config, shape in (
        ({}, (2, 160, 160, 2)),
        ({"center": False, "scale": False}, (50_003, 1)),
        ({}, (3, 683, 300)),
    )
]

_IN_OTHER_DTYPES: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"momentum": 0.6}, (6, 5)),
    ({"momentum": 0.6, "axis": 1}, (3, 4, 5)),
    ({"momentum": 0.6, "center": False, "scale": False}, (2, 3, 5, 4)),
    ({"renorm": True, "renorm_clipping": _CLIPPING}, (6, 5)),
]
_DTYPES = [
    Case(_NAME, config, [shape], training=True, dtype=dtype)
    for dtype, (config, shape) in product(
        ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"), _IN_OTHER_DTYPES
    )
]

_MASKS = [
    Case(_NAME, {"momentum": 0.7, **config}, [shape], masks=[mask(*masked)], training=training, why=why)
    for config, shape, masked, why in (
        ({}, (5, 4, 3), (5, 4), "masked elements don't count"),
        ({}, (2, 5, 4, 3), (2, 5, 4), ""),
        ({}, (7, 3), (7,), ""),
        ({"axis": 1}, (5, 4, 3), (5, 4), "the mask is always drawn out along the last axis"),
        ({"axis": 2}, (2, 5, 4, 3), (2, 5, 4), ""),
        ({"center": False}, (5, 4, 3), (5, 4), ""),
        ({"scale": False}, (5, 4, 3), (5, 4), ""),
        ({"renorm": True}, (5, 4, 3), (5, 4), ""),
        ({"synchronized": True}, (5, 4, 3), (5, 4), ""),
    )
    for training in (False, True)
]
_MASKS += [
    Case(_NAME, {}, [(2, 2, 3)], masks=[values(((False, False), (False, False)), "bool")], training=True,
         why="nothing is left: mean and variance are 0"),
    Case(_NAME, {}, [(2, 2, 3)], masks=[values(((True, True), (True, True)), "bool")], training=True,
         why="Keras adds 1e-7 to the count all the same"),
    Case(_NAME, {}, [(3, 2, 4)], masks=[integers(3, 2, high=2)], training=True, why="a mask of integers"),
    Case(_NAME, {}, [(5, 4, 3)], masks=[mask(5, 1)], training=True, why="a mask that is broadcast"),
    Case(_NAME, {"trainable": False}, [(5, 4, 3)], masks=[mask(5, 4)], training=True),
    *(Case(_NAME, {}, [(5, 4, 3)], masks=[mask(5, 4)], training=True, dtype=dtype)
      for dtype in ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")),
    Case(_NAME, {"dtype": "mixed_float16"}, [normal(5, 4, 3, scale=300.0)], masks=[mask(5, 4)], training=True,
         why="squares leave float16's range"),
    Case(_NAME, {}, [(5, 4, 3)], {"mask": mask(5, 4, 1)}, training=True, raises=True),
    Case(_NAME, {}, [(5, 4, 3)], {"mask": mask(5)}, raises=True, why="in eval too"),
]  # fmt: skip

_RENORM = [
    Case(_NAME, {"renorm": True, **config}, [shape], training=training)
    for config, shape in (
        ({}, (5, 3)),
        ({"renorm_clipping": _CLIPPING}, (5, 3)),
        ({"renorm_clipping": {"rmax": 1.1}}, (5, 3)),
        ({"renorm_clipping": {"rmin": 0.9}}, (5, 3)),
        ({"renorm_clipping": {"dmax": 0}}, (5, 3)),
        ({"renorm_clipping": {"rmax": None, "rmin": 0.5, "dmax": None}}, (5, 3)),
        ({"renorm_momentum": 0.3, "momentum": 0.6}, (2, 4, 3)),
        ({"axis": 1, "center": False}, (2, 4, 3)),
        ({"scale": False, "renorm_clipping": _CLIPPING}, (2, 4, 3)),
        ({"center": False, "scale": False, "renorm_clipping": _CLIPPING}, (2, 4, 3)),
        ({"epsilon": 2.0}, (5, 3)),
    )
    for training in (False, True)
]

_REST = [
    *(Case(_NAME, {"momentum": momentum}, [(5, 3)], training=True, why="any number is taken")
      for momentum in (0.0, 1.0, 0.5, 1.5, -0.5, 1, "0.25")),
    *(Case(_NAME, {"epsilon": epsilon}, [(5, 3)], training=training)
      for epsilon in (1e-5, 1.0, 0.0, "0.1") for training in (False, True)),
    Case(_NAME, {"axis": "-1"}, [(5, 3)]),
    Case(_NAME, {"axis": 1.0}, [(5, 3)]),
    Case(_NAME, {"axis": 0}, [(4, 3)], training=True, why="a channel for each sample"),
    Case(_NAME, {"synchronized": True, "momentum": 0.8}, [(5, 4, 3)], training=True, why="one process is alone"),
    Case(_NAME, {"synchronized": True}, [(5, 3)]),
    Case(_NAME, {"trainable": False}, [(5, 3)], training=True, why="means inference: nothing moves"),
    Case(_NAME, {"trainable": False, "renorm": True}, [(5, 3)], training=True),
    Case(_NAME, {"trainable": False}, [(2, 4, 3)]),
    Case(_NAME, {"renorm_clipping": {"unknown": 1}}, [(5, 3)], why="without renorm nobody looks"),
    Case(_NAME, {"beta_initializer": "ones", "gamma_initializer": {"class_name": "Constant", "config": {"value": 2.0}},
                 "moving_mean_initializer": "ones", "moving_variance_initializer": "zeros"}, [(5, 3)]),
    Case(_NAME, {"moving_variance_initializer": {"class_name": "Constant", "config": {"value": 4.0}}, "renorm": True},
         [(5, 3)]),
    Case(_NAME, {"beta_regularizer": "l2", "gamma_regularizer": "l2"}, [(5, 3)], training=True),
    Case(_NAME, {"beta_constraint": "non_neg", "gamma_constraint": "unit_norm"}, [(5, 3)]),
    Case(_NAME, {"activity_regularizer": "l2"}, [(5, 4, 3)], training=True),
    Case(_NAME, {"dtype": "float64", "name": "bn"}, [(5, 3)], training=True),
    Case(_NAME, {}, [(0, 3)]),
    Case(_NAME, {}, [(0, 3)], training=True, why="moves nothing; Keras's statistics become NaN"),
    Case(_NAME, {"axis": 1}, [integers(5, 3, high=9)], why="Keras computes integers in float32, whatever the dtype"),
    Case(_NAME, {}, [(0, 4, 5, 3)]),
    Case(_NAME, {"axis": 1}, [(0, 4, 5, 3)]),
    Case(_NAME, {}, [normal(6, 3, scale=1e-3)], training=True, why="a variance far below epsilon"),
    Case(_NAME, {}, [normal(6, 3, scale=1e3)], training=True),
    Case(_NAME, {}, [values(((3.0, 1e3), (3.0, 1e3), (3.0, 1e3)))], training=True, why="a constant has variance 0"),
    Case(_NAME, {"dtype": "mixed_float16"}, [normal(6, 3, scale=300.0)], training=True,
         why="squares leave float16's range"),
    Case(_NAME, {"axis": 2}, [(5, 3)], raises=True),
    Case(_NAME, {"axis": -3}, [(5, 3)], raises=True),
    Case(_NAME, {"axis": "last"}, [(5, 3)], raises=True),
    Case(_NAME, {"axis": [1, 2]}, [(5, 3, 2)], raises=True),
    Case(_NAME, {"momentum": "much"}, [(5, 3)], raises=True),
    Case(_NAME, {"momentum": None}, [(5, 3)], raises=True),
    Case(_NAME, {"epsilon": None}, [(5, 3)], raises=True),
    Case(_NAME, {"renorm": True, "renorm_clipping": {"max": 1}}, [(5, 3)], raises=True),
    Case(_NAME, {"renorm": True, "renorm_clipping": {"rmax": 0.5, "rmin": 1.0}}, [(5, 3)], raises=True),
    Case(_NAME, {"renorm": True, "renorm_clipping": {"dmax": -1}}, [(5, 3)], raises=True),
]  # fmt: skip

CASES = [*_EVAL_AND_TRAINING, *_SIZES, *_LONG, *_DTYPES, *_MASKS, *_RENORM, *_REST]
