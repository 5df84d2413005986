"""Whole models go from Keras to torch_layers and back by their configs and weights."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers
from parity import draw
from parity.case import Case
from parity.cases import all_cases
from parity.sides.base import leaves
from parity.sides.torch_layers import TorchLayers

pytestmark = pytest.mark.keras

OURS = TorchLayers()
MODELS = [case for case in all_cases() if case.kind == "model" and case.dtype == "float32" and not case.raises]
every_model = pytest.mark.parametrize("case", MODELS, ids=lambda case: case.id)


def arguments(function: Any) -> list[tuple[str, Any]]:
    named = inspect.signature(function).parameters.values()
    return [(p.name, p.default) for p in named if p.kind is not p.VAR_KEYWORD]


def test_input_and_models_have_keras_s_signatures(keras):
    functional = type(keras.Model(x := keras.Input((1,)), x))
    assert arguments(torch_layers.Input) == arguments(keras.Input)
    assert arguments(torch_layers.Sequential.__init__) == arguments(keras.Sequential.__init__)
    ours = arguments(type(torch_layers.Model(y := torch_layers.Input((1,)), y)).__init__)
    # Keras takes `trainable` too, without naming it.
    assert [argument for argument in ours if argument[0] != "trainable"] == arguments(functional.__init__)


@pytest.mark.parametrize("method", ["compile", "predict", "evaluate", "summary", "get_layer", "count_params"])
def test_methods_of_a_model_take_arguments_of_keras_s_in_its_order(keras, method):
    ours, theirs = (
        [name for name, _ in arguments(getattr(model, method))] for model in (torch_layers.Model, keras.Model)
    )
    assert ours == [name for name in theirs if name in ours]


def called(side: Any, model: Any, case: Case) -> list[Any]:
    """Return a model's outputs for the inputs of a case, as numpy arrays."""
    convert = side._inputs if side is OURS else side._tensors
    (args, _), _ = convert([draw.inputs(case, "float32"), {}])
    if side is OURS:
        model.eval()  # as Keras calls unless it is told to train
    with torch.no_grad():
        return [np.asarray(y) for y in leaves(model(*args)) if y is not None]


def with_weights(side: Any, case: Case) -> Any:
    """Return a model with weights of the case, not its initial zeros and ones."""
    model = side.make(case, case, "float32")
    called(side, model, case)
    shapes = [("variance", weight.shape, "float32") for weight in model.get_weights()]
    model.set_weights(draw.weights(case, shapes, "float32"))  # positive, as variances must be
    return model


def in_a_file(config: Any) -> Any:
    return json.loads(json.dumps(config))


@every_model
def test_model_goes_from_keras_to_torch(keras_side, keras, case):
    theirs = with_weights(keras_side, case)
    ours = torch_layers.deserialize(in_a_file(keras.saving.serialize_keras_object(theirs)))
    ours.set_weights(theirs.get_weights())
    for mine, expected in zip(called(OURS, ours, case), called(keras_side, theirs, case), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert ours.count_params() == theirs.count_params()


@every_model
def test_model_goes_from_torch_to_keras(keras_side, keras, case):
    ours = with_weights(OURS, case)
    theirs = keras.saving.deserialize_keras_object(in_a_file(torch_layers.serialize(ours)))
    theirs.set_weights(ours.get_weights())
    for mine, expected in zip(called(OURS, ours, case), called(keras_side, theirs, case), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


@every_model
def test_model_reads_its_own_config(case):
    ours = with_weights(OURS, case)
    again = torch_layers.deserialize(in_a_file(torch_layers.serialize(ours)))
    again.set_weights(ours.get_weights())
    for mine, expected in zip(called(OURS, again, case), called(OURS, ours, case), strict=True):
        np.testing.assert_array_equal(mine, expected)
