"""Keras's operations (`keras.ops`) between layers: read, computed, and written back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import parity
import torch_layers as tl

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = pytest.mark.keras
ops = keras.ops

X = np.random.default_rng(0).standard_normal((3, 4, 5)).astype("float32")
IDS = np.array([[3, -1, 4, 1], [5, 9, -2, 6], [0, 3, 5, 8]], "int32")

EXPRESSIONS = {
    "variance": lambda x: [ops.var(x, axis=1), ops.var(x), ops.std(x, axis=(1, 2), keepdims=True)],
    "moments": lambda x: [*ops.moments(x, axes=[1]), *ops.moments(x, axes=[0, 2], keepdims=True)],
    "logsumexp": lambda x: [ops.logsumexp(x, axis=1), ops.logsumexp(x, axis=(1, 2), keepdims=True), ops.logsumexp(x)],
    "extrema": lambda x: [ops.amax(x, axis=1), ops.amin(x, axis=(1, 2))],
    "cumulated": lambda x: [ops.cumsum(x, axis=1), ops.cumsum(x), ops.cumprod(x, axis=-1)],
    "differences": lambda x: [ops.diff(x, axis=1), ops.diff(x, n=2)],
    "triangles": lambda x: [ops.tril(x), ops.tril(x, k=-1), ops.triu(x, 1)],
    "diagonals": lambda x: [ops.diagonal(x), ops.diagonal(x, offset=1, axis1=1, axis2=2)],
    "roll": lambda x: [ops.roll(x, 2, axis=1), ops.roll(x, 3), ops.roll(x, (1, 2), axis=(1, 2))],
    "take": lambda x: [
        ops.take(x, 1, axis=1),
        ops.take(x, -1, axis=-1),
        ops.take(x, [0, -1, 1], axis=1),
        ops.take(x, 7),
    ],
    "take by tensors": lambda x: ops.take(x, ops.argmax(x[:, :, :4], axis=-1), axis=2),
    "take along an axis": lambda x: ops.take_along_axis(x, ops.argsort(x, axis=1), axis=1),
    "largest": lambda x: list(ops.top_k(x, 2)),
    "products": lambda x: [ops.dot(x, x[0, 0]), ops.dot(x, ops.transpose(x[0])), ops.dot(x, ops.swapaxes(x, 1, 2))],
    "tensordot": lambda x: [ops.tensordot(x, x, axes=[[1, 2], [1, 2]]), ops.outer(x[:, 0, 0], x[0, 0])],
    "parts": lambda x: [*ops.unstack(x, axis=1), *ops.split(x, [1, 3], axis=1)],
    "put together": lambda x: [ops.hstack([x, x]), ops.vstack([x, 2 * x]), ops.ravel(x)],
    "repeated": lambda x: [ops.repeat(x, 2, axis=1), ops.tile(x, [1, 2, 1]), ops.pad(x, [[0, 0], [1, 2], [0, 1]])],
    "moved": lambda x: [ops.moveaxis(x, 1, -1), ops.expand_dims(x, (1, -1)), ops.expand_dims(x, (-1, -2))],
    "alike": lambda x: [ops.zeros_like(x) + x, ops.ones_like(x) * x, ops.full_like(x, 2.5) * x],
    "norms": lambda x: [ops.norm(x, axis=-1), ops.norm(x, ord=1, axis=1, keepdims=True)],
    "normalized": lambda x: [ops.normalize(x, axis=1), ops.normalize(x, order=1), ops.normalize(x, axis=2, order=3)],
    "rounded": lambda x: [ops.round(x), ops.floor(x), ops.ceil(x), ops.trunc(x)],
    "floor division": lambda x: [x // 2.0, 3.0 // x],
    "elementary": lambda x: [
        ops.arctan(x),
        ops.arcsin(ops.tanh(x)),
        ops.exp2(x),
        ops.logaddexp(x, x * x),
        ops.hypot(x, x),
    ],
    "finite": lambda x: [ops.nan_to_num(x), ops.isposinf(x), ops.signbit(x)],
    "no gradient": lambda x: ops.stop_gradient(x) * x,
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_operation_is_read_and_written(expression: Any):
    x = keras.Input((4, 5), batch_size=3)
    model = keras.Model(x, expression(x))
    made = tl.from_keras(model)
    parity.assert_parity(model, made, X)
    again = tl.deserialize(tl.serialize(made))
    back = tl.to_keras(made)
    outputs = made(torch.tensor(X))
    for found in (again(torch.tensor(X)), back(X)):
        for a, b in zip(_listed(outputs), _listed(found), strict=True):
            torch.testing.assert_close(torch.tensor(np.asarray(b)), a)


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


INTEGERS = {
    "mean": lambda x: ops.mean(x, axis=1),
    "sum": lambda x: [ops.sum(x, axis=1), ops.sum(x)],
    "product": lambda x: ops.prod(x, axis=1),
    "cumulated": lambda x: ops.cumsum(x, axis=1),
    "rounded": lambda x: [ops.floor(x), ops.ceil(x)],
    "norm": lambda x: ops.norm(x, axis=1),
    "variance": lambda x: ops.var(x, axis=1),
    "floor division": lambda x: [x // 2, x // 0.7],
    "of booleans": lambda x: [ops.mean(x > 2, axis=1), ops.sum(x > 2, axis=1)],
}


@pytest.mark.parametrize("expression", INTEGERS.values(), ids=INTEGERS)
def test_integers_give_the_dtypes_of_keras(expression: Any):
    x = keras.Input((4,), dtype="int32")
    model = keras.Model(x, expression(x))
    for a, b in zip(_listed(model(IDS)), _listed(tl.from_keras(model)(torch.tensor(IDS))), strict=True):
        torch.testing.assert_close(b, torch.tensor(a.numpy()))
