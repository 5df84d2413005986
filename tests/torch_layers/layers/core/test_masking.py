"""Masking and Identity: what no pair of arrays shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torch_layers
from torch_layers import Identity, Masking

X = torch.tensor([[[2.0, 0.0], [0.0, 2.0], [2.0, 2.0]]])


def test_config_is_keras_s_for_a_number_and_an_array() -> None:
    assert Masking(mask_value=np.float32(2)).get_config()["mask_value"] == 2.0
    layer = Masking(mask_value=np.array([2.0, 0.0], "float32"))
    described = layer.get_config()["mask_value"]
    assert described == {"class_name": "__tensor__", "config": {"value": [2.0, 0.0], "dtype": "float32"}}
    again = torch_layers.deserialize(torch_layers.serialize(layer))
    assert torch.equal(again.compute_mask(X), torch.tensor([[False, True, True]]))


def test_an_array_moves_with_the_layer_and_is_no_state() -> None:
    layer = Masking(mask_value=torch.tensor([2.0, 0.0]))
    assert layer.state_dict() == {}
    assert layer.get_weights() == []
    assert layer.to("meta")(X.to("meta")).is_meta


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_float_that_float32_rounds_equals_nothing_in_other_dtypes(dtype: torch.dtype) -> None:
    x = torch.full((1, 1, 2), 0.1, dtype=dtype)
    layer = Masking(0.1, dtype=dtype)
    assert layer.compute_mask(x).all()
    assert not Masking(0.1).compute_mask(x.new_full((1, 1, 2), 0.1, dtype=torch.float32)).any()


def test_masked_steps_hand_no_gradient_on() -> None:
    x = X.clone().requires_grad_()
    Masking(2.0)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]]


def test_refuses_a_scalar() -> None:
    with pytest.raises(ValueError, match=r"Masking: input of shape \(\) has rank 0, allowed is at least 1"):
        Masking()(torch.tensor(1.0))


def test_identity_gives_back_what_it_gets() -> None:
    layer, mask = Identity(), torch.tensor([True])
    assert layer(X) is X
    nest = {"a": [X, X], "b": X}
    assert layer(nest)["a"][0] is X
    assert layer.compute_mask(X, mask) is mask
