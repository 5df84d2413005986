"""Cases of the recurrent layers and their cells. The wrappers around them have a table of their own."""

from __future__ import annotations

from typing import Any

from parity.case import Case, Object, each, integers, mask, normal, uniform, values

_LAYERS = ("SimpleRNN", "GRU", "LSTM")
_GATED = ("GRU", "LSTM")
# Keras's LSTM on TensorFlow can't take an empty batch: adding its bias fails.
_NO_LSTM = ("SimpleRNN", "GRU")
# (batch, steps, features). Few steps: TensorFlow takes each by itself, and most of the time goes there.
_SHAPE, _MASKED_SHAPE, _UNITS = (2, 3, 4), (3, 4, 2), 5

_HOLES = [[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 1]]
_A_ROW_OF_NONE = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]]
_RIGHT = [[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]]
_MASKS: dict[str, Any] = {
    "padded on the right": _RIGHT,
    "padded on the left": [[0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1]],
    "holes": _HOLES,
    "a row without any step": _A_ROW_OF_NONE,
    "nothing stays": [[0] * 4] * 3,
    "everything stays": [[1] * 4] * 3,
}
_EVERYTHING = {"return_sequences": True, "return_state": True}
# TensorFlow can't decompose a matrix of bfloat16, which Keras's initial recurrent kernel asks for.
_ANY_DTYPE: dict[str, Any] = {"recurrent_initializer": "glorot_uniform"}
_RETURNS: tuple[dict[str, Any], ...] = ({}, {"return_sequences": True}, {"return_state": True}, _EVERYTHING)


def _bools(rows: Any) -> Any:
    return values(rows, "bool")


def _constant(*shape: int) -> Any:
    return uniform(*shape, low=1.5, high=1.5)


_ALIKE = _constant(6000, 3, 1)


def _states(name: str, batch: int = 2, units: int = _UNITS) -> Any:
    return [(batch, units)] * (2 if name.startswith("LSTM") else 1)


def _cell(name: str, units: int = _UNITS, **config: Any) -> Object:
    return Object("layer", name, {"units": units, **config})


def _layer(name: str, /, **config: Any) -> tuple[str, dict[str, Any]]:
    return name, {"units": _UNITS, **config}


def _of(name: str, kinds: str) -> bool:
    return name.removesuffix("Cell") in kinds.split()


# --- what a cell and its layer both take ---------------------------------------------------------------------------

_FEW = ("relu", "sigmoid", "hard_sigmoid", "softsign", "softmax", "elu", "linear", None)
_MANY = (*_FEW, "selu", "gelu", "softplus", "silu", "hard_tanh", "leaky_relu", "mish", "tanh")


def _arguments(name: str) -> list[dict[str, Any]]:
    """List the arguments that a cell and its layer share, each with other values than its default."""
    gated = _of(name, "GRU LSTM")
    activations = _MANY if name.endswith("Cell") else _FEW
    found: list[dict[str, Any]] = [
        *({"activation": activation} for activation in activations),
        {"use_bias": False},
        {"kernel_regularizer": "l2", "recurrent_regularizer": "l1", "bias_regularizer": "L1L2"},
        {"kernel_regularizer": "l1", "trainable": False},
        {"kernel_constraint": "max_norm", "recurrent_constraint": "unit_norm", "bias_constraint": "non_neg"},
        {"kernel_initializer": "ones", "recurrent_initializer": "identity", "bias_initializer": "ones"},
        {"kernel_initializer": "he_normal", "recurrent_initializer": "zeros", "bias_initializer": "uniform"},
        {"dropout": 0.3, "recurrent_dropout": 0.2, "seed": 7},
        {"dropout": -1, "recurrent_dropout": 1.5},
        {"dtype": "float64", "name": "memory", "trainable": False},
    ]
    if gated:
        found += [
            *({"recurrent_activation": activation} for activation in activations),
            {"activation": "sigmoid", "recurrent_activation": "tanh"},
            {"activation": "relu", "recurrent_activation": "hard_sigmoid", "use_bias": False},
        ]
    if _of(name, "GRU"):
        found += [
            {"reset_after": False},
            {"reset_after": False, "use_bias": False},
            {"reset_after": False, "recurrent_activation": "hard_sigmoid"},
            {"reset_after": False, "activation": "relu"},
            {"reset_after": True, "use_bias": False},
        ]
    if _of(name, "LSTM"):
        found += [{"unit_forget_bias": False}, {"unit_forget_bias": True, "bias_initializer": "ones"}]
    return found


_CELL = [
    *(Case(f"{n}Cell", {"units": _UNITS, **_ANY_DTYPE}, [(2, 3), _states(n)]) for n in _LAYERS),
    *(Case(f"{n}Cell", {"units": _UNITS}, [(2, 3), (2, _UNITS)], why="a state alone") for n in _NO_LSTM),
    *(Case(f"{n}Cell", {"units": _UNITS, **a}, [(2, 3), _states(n)]) for n in _LAYERS for a in _arguments(f"{n}Cell")),
    *(
        Case(f"{n}Cell", {"units": units}, [(batch, features), _states(n, batch, units)])
        for n in _LAYERS
        for batch, features, units in ((1, 3, 2), (0, 3, 2), (3, 1, 5), (5, 7, 1), (4, 1, 1))
        if batch or n != "LSTM"
    ),
    *(
        Case(f"{n}Cell", {"units": _UNITS, **own}, [integers(2, 3, high=5), _states(n)])
        for n in _LAYERS
        for own in ({}, {"autocast": False})
    ),
    *(Case(f"{n}Cell", {"units": _UNITS}, [normal(2, 3, scale=30), _states(n)], why="saturated") for n in _LAYERS),
    *(
        Case(f"{n}Cell", {"units": _UNITS}, [(2, 3), _states(n)], training=True, why="no dropout, nothing random")
        for n in _LAYERS
    ),
    *(Case(f"{n}Cell", {"units": u}, [(2, 3), _states(n)], raises=True) for n in _LAYERS for u in (0, -1, 2.5)),
    *(Case(f"{n}Cell", {"units": 3}, [(2, 3), _states(n)], raises=True, why="state of 4") for n in _LAYERS),
    *(Case(f"{n}Cell", {"units": 3, "dropout": "half"}, [(2, 3), _states(n)], raises=True) for n in _LAYERS),
]

# --- the layers ----------------------------------------------------------------------------------------------------

_LAYER = [
    *(Case(*_layer(n, **_ANY_DTYPE, **_EVERYTHING), [_SHAPE], why="all outputs and states") for n in _LAYERS),
    *(Case(*_layer(n, **r), [_SHAPE]) for n in _LAYERS for r in _RETURNS[:3]),
    *(Case(*_layer(n, **a), [_SHAPE]) for n in _LAYERS for a in _arguments(n)),
    *(Case(*_layer(n, autocast=False), [integers(2, 3, 4, high=5)], why="operands meet in one dtype") for n in _LAYERS),
    *(
        Case(*_layer(n, activation="relu", **r, go_backwards=back), [_SHAPE], why="no fused kernel, or another one")
        for n in _LAYERS
        for r, back in ((_RETURNS[0], True), (_RETURNS[1], False), (_RETURNS[2], True), (_EVERYTHING, True))
    ),
    *(
        Case(*_layer(n, go_backwards=True, **r), [_SHAPE], why="outputs backwards, too")
        for n in _LAYERS
        for r in _RETURNS
    ),
    *(Case(*_layer(n, unroll=True, **r), [_SHAPE]) for n in _LAYERS for r in (_RETURNS[0], _EVERYTHING)),
    *(
        Case(n, {"units": units, **_EVERYTHING}, [(batch, time, features)])
        for n in _LAYERS
        for batch, time, features, units in (
            *((1, 5, 3, 2), (0, 5, 3, 2), (2, 1, 3, 5), (2, 3, 1, 5), (3, 2, 5, 1), (3, 1, 1, 1), (3, 11, 2, 6)),
        )
        if batch or n != "LSTM"
    ),
    *(
        Case(n, {"units": units, "activation": "softsign", **_EVERYTHING}, [shape])
        for n in _LAYERS
        for units, shape in ((2, (1, 5, 3)), (2, (0, 5, 3)), (5, (2, 1, 3)), (1, (4, 1, 1)))
        if shape[0] or n != "LSTM"
    ),
    *(Case(*_layer(n, **_EVERYTHING), [integers(*_SHAPE, high=5)]) for n in _LAYERS),
    *(Case(*_layer(n, **_EVERYTHING), [normal(*_SHAPE, scale=30)], why="saturated") for n in _LAYERS),
    *(Case(*_layer(n, **_EVERYTHING), [_SHAPE], training=True, why="no dropout, nothing random") for n in _LAYERS),
    *(
        Case(*_layer(n, activity_regularizer="l2", **r), [_SHAPE], training=t)
        for n in _LAYERS
        for r in (_RETURNS[0], _EVERYTHING)
        for t in (False, True)
    ),
    *(Case(*_layer(n, use_cudnn=value, **_RETURNS[1]), [_SHAPE]) for n in _GATED for value in ("auto", False)),
    *(Case(*_layer("GRU", reset_after=False, **r), [_SHAPE]) for r in _RETURNS[1:]),
    Case(*_layer("GRU", reset_after=False, go_backwards=True, **_EVERYTHING), [_SHAPE]),
    *(
        Case(*_layer(n, **_ANY_DTYPE, **_EVERYTHING, activation="relu"), [_SHAPE], dtype=dtype)
        for n in _LAYERS
        for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    ),
    *(Case(*_layer(n), [(2, 0, 3)], raises=True, why="no step") for n in _LAYERS),
    *(Case(*_layer(n), [shape], raises=True) for n in _LAYERS for shape in ((2, 3), (2, 5, 3, 4), (3,))),
    *(Case(n, {"units": units}, [_SHAPE], raises=True) for n in _LAYERS for units in (0, -3)),
    *(Case(*_layer(n, activation="tanhh"), [_SHAPE], raises=True) for n in _LAYERS),
    *(Case(*_layer(n, use_cudnn="yes"), [_SHAPE], raises=True) for n in _GATED),
]

# --- masks ---------------------------------------------------------------------------------------------------------

_HOW: dict[str, tuple[dict[str, Any], ...]] = {
    "SimpleRNN": ({}, {"activation": "softsign"}),
    "GRU": ({}, {"reset_after": False}, {"activation": "relu"}),
    "LSTM": ({}, {"recurrent_activation": "hard_sigmoid"}),
}
_MASKED = [
    *(
        Case(*_layer(n, **how, **r), [_MASKED_SHAPE], masks=[_bools(rows)], why=what)
        for n in _LAYERS
        for how in _HOW[n]
        for what, rows in _MASKS.items()
        for r in ((_RETURNS[0], _EVERYTHING) if rows in (_HOLES, _A_ROW_OF_NONE) else (_EVERYTHING,))
    ),
    *(
        Case(*_layer(n, **how, **r), [_MASKED_SHAPE], masks=[_bools(_HOLES)], why="holes")
        for n in _LAYERS
        for how in _HOW[n][:1]
        for r in _RETURNS[1:3]
    ),
    *(
        Case(*_layer(n, go_backwards=True, **how, **r), [_MASKED_SHAPE], masks=[_bools(rows)])
        for n in _LAYERS
        for how in _HOW[n]
        for rows, r in ((_HOLES, _RETURNS[0]), (_HOLES, _EVERYTHING), (_RIGHT, _EVERYTHING), (_A_ROW_OF_NONE, _RETURNS[0]))
    ),
    *(
        Case(*_layer(n, zero_output_for_mask=True, **how, **r), [_MASKED_SHAPE], masks=[_bools(rows)])
        for n in _LAYERS
        for how in _HOW[n]
        for rows in (_HOLES, _A_ROW_OF_NONE)
        for r in (_RETURNS[0], _EVERYTHING, {"go_backwards": True, **_EVERYTHING})
    ),
    *(
        Case(*_layer(n, unroll=True, zero_output_for_mask=zero, **r), [_MASKED_SHAPE], masks=[_bools(_HOLES)],
             why="where zeros are in unrolled sequences that begin at the end")
        for n in _LAYERS
        for zero in (False, True)
        for r in (_RETURNS[0], _EVERYTHING, {"go_backwards": True}, {"go_backwards": True, **_EVERYTHING})
    ),
    *(Case(*_layer(n, zero_output_for_mask=True), [_SHAPE], why="without a mask") for n in _LAYERS),
    *(
        Case(*_layer(n, **_EVERYTHING), [_MASKED_SHAPE], call={"mask": _bools(_HOLES), "initial_state": _states(n, 3)},
             why="a masked first step: an output of zeros, the given state")
        for n in _LAYERS
    ),
    *(
        Case(*_layer(n, **how), [_MASKED_SHAPE], call={"mask": _bools(_A_ROW_OF_NONE),
                                                   "initial_state": _states(n, 3)})
        for n in _LAYERS
        for how in ({"return_state": True, "activation": "elu"}, _EVERYTHING)
    ),
    *(Case(*_layer(n, **_EVERYTHING), [(1, 1, 1)], masks=[_bools([[stays]])]) for n in _LAYERS for stays in (0, 1)),
    *(Case(*_layer(n, **_EVERYTHING), [(0, 5, 2)], masks=[mask(0, 5)], why="an empty batch") for n in _NO_LSTM),
    *(Case(*_layer(n, **_EVERYTHING), [(7, 9, 2)], masks=[mask(7, 9)]) for n in _LAYERS),
    *(Case(*_layer(n, **_EVERYTHING), [integers(*_MASKED_SHAPE, high=4)], masks=[_bools(_HOLES)]) for n in _LAYERS),
    *(
        Case(*_layer(n, **_ANY_DTYPE, **_EVERYTHING), [_MASKED_SHAPE], masks=[_bools(_HOLES)], dtype=dtype)
        for n in _LAYERS
        for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    ),
]  # fmt: skip

# --- states --------------------------------------------------------------------------------------------------------

_STATEFUL = [
    *(
        Case(*_layer(n, **_EVERYTHING, **how), [_SHAPE], call={"initial_state": _states(n)})
        for n in _LAYERS
        for how in ({}, {"activation": "relu"}, {"go_backwards": True})
    ),
    *(Case(*_layer(n), [_SHAPE], call={"initial_state": (2, _UNITS)}, why="alone") for n in _NO_LSTM),
    *(Case(*_layer(n), [(0, 5, 3)], call={"initial_state": _states(n, 0)}) for n in _NO_LSTM),
    *(
        Case(*_layer(n, stateful=True, **how), [_SHAPE], calls=2, why="goes on where it ended")
        for n in _LAYERS
        for how in ({}, _EVERYTHING, {"go_backwards": True}, {"activation": "relu"}, {"unroll": True, **_EVERYTHING})
    ),
    *(
        Case(*_layer(n, stateful=True, **how), [_MASKED_SHAPE], masks=[_bools(_HOLES)], calls=2)
        for n in _LAYERS
        for how in ({}, _EVERYTHING, {"activation": "relu", "return_sequences": True})
    ),
    *(Case(*_layer(n, stateful=True), [_SHAPE], call={"initial_state": _states(n)}, calls=2) for n in _LAYERS),
    *(
        Case(*_layer(n, stateful=True, **_ANY_DTYPE, **_EVERYTHING), [_SHAPE], calls=2, dtype=dtype)
        for n in _LAYERS
        for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    ),
    *(Case(*_layer(n, **_EVERYTHING), [_SHAPE], calls=2, why="stateless: twice the same") for n in _LAYERS),
    *(
        Case(*_layer(n), [_SHAPE], call={"initial_state": state}, raises=True)
        for n in _LAYERS
        for state in ([(2, 3)] * 2, [(2, 3)])
    ),
]

# --- RNN, and cells on cells ---------------------------------------------------------------------------------------

_STACK = [_cell("LSTMCell"), _cell("GRUCell", 6), _cell("SimpleRNNCell", 7)]
_CELLS: list[Any] = [
    _cell("SimpleRNNCell"),
    _cell("GRUCell"),
    _cell("LSTMCell"),
    _cell("GRUCell", reset_after=False),
    _cell("LSTMCell", activation="relu"),
    [_cell("GRUCell"), _cell("GRUCell", 6)],
    [_cell("LSTMCell"), _cell("LSTMCell", 6)],
    _STACK,
    Object("layer", "StackedRNNCells", {"cells": _STACK}),
]
# RNN treats cells alike, but for how many states there are and how they nest: of each kind one sees every option.
_KINDS = [_CELLS[1], _CELLS[2], _STACK]
_RNN = [
    Case("RNN", {"cell": _cell("LSTMCell", **_ANY_DTYPE), **_EVERYTHING}, [_SHAPE]),
    *(Case("RNN", {"cell": cell, "go_backwards": True, **_EVERYTHING}, [_SHAPE]) for cell in _CELLS),
    *(
        Case("RNN", {"cell": cell, "return_sequences": True}, [_MASKED_SHAPE], masks=[_bools(_HOLES)])
        for cell in _CELLS
    ),
    *(
        Case("RNN", {"cell": cell, **options}, [_SHAPE])
        for cell in _KINDS
        for options in ({}, *_RETURNS[1:3], {"unroll": True, "return_sequences": True})
    ),
    *(
        Case("RNN", {"cell": cell, **options}, [_MASKED_SHAPE], masks=[_bools(rows)])
        for cell in _KINDS
        for rows in (_HOLES, _A_ROW_OF_NONE)
        for options in ({}, {"return_sequences": True}, {"zero_output_for_mask": True, "return_sequences": True})
    ),
    *(Case("RNN", {"cell": cell, "stateful": True, "return_sequences": True}, [_SHAPE], calls=2) for cell in _CELLS),
    *(Case("RNN", {"cell": cell}, [(0, 5, 3)], why="an empty batch") for cell in _CELLS if "LSTM" not in str(cell)),
    *(Case("RNN", {"cell": cell}, [integers(2, 1, 3, high=4)]) for cell in _CELLS),
    Case("RNN", {"cell": _cell("GRUCell"), **_EVERYTHING}, [_SHAPE], call={"initial_state": [(2, _UNITS)]}),
    Case("RNN", {"cell": _cell("LSTMCell"), **_EVERYTHING}, [_SHAPE], call={"initial_state": [(2, _UNITS)] * 2}),
    Case(
        "RNN",
        {"cell": [_cell("LSTMCell"), _cell("GRUCell", 6)], **_EVERYTHING},
        [_SHAPE],
        call={"initial_state": [[(2, _UNITS)] * 2, [(2, 6)]]},
        why="nested states",
    ),
    Case(
        "RNN",
        {"cell": _cell("GRUCell"), "activity_regularizer": "l1", "name": "rnn", "trainable": False, "dtype": "float64"},
        [_SHAPE],
    ),
    *(Case("RNN", {"cell": cell}, [_SHAPE], raises=True) for cell in (None, 3, "LSTMCell")),
    Case("RNN", {"cell": Object("layer", "Dense", {"units": 3})}, [_SHAPE], raises=True, why="no state_size"),
    Case("RNN", {"cell": _cell("GRUCell")}, [(2, 3)], raises=True),
    Case("RNN", {"cell": _cell("GRUCell")}, [(2, 0, 3)], raises=True),
]

_STACKED = [
    Case(
        "StackedRNNCells",
        {"cells": [_cell("LSTMCell", **_ANY_DTYPE), _cell("GRUCell", 6, **_ANY_DTYPE)]},
        [(2, 3), [[(2, _UNITS)] * 2, [(2, 6)]]],
    ),
    Case("StackedRNNCells", {"cells": _STACK}, [(2, 3), [[(2, _UNITS)] * 2, [(2, 6)], [(2, 7)]]]),
    Case("StackedRNNCells", {"cells": _STACK[1:]}, [(0, 3), [[(0, 6)], [(0, 7)]]], why="an empty batch"),
    Case("StackedRNNCells", {"cells": _STACK}, [(2, 3), [[(2, _UNITS)] * 2, (2, 6), [(2, 7)]]], why="a state alone"),
    Case(
        "StackedRNNCells",
        {"cells": [_cell("GRUCell"), _cell("GRUCell", 6)], "name": "stack", "trainable": False, "dtype": "float64"},
        [(2, 3), [[(2, _UNITS)], [(2, 6)]]],
    ),
    *(Case("StackedRNNCells", {"cells": cells}, [(2, 3), [[(2, 4)]]], raises=True) for cells in ([3], [None])),
]

# --- dropout -------------------------------------------------------------------------------------------------------

# One unit, the same input everywhere: rows differ by what was dropped for their sequence, and by nothing else.
_FROZEN = {"trainable": False}
_SAMPLES = [
    *(
        Case(n, {"units": 1, **_FROZEN, "dropout": rate, "recurrent_dropout": recurrent, "seed": seed, **options}, [_ALIKE])
        for n in _LAYERS
        for options in ({}, {"activation": "linear", "use_bias": False})
        for rate, recurrent, seed in ((0.3, 0.0, None), (0.0, 0.4, 3), (0.6, 0.2, None), (0.1, 0.7, 11))
    ),
    *(
        Case("GRU", {"units": 1, **_FROZEN, "recurrent_dropout": 0.4, "reset_after": False, "dropout": rate}, [_ALIKE])
        for rate in (0, 0.5)
    ),
    *(Case(n, {"units": 1, **_FROZEN, "dropout": 0.4, "unroll": True, "go_backwards": True}, [_ALIKE]) for n in _LAYERS),
    *(Case("RNN", {"cell": _cell(f"{n}Cell", 1, dropout=0.4), **_FROZEN}, [_ALIKE]) for n in _LAYERS),
    *(
        Case(f"{n}Cell", {"units": 1, **_FROZEN, "dropout": 0.3, "recurrent_dropout": 0.4},
             [_constant(6000, 2), [_constant(6000, 1)] * len(_states(n))])
        for n in _LAYERS
    ),
]  # fmt: skip
_NOTHING_LEFT = [
    Case("SimpleRNN", {"units": _UNITS, "dropout": 1.0}, [_SHAPE], training=True, why="nothing is left of the inputs"),
    Case("SimpleRNN", {"units": _UNITS, "recurrent_dropout": 1}, [_SHAPE], training=True),
    *(
        Case(n, {"units": _UNITS, "dropout": 1.0, "recurrent_dropout": recurrent}, [_SHAPE], training=True,
             why="as if it were 0")
        for n in _GATED
        for recurrent in (0, 1)
    ),
]  # fmt: skip

_TABLE = [*_CELL, *_LAYER, *_MASKED, *_STATEFUL, *_RNN, *_STACKED, *_NOTHING_LEFT]
# Products of options name some twice.
CASES = list({case.id: case for case in [*_TABLE, *each(_SAMPLES, training=True, statistical=True)]}.values())
