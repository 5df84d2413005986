"""Keras's functional and sequential models, their configs and weights read here: equal outputs, in float64."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import deserialize, serialize

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = [
    pytest.mark.keras,
    # Keras tells of masks that end and of dict inputs; so does torch_layers.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 5, 4))
STEPS = RNG.normal(size=(3, 6, 4))
IDS = RNG.integers(0, 5, size=(4, 6))


@pytest.fixture(autouse=True)
def _float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # it follows floatx only until the first layer is made
    torch.set_default_dtype(torch.float64)
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(before)
    torch.set_default_dtype(torch.float32)


def leaves(structure: Any) -> list[np.ndarray]:
    return [np.asarray(x.detach() if isinstance(x, torch.Tensor) else x) for x in keras.tree.flatten(structure)]


def assert_equal(result: Any, expected: Any) -> None:
    for actual, wanted in zip(leaves(result), leaves(expected), strict=True):
        assert actual.shape == wanted.shape
        np.testing.assert_allclose(actual.astype("float64"), wanted.astype("float64"), rtol=1e-12, atol=1e-12)


def ported(model: Any) -> Any:
    """Return the torch model of a Keras model, whose weights become random; also the config's way through JSON."""
    for weight in model.weights:
        weight.assign(RNG.normal(size=weight.shape))
    config = keras.saving.serialize_keras_object(model)
    direct = deserialize(config)
    made = deserialize(json.loads(json.dumps(config)))
    assert made.code == direct.code
    made.set_weights(model.get_weights())
    return made


def shared() -> Any:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    layer = keras.layers.Dense(4, activation="tanh", name="shared")
    h = layer(keras.layers.Add()([layer(a), b]))
    return keras.Model([a, b], [h, keras.layers.Dense(2)(h)]), [A, B]


def late_and_early() -> Any:
    x = keras.Input((4,))
    late, early = keras.layers.Dense(3)(x), keras.layers.Dense(3)(x)
    for units in (2, 3):
        early = keras.layers.Dense(units)(early)
    return keras.Model(x, [keras.layers.Concatenate()([late, early]), keras.layers.Multiply()([early, late])]), A


def nested() -> Any:
    start = keras.Input((4,))
    middle = keras.layers.Dense(4, name="middle")(start)
    inner = keras.Model(start, [middle, keras.layers.Activation("relu")(middle)], name="inner")
    chain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), keras.layers.ReLU()], name="chain")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    outputs = {"sum": inner(chain(a))[0] + inner(b)[1], "own": inner(b)[0], "list": [chain(chain(b))]}
    return keras.Model({"b": b, "a": a}, outputs), {"a": A, "b": B}


def nested_alone() -> Any:
    start = keras.Input((4,))
    inner = keras.Model(start, [keras.layers.Dense(3)(start), keras.layers.Dense(2)(start)])
    x = keras.Input((4,))
    return keras.Model(x, inner(x)), A


def part() -> Any:
    x = keras.Input((3,))
    start = keras.layers.Dense(4, name="before")(x)
    middle = keras.layers.Dense(3)(start)
    return keras.Model(start, [keras.layers.Dense(2)(middle), middle]), A


def operations() -> Any:
    ops = keras.ops
    x = keras.Input((6, 4))
    y = 1 / (ops.softmax(x, axis=1) + 1) - x[:, ::2, :1].__abs__()[:, :1] ** 2
    z = ops.concatenate([ops.transpose(y, (0, 2, 1)), ops.expand_dims(ops.mean(x, axis=2), 1)], axis=1)
    masked = ops.where(ops.logical_and(x > 0, ops.not_equal(x, 1)), ops.maximum(x, 0.5), ops.clip(x, -1, 1))
    sums = ops.sum(masked, axis=(1, 2), keepdims=True) + ops.max(x, axis=1, keepdims=True)
    shapes = ops.reshape(ops.stack([x, y], axis=2), (-1, 48))
    product = ops.einsum("bij,bkj->bik", x, y) + ops.matmul(x, ops.swapaxes(y, 1, 2))
    return keras.Model(x, [z, sums, shapes, product, ops.argmax(x, axis=-1), ops.split(x, 2, axis=1)[1]]), STEPS


def masks() -> Any:
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=True)(ids)
    y = keras.layers.Masking(0.5)(keras.layers.Dense(4)(x))
    return keras.Model(ids, [keras.layers.Maximum()([x, y]), keras.layers.Concatenate(axis=1)([x, y])]), IDS


def nested_masks() -> Any:
    start = keras.Input((None, 4))
    inner = keras.Model(start, keras.layers.Maximum()([start, keras.layers.Dense(4)(start)]), name="inner")
    ids = keras.Input((None,), dtype="int32")
    return keras.Model(ids, inner(keras.layers.Embedding(5, 4, mask_zero=True)(ids))), IDS


def chain() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(2)]), A


def deferred_chain() -> Any:
    model = keras.Sequential([keras.layers.Embedding(5, 4), keras.layers.Flatten(), keras.layers.Dense(2)])
    model(IDS)
    return model, IDS


MODELS = [
    *(shared, late_and_early, nested, nested_alone, part, operations, masks, nested_masks, chain, deferred_chain),
]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_equal_to_keras(make: Callable[[], Any]):
    model, inputs = make()
    made = ported(model)
    assert_equal(made(inputs), model(inputs))
    # In the order of Keras's, so that weights go over by position alone.
    assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]
    assert_equal(made.predict(inputs, batch_size=2), model.predict(inputs, batch_size=2, verbose=0))


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_keras_reads_our_configs(make: Callable[[], Any]):
    model, inputs = make()
    made = ported(model)
    if make is operations:
        pytest.skip("argmax and split have no single counterpart in torch")
    back = keras.saving.deserialize_keras_object(json.loads(json.dumps(serialize(made))))
    back.set_weights(made.get_weights())
    assert_equal(back(inputs), model(inputs))


def test_models_written_here_order_weights_as_keras_does():
    import torch_layers

    def build(package: Any) -> Any:
        a, b = package.Input((4,), name="a"), package.Input((4,), name="b")
        shared = package.layers.Dense(4, name="s")
        h = shared(package.layers.Add()([package.layers.Dense(4, name="d1")(shared(a)), b]))
        side = package.layers.Dense(3, name="d2")(b)
        deep = package.layers.Dense(3, name="d4")(package.layers.Dense(5, name="d3")(h))
        merged = package.layers.Multiply()([side, deep])
        return package.Model([b, a], {"z": package.layers.Dense(1, name="d5")(merged), "a": side})

    theirs, ours = build(keras), build(torch_layers)
    assert [layer.name for layer in ours.layers if layer.has_own_name] == [
        layer.name for layer in theirs.layers if layer.weights or layer.name in "ab"
    ]
    ours.set_weights(theirs.get_weights())
    assert_equal(ours([B, A]), theirs([B, A]))


def test_masks_reach_the_outputs():
    model, inputs = masks()
    made = ported(model)
    theirs = [output._keras_mask for output in model(inputs)]
    for ours, wanted in zip(made.compute_mask(inputs), theirs, strict=True):
        np.testing.assert_array_equal(ours.numpy(), np.asarray(wanted))


@pytest.mark.parametrize(
    "compiled",
    [
        {"loss": ["mse", "mae"], "loss_weights": [2.0, 0.5]},
        {"loss": ["mse", None]},
        {"loss": "mse", "metrics": [["mae"], ["mse"]], "weighted_metrics": [["mae"], []]},
    ],
    ids=["two losses", "one loss", "metrics"],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_evaluates_as_keras(compiled: dict[str, Any], weighted: bool):
    x = keras.Input((4,))
    h = keras.layers.Dense(3, name="h", kernel_regularizer="l2", activity_regularizer="l1")(x)
    model = keras.Model(x, [h, keras.layers.Dense(2, name="g")(h)])
    made = ported(model)
    inputs = RNG.normal(size=(40, 4))
    targets = [RNG.normal(size=(40, 3)), RNG.normal(size=(40, 2))]
    targets = targets[:1] if compiled["loss"] == ["mse", None] else targets
    weights = [RNG.random(40) for _ in targets] if weighted else None
    # Batches of one size: Keras on TensorFlow forgets to weigh the outputs' own losses by the number of samples.
    arguments = {"batch_size": 8, "sample_weight": weights, "verbose": 0, "return_dict": True}
    model.compile(**compiled)
    made.compile(**compiled)
    theirs, ours = (m.evaluate(inputs, targets, **arguments) for m in (model, made))
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-6), name
