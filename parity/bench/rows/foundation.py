"""Rows of the core, activation, merging and reshaping layers, activations and losses."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import nn

from parity.bench.handwritten import foundation as handwritten
from parity.bench.rows.row import elementwise, function_of, loss, merge, row
from parity.case import Array, integers, normal, one_hot, probabilities, uniform


def _ids(*shape: int) -> Array:
    return integers(*shape[:-1], high=shape[-1], dtype="int64")


_EQUATION = "abc,cde->abde"

ROWS = (
    row(
        "Dense",
        {"units": 1024, "activation": "relu"},
        [(256, 1024)],
        handwritten.LinearReLU,
        small_config={"units": 32},
        remark="relu",
    ),
    row("Dense", {"units": 256}, [(32, 64, 256)], handwritten.Linear, small_config={"units": 32}, remark="rank 3"),
    row(
        "EinsumDense",
        {"equation": _EQUATION, "output_shape": (None, 8, 64), "bias_axes": "de"},
        [(8, 128, 512)],
        handwritten.Heads,
        [(1, 1, 32)],
        small_config={"output_shape": (None, 4, 8)},
    ),
    row(
        "Embedding",
        {"input_dim": 5000, "output_dim": 128},
        [integers(32, 256, high=5000, dtype="int64")],
        handwritten.Embedding,
        [integers(1, 32, high=5000, dtype="int64")],
    ),
    row(
        "ReversibleEmbedding",
        {"input_dim": 5000, "output_dim": 128},
        [integers(32, 256, high=5000, dtype="int64")],
        handwritten.Embedding,
        [integers(1, 32, high=5000, dtype="int64")],
    ),
    row(
        "ReversibleEmbedding",
        {"input_dim": 5000, "output_dim": 128},
        [(16, 8, 128)],
        handwritten.TiedLogits,
        small_config={"input_dim": 32, "output_dim": 32},
        remark="reverse",
        call={"reverse": True},
    ),
    elementwise("Activation", {"activation": "gelu"}, nn.GELU, remark="gelu"),
    elementwise("ReLU", {}, nn.ReLU),
    elementwise("LeakyReLU", {"negative_slope": 0.3}, partial(nn.LeakyReLU, 0.3)),
    elementwise("PReLU", {}, handwritten.PReLU),
    elementwise("ELU", {}, nn.ELU),
    elementwise("Softmax", {}, partial(nn.Softmax, dim=-1)),
    elementwise("gelu", {}, function_of(F.gelu), kind="activation"),
    elementwise("softmax", {}, function_of(F.softmax, dim=-1), kind="activation"),
    merge("Add", handwritten.Add),
    merge("Subtract", handwritten.Subtract),
    merge("Multiply", handwritten.Multiply),
    merge("Average", handwritten.Average),
    merge("Maximum", handwritten.Maximum),
    merge("Minimum", handwritten.Minimum),
    merge("Concatenate", handwritten.Concatenate),
    row("Dot", {"axes": 2}, [[(32, 128, 64), (32, 128, 64)]], handwritten.Dot, [[(1, 1, 32), (1, 1, 32)]]),
    row("Flatten", {}, [(64, 16, 16, 64)], nn.Flatten, [(1, 4, 8)]),
    elementwise("Reshape", {"target_shape": (-1, 8)}, handwritten.Reshape),
    row("Permute", {"dims": (2, 1)}, [(64, 128, 128)], handwritten.Permute, [(1, 4, 8)]),
    row("RepeatVector", {"n": 16}, [(256, 256)], handwritten.RepeatVector),
    row("Masking", {}, [(64, 256, 64)], handwritten.Masking, [(1, 4, 8)]),
    elementwise("Identity", {}, nn.Identity),
    loss("MeanSquaredError", normal, normal, handwritten.MeanSquaredError),
    loss("MeanAbsoluteError", normal, normal, handwritten.MeanAbsoluteError),
    loss("MeanAbsolutePercentageError", normal, normal, handwritten.MeanAbsolutePercentageError),
    loss("MeanSquaredLogarithmicError", uniform, uniform, handwritten.MeanSquaredLogarithmicError),
    loss("Huber", normal, normal, handwritten.Huber),
    loss("LogCosh", normal, normal, handwritten.LogCosh),
    loss("CosineSimilarity", normal, normal, handwritten.CosineSimilarity),
    loss("KLDivergence", probabilities, probabilities, handwritten.KLDivergence),
    loss("Poisson", uniform, uniform, handwritten.Poisson),
    loss("Hinge", normal, normal, handwritten.Hinge),
    loss("SquaredHinge", normal, normal, handwritten.SquaredHinge),
    loss("CategoricalHinge", one_hot, normal, handwritten.CategoricalHinge),
    loss("BinaryCrossentropy", uniform, normal, handwritten.BinaryCrossentropy, {"from_logits": True}, "logits"),
    loss(
        "BinaryFocalCrossentropy", uniform, normal, handwritten.BinaryFocalCrossentropy, {"from_logits": True}, "logits"
    ),
    loss("CategoricalCrossentropy", one_hot, probabilities, handwritten.CategoricalCrossentropy),
    loss("CategoricalCrossentropy", one_hot, normal, handwritten.LogitsCrossentropy, {"from_logits": True}, "logits"),
    loss("CategoricalFocalCrossentropy", one_hot, probabilities, handwritten.CategoricalFocalCrossentropy),
    loss(
        "SparseCategoricalCrossentropy", _ids, normal, handwritten.LogitsCrossentropy, {"from_logits": True}, "logits"
    ),
    loss(
        "CategoricalGeneralizedCrossEntropy",
        _ids,
        probabilities,
        handwritten.CategoricalGeneralizedCrossEntropy,
        {"q": 0.5},
    ),
    row(
        "CTC",
        {},
        [integers(8, 12, low=1, high=30), normal(8, 64, 30)],
        handwritten.CTC,
        [integers(1, 3, low=1, high=8), normal(1, 8, 8)],
        kind="loss",
    ),
    loss("Dice", uniform, uniform, handwritten.Dice),
    loss("Tversky", uniform, uniform, handwritten.Tversky),
    row(
        "Circle",
        {},
        [integers(256, high=16), normal(256, 128, scale=0.09)],
        handwritten.Circle,
        [integers(4, high=2), normal(4, 8, scale=0.35)],
        kind="loss",
    ),
)
