"""The layers that draw, fed with the same random numbers as Keras's: values and gradients, by the judge's own gates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from parity.case import Case
from parity.run import verdict_of
from parity.sides.torch_layers import TorchLayers
from torch_layers.layers.regularization.noise import _Noise

pytestmark = pytest.mark.keras

OURS = TorchLayers()


def uniform(shape: Any) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).random(tuple(int(n) for n in shape))


def normal(shape: Any) -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).standard_normal(tuple(int(n) for n in shape))


@contextmanager
def the_same_numbers() -> Iterator[None]:
    """Let both sides draw numbers that depend on their shape alone."""
    import tensorflow as tf
    from tensorflow.python.ops import stateless_random_ops

    def tf_uniform(shape: Any, seed: Any = None, dtype: Any = tf.float32, **kwargs: Any) -> Any:
        return tf.constant(uniform(shape), dtype)

    def tf_normal(shape: Any, mean: float, stddev: float, dtype: Any, seed: Any = None) -> Any:
        return tf.constant(normal(shape) * stddev + mean, dtype)

    def our_uniform(self: Any, sizes: Any, x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(uniform(sizes)).to(x.dtype)

    def our_normal(self: Any, mean: float, stddev: float, x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(normal(x.shape) * stddev + mean).to(x.dtype)

    with ExitStack() as stack:
        for owner, name, replacement in (
            (stateless_random_ops, "stateless_random_uniform", tf_uniform),
            (tf.random, "stateless_uniform", tf_uniform),
            (tf.random, "stateless_normal", tf_normal),
            (_Noise, "_uniform", our_uniform),
            (_Noise, "_normal", our_normal),
        ):
            stack.enter_context(mock.patch.object(owner, name, replacement))
        yield


CASES = [
    *(Case("Dropout", {"rate": rate, "seed": 1}, [(3, 4, 5)]) for rate in (0.2, 0.5, 0.9)),
    *(
        Case(name, {"rate": 0.4, "noise_shape": noise_shape, "seed": 1}, [(3, 4, 5)])
        for name in ("Dropout", "AlphaDropout")
        for noise_shape in ((3, 1, 5), (None, None, 1), (1, 1, 1), (4, 5), (5,))
    ),
    Case("SpatialDropout1D", {"rate": 0.4}, [(3, 4, 5)]),
    *(
        Case(name, {"rate": 0.4, "data_format": data_format}, [shape])
        for name, shape in (("SpatialDropout2D", (3, 4, 5, 6)), ("SpatialDropout3D", (3, 4, 2, 5, 6)))
        for data_format in ("channels_first", "channels_last")
    ),
    *(Case("AlphaDropout", {"rate": rate}, [(3, 4, 5)]) for rate in (0.2, 0.5, 0.9)),
    *(Case("GaussianDropout", {"rate": rate}, [(3, 4, 5)]) for rate in (0.2, 0.5, 0.9)),
    *(Case("GaussianNoise", {"stddev": stddev}, [(3, 4, 5)]) for stddev in (0.2, 1)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_equal_to_keras_for_the_same_random_numbers(keras_side, case):
    case = Case(case.name, case.config, case.inputs, training=True)
    with the_same_numbers():
        found = verdict_of(
            case, lambda role, policy: (keras_side if role == "reference" else OURS).compute(case, policy)
        )
    assert found.equal, (found.error, [str(check) for check in found.failures])


def test_without_the_same_numbers_they_differ(keras_side):
    case = Case("GaussianNoise", {"stddev": 1, "seed": 1}, [(3, 4, 5)], training=True)
    found = verdict_of(case, lambda role, policy: (keras_side if role == "reference" else OURS).compute(case, policy))
    assert not found.equal
