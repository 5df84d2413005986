"""Dense: errors, Keras 2's arguments, configs, LoRA."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torch_layers
from torch_layers import Dense

X = torch.arange(10.0).reshape(2, 5)


@pytest.mark.parametrize("units", [0, -3, 2.0, "3", None, True])
def test_units_must_be_a_positive_int(units):
    with pytest.raises(ValueError, match=rf"^Dense: units={units!r} is not a positive int"):
        Dense(units)


@pytest.mark.parametrize("rank", [-1, 1.5, "2"])
def test_lora_rank_must_be_a_positive_int(rank):
    with pytest.raises(ValueError, match=rf"^Dense: lora_rank={rank!r} is neither a positive int nor None"):
        Dense(3, lora_rank=rank)


@pytest.mark.parametrize("build_first", [False, True])
@pytest.mark.parametrize(
    "x, message",
    [
        (torch.ones(5), r"input of shape \(5,\) has rank 1, allowed is at least 2"),
        (torch.tensor(1.0), r"input of shape \(\) has rank 0"),
    ],
)
def test_the_rank_is_named(x, message, build_first):
    layer = Dense(3, **({"input_dim": 5} if build_first else {}))
    with pytest.raises(ValueError, match=f"^Dense: {message}"):
        layer(x)
    assert layer.built is build_first


def test_another_last_axis_is_named():
    layer = Dense(3, input_shape=(5,))
    with pytest.raises(ValueError, match=r"^Dense: input of shape \(2, 4\) has size 4 in axis -1, .* built for 5"):
        layer(X[:, :4])


def test_keras_2_weights_and_input_shape():
    kernel, bias = np.arange(15.0, dtype="float32").reshape(5, 3), np.ones(3, "float32")
    layer = Dense(3, weights=[kernel, bias], input_shape=(5,))
    assert torch.equal(layer.weight, torch.from_numpy(kernel.T))
    assert torch.equal(layer(X), X @ torch.from_numpy(kernel) + 1)
    with pytest.raises(ValueError, match=r"^Dense: set_weights: array 0 \('kernel'\) has shape \(3, 5\)"):
        Dense(3, weights=[kernel.T, bias], input_shape=(5,))


def test_config_names_the_activity_regularizer_only_where_there_is_one_as_in_keras():
    assert "activity_regularizer" not in Dense(3).get_config()
    assert Dense(3, activity_regularizer="l2").get_config()["activity_regularizer"]["class_name"] == "L2"


def test_a_quantization_config_is_carried_along():
    described = {
        "module": "keras.quantizers",
        "class_name": "Int8QuantizationConfig",
        "config": {"weight_quantizer": None},
    }
    layer = Dense(3, quantization_config=described)
    again = Dense.from_config(layer.get_config())
    assert again.quantization_config == described
    assert torch_layers.deserialize(torch_layers.serialize(layer)).get_config()["quantization_config"] == described


def test_lora_of_a_frozen_layer_is_frozen():
    layer = Dense(3, lora_rank=2, trainable=False)
    layer(X)
    assert not any(p.requires_grad for p in layer.parameters())


def test_lora_alpha_counts_for_enable_lora_but_not_for_the_constructor_as_in_keras():
    layer = Dense(3, lora_rank=2, lora_alpha=6.0)
    assert layer.get_config()["lora_alpha"] == 6.0
    layer(X)
    assert layer.get_config()["lora_alpha"] == 2
    other = Dense(3, input_shape=(5,))
    other.enable_lora(2, lora_alpha=6.0)
    assert other.get_config()["lora_alpha"] == 6.0
    assert {"lora_rank", "lora_alpha"}.isdisjoint(Dense(3, lora_alpha=6.0).get_config())
