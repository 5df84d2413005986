"""Losses by name, and Keras's dicts."""

from __future__ import annotations

from typing import Any

import pytest

from torch_layers import losses

ALIASES = {
    "mean_squared_error": ("mse", "MSE"),
    "mean_absolute_error": ("mae", "MAE"),
    "mean_absolute_percentage_error": ("mape", "MAPE"),
    "mean_squared_logarithmic_error": ("msle", "MSLE"),
    "kl_divergence": ("kld", "KLD"),
    "binary_crossentropy": ("bce", "BCE"),
}


@pytest.mark.parametrize("name", list(ALIASES))
def test_short_names_are_functions(name: str) -> None:
    for alias in (name, *ALIASES[name]):
        assert losses.get(alias) is getattr(losses, name)
        assert losses.deserialize(alias) is getattr(losses, name)


def test_get_takes_what_keras_takes() -> None:
    loss = losses.Huber(delta=2.0)
    assert losses.get(None) is None
    assert losses.get(loss) is loss
    assert isinstance(losses.get("CosineSimilarity"), losses.CosineSimilarity)
    assert isinstance(losses.get(losses.Dice), losses.Dice)
    made = losses.get({"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}})
    assert isinstance(made, losses.CategoricalCrossentropy)
    assert made.from_logits


@pytest.mark.parametrize(
    "identifier, message",
    [
        ("mze", "unknown loss 'mze'.*'mse'"),
        (3, "loss 3 is neither"),
        ({"class_name": "Diec", "config": {}}, "'Diec' .* is not a loss"),
        ({"class_name": "function", "config": "os.system"}, "unknown loss 'os.system'"),
    ],
)
def test_get_refuses(identifier: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        losses.get(identifier)


def test_serialized_as_keras_does() -> None:
    assert losses.serialize(losses.BinaryCrossentropy(label_smoothing=0.1)) == {
        "module": "keras.losses",
        "class_name": "BinaryCrossentropy",
        "config": {
            "name": "binary_crossentropy",
            "reduction": "sum_over_batch_size",
            "from_logits": False,
            "label_smoothing": 0.1,
            "axis": -1,
        },
        "registered_name": None,
    }
    function = {
        "module": "builtins",
        "class_name": "function",
        "config": "mean_squared_error",
        "registered_name": "function",
    }
    assert losses.serialize(losses.mean_squared_error) == function
    assert losses.deserialize(function) is losses.mean_squared_error


@pytest.mark.parametrize(
    "loss, lost",
    [
        (losses.Huber(delta=2.0), "delta"),
        (losses.CosineSimilarity(axis=1), "axis"),
        (losses.SparseCategoricalCrossentropy(axis=1), "axis"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_what_keras_leaves_out_of_its_configs(loss: losses.Loss, lost: str) -> None:
    assert lost not in loss.get_config()
