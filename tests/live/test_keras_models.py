"""Keras's models, as they are made to be compared."""

from __future__ import annotations

import pytest

from parity.sides.keras_package import load
from parity.sides.models import KerasModel

pytestmark = pytest.mark.keras


def test_a_model_is_made_in_its_dtype_whatever_was_made_before_and_leaves_the_dtype_as_it_was() -> None:
    keras = load("keras", "tensorflow")
    before = keras.layers.Dense(2).compute_dtype
    made = KerasModel(lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), "float64")
    assert {weight.dtype for weight in made.model.weights} == {"float64"}
    assert keras.layers.Dense(2).compute_dtype == before
