"""Losses of live Keras 2: what `from_keras` makes of them has tf-keras's own values."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers import from_keras, registry
from torch_layers.saving.legacy.activations import legacy_hard_sigmoid

pytest.importorskip("tensorflow", reason="needs live Keras 2")
tf_keras = pytest.importorskip("tf_keras", reason="needs live Keras 2")
pytestmark = pytest.mark.keras

RNG = np.random.default_rng(0)
BINARY = ("BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", "SquaredHinge")
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "BinaryCrossentropy": [{"from_logits": True}, {"label_smoothing": 0.2}, {"axis": 1}],
    "BinaryFocalCrossentropy": [
        {"apply_class_balancing": True, "alpha": 0.4},
        {"gamma": 3.0, "from_logits": True},
        {"label_smoothing": 0.1},
    ],
    "CategoricalCrossentropy": [{"from_logits": True}, {"label_smoothing": 0.2}, {"axis": 1}],
    "CategoricalFocalCrossentropy": [{"alpha": 0.4, "gamma": 1.5}, {"from_logits": True}, {"label_smoothing": 0.1}],
    "SparseCategoricalCrossentropy": [{"from_logits": True}, {"ignore_class": 1}],
    "CosineSimilarity": [{"axis": 1}],
    "Huber": [{"delta": 0.3}],
}
NAMES = [
    name
    for name, cls in inspect.getmembers(tf_keras.losses, inspect.isclass)
    if issubclass(cls, tf_keras.losses.Loss) and cls is not tf_keras.losses.Loss
]


def data(name: str, config: dict[str, Any]) -> tuple[Any, Any]:
    """Return targets and predictions of the kind that a loss takes; probabilities that are saturated too."""
    shape = (3, 4, 5)
    y_pred = RNG.normal(size=shape)
    is_probability = "entropy" in name or name in ("KLDivergence", "Poisson")
    if is_probability and not config.get("from_logits"):
        y_pred = RNG.uniform(0.05, 1, size=shape)
        y_pred[0, 0] = [0.0, 1.0, 1e-7, 1 - 1e-7, 0.3]
        if "Categorical" in name:
            y_pred /= y_pred.sum(-1, keepdims=True)
    if name == "SparseCategoricalCrossentropy":
        return RNG.integers(0, 5, size=shape[:-1]), y_pred
    if "Categorical" in name:
        return np.eye(5)[RNG.integers(0, 5, size=shape[:-1])], y_pred
    if name in BINARY:
        return RNG.integers(0, 2, size=shape).astype("float64"), y_pred
    return RNG.uniform(0, 1, size=shape), y_pred


def test_all_losses_that_both_have_are_here():
    assert len(NAMES) == 17
    assert set(NAMES) <= set(registry.losses)


@pytest.mark.parametrize(
    ("name", "config"), [(name, config) for name in NAMES for config in ({}, *OPTIONS.get(name, []))], ids=str
)
@pytest.mark.parametrize("reduction", ["auto", "sum", "none", "sum_over_batch_size"])
def test_a_loss_has_its_value(name, config, reduction):
    theirs = getattr(tf_keras.losses, name)(**config, reduction=reduction)
    ours = from_keras(theirs)
    assert isinstance(ours, getattr(tl.losses, name))
    y_true, y_pred = data(name, config)
    axis = (
        config.get("axis", -1) if name in ("CategoricalCrossentropy", "CosineSimilarity", "BinaryCrossentropy") else -1
    )
    weights = RNG.uniform(0.1, 2, size=np.delete(y_pred.shape, axis))
    for given in (None, weights):
        expected = theirs(y_true, y_pred, sample_weight=given).numpy()
        found = ours(y_true, y_pred, sample_weight=given).numpy()
        assert found.shape == expected.shape
        # TF-Keras has epsilons, and the logarithm of 2, in float32.
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_has_its_value(name):
    function = getattr(tf_keras.losses, tl.registry.snake_case(name))
    y_true, y_pred = data(name, {})
    found = from_keras(function)(torch.from_numpy(y_true), torch.from_numpy(y_pred))
    np.testing.assert_allclose(found, function(y_true, y_pred), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["binary_crossentropy", "binary_focal_crossentropy"])
def test_an_axis_that_is_not_there_is_named(name):
    function, y = from_keras(getattr(tf_keras.losses, name)), torch.full((2, 3), 0.5)
    with pytest.raises(ValueError, match=f"^{name}: .*axis=5"):
        function(y, y, axis=5)


def test_a_loss_of_ones_own_is_asked_for():
    class Mine(tf_keras.losses.Loss):
        def call(self, y_true, y_pred):
            return (y_true - y_pred) ** 4

    class Ours(tl.losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_true - y_pred) ** 4).mean(-1)

    found = from_keras(Mine(reduction="sum"), {"Mine": Ours})
    assert (type(found), found.reduction) == (Ours, "sum")
    assert from_keras(Mine(), {"Mine": Ours}).reduction == "sum_over_batch_size"
    with pytest.raises(ValueError, match="Mine"):
        from_keras(Mine())


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_metrics_are_refused(package):
    keras = pytest.importorskip(package, reason=f"needs live {package}")
    with pytest.raises(TypeError, match="from_keras: MeanSquaredError is a metric, and torch_layers has none"):
        from_keras(keras.metrics.MeanSquaredError())


def test_a_function_that_changed_its_meaning_keeps_it():
    assert from_keras(tf_keras.activations.hard_sigmoid) is legacy_hard_sigmoid
    assert from_keras(tf_keras.activations.relu) is tl.activations.relu
    assert from_keras(pytest.importorskip("keras").activations.hard_sigmoid) is tl.activations.hard_sigmoid
