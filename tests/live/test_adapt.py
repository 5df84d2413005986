"""`Normalization.adapt` against Keras's, on the same data: the statistics, and what the layer computes with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import Normalization

pytestmark = pytest.mark.keras

DATA = np.random.default_rng(0).standard_normal((12, 4, 3)).astype(np.float32) * 2 + 1
AS = {
    "array": lambda data: data,
    "batches": lambda data: [data[:5], data[5:6], data[6:]],
    "batches of x and y": lambda data: [(data[:5], 0), (data[5:], 1)],
}


@pytest.mark.parametrize("source", AS)
@pytest.mark.parametrize("axis", [-1, None, 1, (1, 2), (2, 1)])
def test_takes_the_statistics_that_keras_takes(keras: Any, source: str, axis: Any) -> None:
    ours, theirs = Normalization(axis), keras.layers.Normalization(axis)
    ours.adapt(AS[source](DATA))
    theirs.adapt(AS[source](DATA))
    for mine, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-6, atol=1e-6)
        assert mine.dtype == expected.dtype
    np.testing.assert_allclose(ours(torch.from_numpy(DATA)), theirs(DATA), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [-1, None])
def test_takes_the_statistics_of_plain_numbers(keras: Any, axis: Any) -> None:
    ours, theirs = Normalization(axis), keras.layers.Normalization(axis)
    ours.adapt(DATA[0, 0])
    theirs.adapt(DATA[0, 0])
    for mine, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-6, atol=1e-6)
        assert mine.shape == expected.shape
