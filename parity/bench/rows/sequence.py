"""Rows of recurrent layers, what is around them, and attention."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from parity.bench.handwritten import sequence as by_hand
from parity.bench.rows.row import Row, row
from parity.case import Case, Object, values

_SEQUENCE, _SMALL = (32, 64, 64), (1, 4, 8)
_UNITS: dict[str, Any] = {"units": 128, "return_sequences": True}


def _recurrent(name: str, config: dict[str, Any], work: Any, **rest: Any) -> Row:
    small_config = {"units": 8} if "units" in config else {}
    return row(name, config, [_SEQUENCE], work, [_SMALL], small_config=small_config, **rest)


def _padded(batch: int, time: int) -> Any:
    """A mask of sequences that end at lengths from half the time to all of it."""
    lengths = [time - (row * 7) % (time // 2 + 1) for row in range(batch)]
    return values([[step < length for step in range(time)] for length in lengths], "bool")


def _padded_lstm(batch: int, time: int, features: int, units: int) -> Case:
    states = [(batch, units), (batch, units)]
    return Case("LSTM", {"units": units}, [(batch, time, features), states, _padded(batch, time)])


def _cells(units: int) -> dict[str, Any]:
    return {"cell": [Object("layer", "LSTMCell", {"units": units})] * 2, "return_sequences": True}


RECURRENT = (
    _recurrent("LSTM", _UNITS, partial(by_hand.Kernel, kernel=torch.lstm)),
    _recurrent("GRU", _UNITS, partial(by_hand.Kernel, kernel=torch.gru, layouts=by_hand.GRU)),
    _recurrent("SimpleRNN", _UNITS, partial(by_hand.Kernel, kernel=torch.rnn_tanh)),
    _recurrent("GRU", {**_UNITS, "reset_after": False}, by_hand.GRUBefore, remark="reset before"),
    Row(_padded_lstm(32, 64, 64, 128), _padded_lstm(1, 4, 8, 8), by_hand.PaddedLSTM, "mask"),
    _recurrent("RNN", _cells(128), partial(by_hand.Kernel, kernel=torch.lstm), remark="stacked LSTM"),
)


def _images(name: str, config: dict[str, Any], sizes: tuple[int, ...], small: tuple[int, ...], **rest: Any) -> Row:
    work = partial(by_hand.ConvLSTM, rank=len(sizes) - 3)
    return row(name, {"kernel_size": 3, "padding": "same", **config}, [sizes], work, [small], **rest)


def _around(
    name: str, inner: str, config: dict[str, Any], work: Any, sizes: Any, small: Any, units: dict[str, int]
) -> Row:
    """A layer around another; `units` are those of the small one."""
    around, within = ({"layer": Object("layer", inner, {**config, **change})} for change in ({}, units))
    return row(name, around, [sizes], work, [small], small_config=within, remark=inner)


WRAPPERS = (
    _around("Bidirectional", "LSTM", _UNITS, by_hand.BothWays, _SEQUENCE, _SMALL, {"units": 8}),
    _images("ConvLSTM1D", {"filters": 16}, (8, 8, 64, 8), (1, 4, 8, 4)),
    _images("ConvLSTM2D", {"filters": 16}, (4, 8, 16, 16, 8), (1, 4, 4, 4, 4)),
    _images("ConvLSTM3D", {"filters": 8}, (2, 4, 8, 8, 8, 4), (1, 3, 3, 3, 3, 4)),
    _around("TimeDistributed", "Conv2D", {"filters": 16, "kernel_size": 3}, by_hand.ConvolutionOfSteps,
            (4, 8, 32, 32, 8), (1, 4, 8, 8, 4), {"filters": 4}),
)  # fmt: skip

ROWS = (*RECURRENT, *WRAPPERS)
