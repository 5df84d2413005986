"""Cases of the regularization layers. In training they draw, and are compared as distributions, in samples of about 20000.

Where values are drawn together, the input is the same everywhere, so that the output shows which.
"""

from __future__ import annotations

from typing import Any

from parity.case import Case, each, integers, mask, uniform


def _constant(*shape: int, value: float = 1.5) -> Any:
    return uniform(*shape, low=value, high=value)


_STRENGTH = {
    "Dropout": "rate",
    "SpatialDropout1D": "rate",
    "SpatialDropout2D": "rate",
    "SpatialDropout3D": "rate",
    "AlphaDropout": "rate",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
}
_SHAPE = {
    "SpatialDropout1D": (2, 5, 3),
    "SpatialDropout2D": (2, 4, 5, 3),
    "SpatialDropout3D": (2, 4, 5, 6, 3),
}
_ELEMENTWISE = [name for name in _STRENGTH if name not in _SHAPE]
_DROPOUTS = ["Dropout", *_SHAPE]
_SHAPED = ["Dropout", "AlphaDropout"]


def _layer(layer: str, strength: Any = 0.3, /, **config: Any) -> tuple[str, dict[str, Any]]:
    return layer, {_STRENGTH[layer]: strength, **config}


def _shape(name: str) -> tuple[int, ...]:
    return _SHAPE.get(name, (2, 3, 4))


_EVALUATION = [
    *(Case(*_layer(name), [_shape(name)], why="the identity, with no random number drawn") for name in _STRENGTH),
    *(Case(*_layer(name, 1), [_shape(name)]) for name in _STRENGTH),
    *(Case(*_layer(name), [integers(*_shape(name), high=9)]) for name in _STRENGTH),
    *(Case(*_layer(name), [_shape(name)], masks=[mask(*_shape(name)[:2])], why="a mask passes") for name in _STRENGTH),
    *(Case(*_layer(name), [(0, *_shape(name)[1:])]) for name in _STRENGTH),
    *(Case(*_layer(name), [shape]) for name in _ELEMENTWISE for shape in ((3,), (7, 5), (1, 2, 3, 4, 5))),
    *(
        Case(*_layer(name, data_format="channels_first"), [_SHAPE[name]])
        for name in ("SpatialDropout2D", "SpatialDropout3D")
    ),
    *(
        Case(*_layer(name, activity_regularizer="l2", name="noise", trainable=False, dtype="float64"), [_shape(name)])
        for name in _ELEMENTWISE
    ),
    *(Case(*_layer(name, name="noise", dtype="mixed_bfloat16"), [_SHAPE[name]]) for name in _SHAPE),
]

_TRAINING = [
    *(Case(*_layer(name, 0), [_shape(name)]) for name in _STRENGTH),
    *(Case(*_layer(name, 0.0), [integers(*_shape(name), high=9)]) for name in _STRENGTH),
    *(Case(*_layer(name, 1), [_shape(name)], why="nothing is left") for name in _DROPOUTS),
    *(Case(*_layer(name, 1.0), [integers(*_shape(name), high=9)]) for name in _DROPOUTS),
    *(Case(*_layer(name, seed=7), [(0, *_shape(name)[1:])]) for name in _STRENGTH),
    *(Case(*_layer(name, 0), [_shape(name)], masks=[mask(*_shape(name)[:2])]) for name in _STRENGTH),
    *(Case(*_layer(name, 1), [_shape(name)], raises=True) for name in ("AlphaDropout", "GaussianDropout")),
    *(Case(*_layer(name), [integers(*_shape(name), high=9)], raises=True, why="not floats") for name in _STRENGTH),
    *(
        Case(*_layer(name, noise_shape=noise_shape), [(2, 3, 4)], raises=True)
        for name in _SHAPED
        for noise_shape in ((5, 3, 4), (2, 3, 5), (2, 2, 4), (None, 4), (2, 2))
    ),
]

# Every layer: independent values, with and without a seed, at rates on both sides of a half.
_SAMPLES = [
    *(
        Case(*_layer(name, strength, seed=seed), [shape])
        for name in _ELEMENTWISE
        for strength, seed, shape in ((0.3, None, (160, 125)), (0.8, 11, (4, 50, 100)), (0.05, -3, (20000,)))
    ),
    *(
        Case(*_layer(name, seed=seed), [_constant(40, 500)], why="the noise alone")
        for name in _ELEMENTWISE
        for seed in (None, 5)
    ),
    *(
        Case(*_layer(name, seed=seed, dtype=dtype), [(150, 140)], dtype=dtype)
        for name in _ELEMENTWISE
        for dtype in ("float64", "float16", "bfloat16", "mixed_bfloat16")
        for seed in (None, 6)
    ),
    *(
        Case(*_layer(name, noise_shape=noise_shape, seed=seed), [_constant(200, 3, 100)], why="dropped together")
        for name in _SHAPED
        for noise_shape, seed in (
            ((200, 1, 100), None),
            ((None, 1, None), 8),
            ([None, None, 1], None),
            ((200, 3, 1), 9),
            ((None, None, None), 10),
        )
    ),
    *(
        Case(*_layer(name, noise_shape=(1, None, 4), seed=12), [_constant(2, 5000, 4)], why="one mask for the batch")
        for name in _SHAPED
    ),
    *(
        Case(*_layer(name, noise_shape=(5000, 4), seed=13), [_constant(2, 5000, 4)], why="holds for the last axes")
        for name in _SHAPED
    ),
    *(
        Case(*_layer(name, strength, seed=seed), [_constant(150, *(2, 3, 4)[: len(shape) - 2], 140)])
        for name, shape in _SHAPE.items()
        for strength, seed in ((0.3, None), (0.7, 14))
    ),
    *(
        Case(*_layer(name, data_format="channels_first", seed=15), [_constant(150, 140, *(2, 3, 4)[: len(shape) - 2])])
        for name, shape in _SHAPE.items()
        if name != "SpatialDropout1D"
    ),
    *(
        Case(*_layer(name, dtype="float16"), [_constant(150, *(2, 3, 4)[: len(shape) - 2], 140)])
        for name, shape in _SHAPE.items()
    ),
]

_REFUSED = [
    *(
        Case(*_layer(name, strength), [_shape(name)], raises=True)
        for name in _STRENGTH
        for strength in (-0.1, 1.5, "0.5", None)
    ),
    *(Case(*_layer(name, seed=seed), [_shape(name)], raises=True) for name in _STRENGTH for seed in (1.5, "7")),
    *(
        Case(*_layer("Dropout", noise_shape=noise_shape), [(2, 3, 4)], raises=True)
        for noise_shape in ("232", 3, (2, 0, 4), (2, -1, 4), (2.0, 1, 4))
    ),
    *(Case(*_layer(name), [(2, 3)], raises=True, why="too few axes") for name in _SHAPE),
    *(Case(*_layer(name), [(2, 1, 1, 1, 1, 3)], raises=True, why="too many axes") for name in _SHAPE),
    *(
        Case(*_layer(name, data_format="last"), [_SHAPE[name]], raises=True)
        for name in ("SpatialDropout2D", "SpatialDropout3D")
    ),
]

_ACTIVITY = [
    Case("ActivityRegularization", {"l1": 0.03, "l2": 0.02}, [(2, 3, 4)]),
    Case("ActivityRegularization", {}, [(2, 3)]),
    *(
        Case("ActivityRegularization", config, [shape], training=training)
        for config in ({"l1": 0.5}, {"l2": 0.25}, {"l1": 1, "l2": 2})
        for shape in ((3,), (1, 5, 2), (0, 3))
        for training in (False, True)
    ),
    Case("ActivityRegularization", {"l2": 0.1}, [(2, 3, 4)], masks=[mask(2, 3)], why="a mask passes"),
    Case("ActivityRegularization", {"l1": 0.1, "name": "act", "trainable": False, "dtype": "float64"}, [(2, 3)]),
    Case("ActivityRegularization", {"l1": -0.1}, [(2, 3)], raises=True),
    Case("ActivityRegularization", {"l2": "much"}, [(2, 3)], raises=True),
]

CASES = [
    *_EVALUATION,
    *each(_TRAINING, training=True),
    *each(_SAMPLES, training=True, statistical=True),
    *_REFUSED,
    *_ACTIVITY,
]
