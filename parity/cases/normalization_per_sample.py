"""Cases of the layers that normalize each sample by itself, and of SpectralNormalization."""

from typing import Any

from parity.case import Case, Object, integers, mask, normal, values

_HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
_SHAPES = [(4, 3), (5, 4, 3), (2, 5, 4, 3), (2, 3, 2, 4, 5)]
_PARTS: list[dict[str, Any]] = [{"center": False}, {"scale": False}, {"center": False, "scale": False}]
_GAMMA_AND_BETA: list[dict[str, Any]] = [
    {"beta_initializer": "ones", "gamma_initializer": {"class_name": "Constant", "config": {"value": 2.0}}},
    {"beta_regularizer": "l2", "gamma_regularizer": "l2"},
    {"beta_constraint": "non_neg", "gamma_constraint": {"class_name": "MaxNorm", "config": {"max_value": 1.0}}},
    {"activity_regularizer": "l2"},
    {"trainable": False},
    {"dtype": "float64", "name": "mine"},
]
_ODD = [
    (1, 5),
    (7, 1),
    (1, 1, 3),
    (1, 1, 5, 3),
    (3, 1, 1, 5),
    (1, 5, 1, 1),
    (1, 1),
    (0, 3),
    (0, 4, 5, 3),
    (1, 4, 1, 2, 3),
]
# Axes of the (2, 3, 4, 5) that they are tried on.
_AXES: list[Any] = [
    1,
    2,
    3,
    -2,
    -3,
    (1,),
    [2, 3],
    [3, 2],
    [1, 3],
    [1, 2],
    [1, 2, 3],
    [-1, -2],
    [-3, -1],
    (-2, 3),
    [-1, 1],
    [2, -1, 1],
]

_LAYER = [
    *(Case("LayerNormalization", config, [shape]) for shape in _SHAPES for config in ({}, {"axis": [1]}, *_PARTS)),
    *(Case("LayerNormalization", {"axis": axis}, [(2, 3, 4, 5)]) for axis in _AXES),
    *(Case("LayerNormalization", {"axis": axis, **config}, [(2, 3, 4, 5)])
      for axis in ([2, 3], [1, 3], [-1, 1]) for config in _PARTS),
    *(Case("LayerNormalization", {}, [shape]) for shape in _ODD),
    *(Case("LayerNormalization", {"axis": 1}, [shape]) for shape in _ODD[2:]),
    *(Case("LayerNormalization", config, [(5, 4, 3)]) for config in _GAMMA_AND_BETA),
    *(Case("LayerNormalization", {"epsilon": epsilon}, [(5, 3)]) for epsilon in (1e-5, 1.0, 0.0)),
    *(Case("LayerNormalization", {"axis": axis}, [(2, 3, 4)], dtype=dtype)
      for axis in (1, [1, 2], [-1, 1]) for dtype in _HALF),
    *(Case("LayerNormalization", _PARTS[2], [(5, 3)], dtype=dtype) for dtype in _HALF),
    Case("LayerNormalization", {"dtype": "mixed_bfloat16"}, [normal(5, 3)], why="a float32 input is not rounded first"),
    Case("LayerNormalization", {"dtype": "mixed_float16"}, [normal(5, 3, scale=300.0)], why="squares leave float16's range"),
    Case("LayerNormalization", {}, [integers(5, 3, high=9)], why="results of integers are cut off to integers"),
    Case("LayerNormalization", {"axis": 1}, [integers(2, 4, 3, high=9, dtype="int64")]),
    Case("LayerNormalization", {}, [normal(5, 3, scale=1e-3)], why="a variance far below epsilon"),
    Case("LayerNormalization", {}, [values(((0.5, 0.5, 0.5, 0.5), (1.0, 2.0, 3.0, 5.0)))], why="a row of variance 0"),
    Case("LayerNormalization", {}, [(5, 4, 3)], masks=[mask(5, 4)], why="masks pass, and change nothing"),
    Case("LayerNormalization", {"axis": 2}, [(5, 3)], raises=True),
    Case("LayerNormalization", {"axis": -3}, [(5, 3)], raises=True),
    Case("LayerNormalization", {"axis": [1, 1]}, [(5, 3)], raises=True),
    Case("LayerNormalization", {"axis": [1, -1]}, [(5, 3)], raises=True),
    Case("LayerNormalization", {"axis": "last"}, [(5, 3)], raises=True),
    Case("LayerNormalization", {"axis": None}, [(5, 3)], raises=True),
]  # fmt: skip

_GROUP = [
    *(Case("GroupNormalization", {"groups": groups, "axis": axis, **config}, [shape])
      for shape, axis, counts in (((5, 6), -1, (1, 2, 3, 6, -1)), ((2, 5, 6), -1, (1, 2, 3, -1)), ((2, 4, 3), 1, (2, 4)),
                                  ((2, 5, 4, 6), -1, (3, 6)), ((2, 5, 4, 6), 2, (2, -1)), ((2, 6, 5, 4), -3, (3,)),
                                  ((2, 6, 5, 4), 1, (2, 1)), ((2, 3, 2, 3, 4), -1, (2,)), ((2, 4, 2, 3, 5), 1, (2,)),
                                  ((2, 3, 4, 5), -2, (2,)), ((2, 3, 2, 1, 2, 4), -1, (2,)))
      for groups in counts for config in ({}, *_PARTS[:2])),
    *(Case("GroupNormalization", {"groups": 2, **_PARTS[2]}, [shape]) for shape in ((5, 6), (2, 5, 4, 6))),
    Case("GroupNormalization", {}, [(2, 3, 32)], why="32 groups of one channel"),
    Case("GroupNormalization", {}, [(2, 3, 64)]),
    *(Case("GroupNormalization", {"groups": -1}, [shape]) for shape in _ODD if shape != (1, 1)),
    *(Case("GroupNormalization", {"groups": 1}, [shape]) for shape in _ODD),
    *(Case("GroupNormalization", {"groups": 2, **config}, [(5, 4, 6)]) for config in _GAMMA_AND_BETA),
    *(Case("GroupNormalization", {"groups": 2, "epsilon": epsilon}, [(5, 6)]) for epsilon in (1e-5, 1.0, 0.0)),
    *(Case("GroupNormalization", {"groups": 2, "axis": axis}, [(3, 4, 6)], dtype=dtype)
      for axis in (1, 2) for dtype in _HALF),
    *(Case("GroupNormalization", {"groups": 2, **_PARTS[2]}, [(2, 3, 4, 6)], dtype=dtype) for dtype in _HALF),
    Case("GroupNormalization", {"groups": 2, "dtype": "mixed_bfloat16"}, [(5, 6)], why="an input is not rounded first"),
    Case("GroupNormalization", {"groups": 2, "dtype": "mixed_float16"}, [normal(5, 6, scale=300.0)]),
    Case("GroupNormalization", {"groups": 2}, [integers(5, 6, high=9)], why="results of integers are cut off to integers"),
    Case("GroupNormalization", {"groups": 2}, [(5, 3, 4)], masks=[mask(5, 3)], why="masks pass, and change nothing"),
    Case("GroupNormalization", {"groups": 2}, [normal(5, 6, scale=1e-3)]),
    *(Case("GroupNormalization", {"groups": groups}, [(5, 6)], raises=True) for groups in (4, 7, 12, 0, -2, 2.0, None)),
    Case("GroupNormalization", {}, [(5, 6)], raises=True, why="the default of 32 is more than there are"),
    Case("GroupNormalization", {"groups": 2, "axis": 2}, [(5, 6)], raises=True),
    Case("GroupNormalization", {"groups": 2, "axis": -3}, [(5, 6)], raises=True),
    Case("GroupNormalization", {"groups": 2, "axis": [1]}, [(5, 6)], raises=True),
    Case("GroupNormalization", {"groups": 1}, [(6,)], raises=True),
]  # fmt: skip

_RMS = [
    *(Case("RMSNormalization", {}, [shape]) for shape in (*_SHAPES, *_ODD)),
    *(Case("RMSNormalization", {"axis": axis}, [(2, 3, 4, 5)]) for axis in (3, [3], [2, 3], [3, 2], [-2, -1], [1, 2, 3])),
    Case("RMSNormalization", {"axis": 1}, [(2, 3, 3)], why="the scale goes along the last axis, whatever the axis"),
    Case("RMSNormalization", {"axis": [1, -1]}, [(2, 3, 3)]),
    Case("RMSNormalization", {"axis": [1, 2]}, [(2, 4, 3, 3)], raises=True),
    Case("RMSNormalization", {"axis": [1, 2]}, [(2, 4, 4, 4)]),
    Case("RMSNormalization", {"axis": 1}, [(3, 1, 4)]),
    *(Case("RMSNormalization", {"epsilon": epsilon}, [(5, 3)]) for epsilon in (1e-3, 1.0, 0.0)),
    *(Case("RMSNormalization", {"axis": axis}, [(2, 3, 3)], dtype=dtype)
      for axis in (1, [1, 2]) for dtype in _HALF),
    *(Case("RMSNormalization", config, [(5, 4, 3)]) for config in _GAMMA_AND_BETA[3:]),
    Case("RMSNormalization", {"dtype": "mixed_float16"}, [normal(5, 3, scale=300.0)], why="squares leave float16's range"),
    Case("RMSNormalization", {}, [integers(5, 3, high=9)], why="results of integers are cut off to integers"),
    Case("RMSNormalization", {"axis": 1}, [integers(5, 3, 3, high=9)]),
    Case("RMSNormalization", {}, [(5, 4, 3)], masks=[mask(5, 4)], why="a mask stops here"),
    Case("RMSNormalization", {}, [values(((0.0, 0.0), (3.0, 4.0)))]),
    Case("RMSNormalization", {"axis": 1}, [(2, 3, 4)], raises=True),
    Case("RMSNormalization", {"axis": 2}, [(5, 3)], raises=True),
    Case("RMSNormalization", {"axis": "last"}, [(5, 3)], raises=True),
]  # fmt: skip

_UNIT = [
    *(Case("UnitNormalization", {}, [shape]) for shape in (*_SHAPES, *_ODD) if shape[-1] > 1),
    *(Case("UnitNormalization", {"axis": axis}, [(2, 3, 4, 5)]) for axis in (0, -4, [0, 2], *_AXES)),
    *(Case("UnitNormalization", {"axis": axis}, [(2, 3, 4)], dtype=dtype)
      for axis in (1, [1, 2]) for dtype in _HALF),
    *(Case("UnitNormalization", config, [(5, 4, 3)]) for config in _GAMMA_AND_BETA[3:]),
    Case("UnitNormalization", {}, [(5,)]),
    Case("UnitNormalization", {}, [values(((1e-13, -2e-13), (3.0, 4.0), (2e-12, -3e-12)))], why="lengths around 1e-12"),
    Case("UnitNormalization", {}, [(5, 4, 3)], masks=[mask(5, 4)], why="masks pass, and change nothing"),
    Case("UnitNormalization", {"axis": 2}, [(5, 3)], raises=True),
    Case("UnitNormalization", {"axis": [1, 1]}, [(5, 3)], raises=True),
    Case("UnitNormalization", {"axis": "last"}, [(5, 3)], raises=True),
    Case("UnitNormalization", {"axis": None}, [(5, 3)], raises=True),
]  # fmt: skip


def _wrapped(name: str, **config: Any) -> dict[str, Any]:
    return {"layer": Object("layer", name, config)}


_SPECTRAL = [
    *(Case("SpectralNormalization", {**wrapped, **config}, [shape], training=training)
      for wrapped, shape in (
          (_wrapped("Dense", units=3), (4, 5)),
          (_wrapped("Dense", units=3, use_bias=False, activation="tanh"), (2, 4, 5)),
          (_wrapped("Dense", units=1), (4, 5)),
          (_wrapped("Conv2D", filters=3, kernel_size=2), (2, 5, 4, 3)),
          (_wrapped("Conv1D", filters=4, kernel_size=3, padding="same"), (2, 5, 3)),
          (_wrapped("DepthwiseConv2D", kernel_size=2, depth_multiplier=2), (2, 5, 4, 3)),
          (_wrapped("Conv2DTranspose", filters=3, kernel_size=2, strides=2), (2, 3, 4, 2)),
          (_wrapped("EinsumDense", equation="abc,cd->abd", output_shape=[None, 4]), (2, 3, 5)),
      )
      for config in ({}, {"power_iterations": 3}) for training in (False, True)),
    *(Case("SpectralNormalization", _wrapped("Dense", units=3), [(4, 5)], training=True, dtype=dtype) for dtype in _HALF),
    *(Case("SpectralNormalization", _wrapped("Embedding", input_dim=7, output_dim=4), [indices], training=training, why=why)
      for indices, why in ((integers(2, 3, high=7), "the rows of integers are cut off to integers"),
                           (values(((1.0, 6.0), (0.0, 3.0))), "indices as floats")) for training in (False, True)),
    Case("SpectralNormalization", {**_wrapped("Dense", units=3), "activity_regularizer": "l2"}, [(4, 5)], training=True),
    Case("SpectralNormalization", _wrapped("Dense", units=3, kernel_regularizer="l2"), [(4, 5)], training=True,
         why="the penalty is of the divided kernel"),
    Case("SpectralNormalization", {**_wrapped("Dense", units=3), "name": "sn", "dtype": "float64"}, [(4, 5)]),
    Case("SpectralNormalization", _wrapped("Dense", units=3), [(0, 5)], training=True),
    Case("SpectralNormalization", _wrapped("Dense", units=3), [(2, 4, 5)], masks=[mask(2, 4)], why="a mask stops here"),
    Case("SpectralNormalization", {**_wrapped("Dense", units=3), "power_iterations": 0}, [(4, 5)], raises=True),
    Case("SpectralNormalization", {**_wrapped("Dense", units=3), "power_iterations": -1}, [(4, 5)], raises=True),
    Case("SpectralNormalization", _wrapped("Flatten"), [(4, 5)], raises=True),
    Case("SpectralNormalization", _wrapped("SeparableConv2D", filters=3, kernel_size=2), [(2, 5, 4, 3)], raises=True),
]  # fmt: skip

CASES = [*_LAYER, *_GROUP, *_RMS, *_UNIT, *_SPECTRAL]
