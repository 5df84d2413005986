"""Wrapper, as the base of a layer around a layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

import torch_layers
from torch_layers import Dense, Wrapper


class Twice(Wrapper):
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x) * 2
        return y


def test_builds_names_and_counts_the_layer_inside() -> None:
    layer, x = Twice(Dense(3)), torch.randn(2, 5)
    y = layer(x)
    assert [(name, tuple(p.shape)) for name, p in layer.named_parameters()] == [
        ("layer.weight", (3, 5)),
        ("layer.bias", (3,)),
    ]
    assert [w.shape for w in layer.get_weights()] == [(5, 3), (3,)]
    assert_close(y, layer.layer(x) * 2)


def test_trainable_false_freezes_the_layer_inside() -> None:
    layer = Twice(Dense(3), trainable=False)
    layer(torch.ones(2, 5))
    assert not any(p.requires_grad for p in layer.parameters())


def test_config_nests_and_comes_back_built() -> None:
    layer = Wrapper(Dense(3, name="inner"), name="outer", input_shape=(5,))
    config = torch_layers.serialize(layer)
    inner = config["config"]["layer"]
    assert (inner["module"], inner["class_name"], inner["config"]["name"]) == ("keras.layers", "Dense", "inner")
    again = torch_layers.deserialize(config)
    assert again.get_config() == layer.get_config()
    assert again.layer.weight.shape == (3, 5)


def test_is_itself_no_layer_to_call() -> None:
    with pytest.raises(NotImplementedError, match="Wrapper defines no forward"):
        Wrapper(Dense(3))(torch.ones(2, 5))


@pytest.mark.parametrize("layer", [3, nn.Linear(3, 4), Dense])
def test_refuses_what_is_no_layer(layer: object) -> None:
    with pytest.raises(ValueError, match=r"Wrapper: layer=.* is not a layer or model of torch_layers"):
        Wrapper(layer)
