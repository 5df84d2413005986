"""What is timed, as data: a row is a case at a working size and at a small one, and the same work by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import nn

from parity.bench import handwritten
from parity.case import Array, Case, integers, normal, one_hot, probabilities, uniform
from parity.cases import name_of
from torch_layers.registry import nearest

SIZES = ("working", "small")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `case` is the work at a size at which a call takes about 0.2 to 20 ms (views take none), `small` at (1, 32), where
    all that counts is what surrounds the kernels. `by_hand` makes a module, or is a function's maker, from the case's
    weights in Keras's layout. `remark` tells rows of one name apart.
    """

    case: Case
    small: Case
    by_hand: Callable[..., Any]
    remark: str = ""

    @property
    def label(self) -> str:
        """The row's name in the table."""
        return f"{name_of(self.case)} {self.remark}".strip()

    def at(self, size: str) -> Case:
        """Return the case of one of `SIZES`."""
        return self.case if size == "working" else self.small


def _row(
    name: str,
    config: Mapping[str, Any],
    inputs: Sequence[Any],
    by_hand: Callable[..., Any],
    small: Sequence[Any] = ((1, 32),),
    *,
    small_config: Mapping[str, Any] | None = None,
    remark: str = "",
    **rest: Any,
) -> Row:
    case = Case(name, config, inputs, **rest)
    return Row(case, replace(case, inputs=small, config={**config, **(small_config or {})}), by_hand, remark)


def _elementwise(name: str, config: Mapping[str, Any], by_hand: Callable[..., Any], **rest: Any) -> Row:
    return _row(name, config, [(256, 4096)], by_hand, **rest)


def _merge(name: str, by_hand: Callable[..., Any], config: Mapping[str, Any] | None = None) -> Row:
    return _row(name, config or {}, [[(256, 4096), (256, 4096)]], by_hand, [[(1, 32), (1, 32)]])


def _loss(
    name: str,
    y_true: Callable[..., Array],
    y_pred: Callable[..., Array],
    by_hand: Callable[..., Any],
    config: Mapping[str, Any] | None = None,
    remark: str = "",
) -> Row:
    big, small = ([y_true(*shape), y_pred(*shape)] for shape in ((256, 4096), (1, 32)))
    return _row(name, config or {}, big, by_hand, small, remark=remark, kind="loss")


def _function(function: Callable[..., Any], **fixed: Any) -> Callable[[], Any]:
    """Return a maker of `function`, which has no weights."""
    return partial(partial, function, **fixed)


def _ids(*shape: int) -> Array:
    return integers(*shape[:-1], high=shape[-1], dtype="int64")


_EQUATION = "abc,cde->abde"

ROWS = (
    _row(
        "Dense",
        {"units": 1024, "activation": "relu"},
        [(256, 1024)],
        handwritten.LinearReLU,
        small_config={"units": 32},
        remark="relu",
    ),
    _row("Dense", {"units": 256}, [(32, 64, 256)], handwritten.Linear, small_config={"units": 32}, remark="rank 3"),
    _row(
        "EinsumDense",
        {"equation": _EQUATION, "output_shape": (None, 8, 64), "bias_axes": "de"},
        [(8, 128, 512)],
        handwritten.Heads,
        [(1, 1, 32)],
        small_config={"output_shape": (None, 4, 8)},
    ),
    _row(
        "Embedding",
        {"input_dim": 5000, "output_dim": 128},
        [integers(32, 256, high=5000, dtype="int64")],
        handwritten.Embedding,
        [integers(1, 32, high=5000, dtype="int64")],
    ),
    _row(
        "ReversibleEmbedding",
        {"input_dim": 5000, "output_dim": 128},
        [integers(32, 256, high=5000, dtype="int64")],
        handwritten.Embedding,
        [integers(1, 32, high=5000, dtype="int64")],
    ),
    _row(
        "ReversibleEmbedding",
        {"input_dim": 5000, "output_dim": 128},
        [(16, 8, 128)],
        handwritten.TiedLogits,
        small_config={"input_dim": 32, "output_dim": 32},
        remark="reverse",
        call={"reverse": True},
    ),
    _elementwise("Activation", {"activation": "gelu"}, nn.GELU, remark="gelu"),
    _elementwise("ReLU", {}, nn.ReLU),
    _elementwise("LeakyReLU", {"negative_slope": 0.3}, partial(nn.LeakyReLU, 0.3)),
    _elementwise("PReLU", {}, handwritten.PReLU),
    _elementwise("ELU", {}, nn.ELU),
    _elementwise("Softmax", {}, partial(nn.Softmax, dim=-1)),
    _elementwise("gelu", {}, _function(F.gelu), kind="activation"),
    _elementwise("softmax", {}, _function(F.softmax, dim=-1), kind="activation"),
    _merge("Add", handwritten.Add),
    _merge("Subtract", handwritten.Subtract),
    _merge("Multiply", handwritten.Multiply),
    _merge("Average", handwritten.Average),
    _merge("Maximum", handwritten.Maximum),
    _merge("Minimum", handwritten.Minimum),
    _merge("Concatenate", handwritten.Concatenate),
    _row("Dot", {"axes": 2}, [[(32, 128, 64), (32, 128, 64)]], handwritten.Dot, [[(1, 1, 32), (1, 1, 32)]]),
    _row("Flatten", {}, [(64, 16, 16, 64)], nn.Flatten, [(1, 4, 8)]),
    _elementwise("Reshape", {"target_shape": (-1, 8)}, handwritten.Reshape),
    _row("Permute", {"dims": (2, 1)}, [(64, 128, 128)], handwritten.Permute, [(1, 4, 8)]),
    _row("RepeatVector", {"n": 16}, [(256, 256)], handwritten.RepeatVector),
    _row("Masking", {}, [(64, 256, 64)], handwritten.Masking, [(1, 4, 8)]),
    _elementwise("Identity", {}, nn.Identity),
    _loss("MeanSquaredError", normal, normal, handwritten.MeanSquaredError),
    _loss("MeanAbsoluteError", normal, normal, handwritten.MeanAbsoluteError),
    _loss("MeanAbsolutePercentageError", normal, normal, handwritten.MeanAbsolutePercentageError),
    _loss("MeanSquaredLogarithmicError", uniform, uniform, handwritten.MeanSquaredLogarithmicError),
    _loss("Huber", normal, normal, handwritten.Huber),
    _loss("LogCosh", normal, normal, handwritten.LogCosh),
    _loss("CosineSimilarity", normal, normal, handwritten.CosineSimilarity),
    _loss("KLDivergence", probabilities, probabilities, handwritten.KLDivergence),
    _loss("Poisson", uniform, uniform, handwritten.Poisson),
    _loss("Hinge", normal, normal, handwritten.Hinge),
    _loss("SquaredHinge", normal, normal, handwritten.SquaredHinge),
    _loss("CategoricalHinge", one_hot, normal, handwritten.CategoricalHinge),
    _loss("BinaryCrossentropy", uniform, normal, handwritten.BinaryCrossentropy, {"from_logits": True}, "logits"),
    _loss(
        "BinaryFocalCrossentropy", uniform, normal, handwritten.BinaryFocalCrossentropy, {"from_logits": True}, "logits"
    ),
    _loss("CategoricalCrossentropy", one_hot, probabilities, handwritten.CategoricalCrossentropy),
    _loss("CategoricalCrossentropy", one_hot, normal, handwritten.LogitsCrossentropy, {"from_logits": True}, "logits"),
    _loss("CategoricalFocalCrossentropy", one_hot, probabilities, handwritten.CategoricalFocalCrossentropy),
    _loss(
        "SparseCategoricalCrossentropy", _ids, normal, handwritten.LogitsCrossentropy, {"from_logits": True}, "logits"
    ),
    _loss(
        "CategoricalGeneralizedCrossEntropy",
        _ids,
        probabilities,
        handwritten.CategoricalGeneralizedCrossEntropy,
        {"q": 0.5},
    ),
    _row(
        "CTC",
        {},
        [integers(8, 12, low=1, high=30), normal(8, 64, 30)],
        handwritten.CTC,
        [integers(1, 3, low=1, high=8), normal(1, 8, 8)],
        kind="loss",
    ),
    _loss("Dice", uniform, uniform, handwritten.Dice),
    _loss("Tversky", uniform, uniform, handwritten.Tversky),
    _row(
        "Circle",
        {},
        [integers(256, high=16), normal(256, 128, scale=0.09)],
        handwritten.Circle,
        [integers(4, high=2), normal(4, 8, scale=0.35)],
        kind="loss",
    ),
)


def select_rows(patterns: Sequence[str]) -> list[Row]:
    """Return the rows whose name or label matches a pattern; all for none.

    Raises: ValueError for a pattern that matches nothing, with the nearest name.
    """
    chosen: set[str] = set()
    for pattern in patterns or ["*"]:
        found = {r.label for r in ROWS if fnmatchcase(name_of(r.case), pattern) or r.label == pattern}
        if not found:
            names = sorted({name_of(row.case) for row in ROWS})
            raise ValueError(f"no row of the bench is called {pattern!r}{nearest(pattern, names)}")
        chosen |= found
    return [row for row in ROWS if row.label in chosen]
