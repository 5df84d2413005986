"""Rescaling: its arrays, config and refusals; its numbers are in parity/cases/preprocessing.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import Rescaling

X = torch.randn(2, 3, 4)


def test_config_says_what_was_given() -> None:
    config = Rescaling(2, [1, 2.5]).get_config()
    assert (config["scale"], config["offset"]) == (2, [1, 2.5])
    array = Rescaling(np.array([0.5, 2.0])).get_config()["scale"]
    assert array == {"class_name": "__numpy__", "config": {"value": [0.5, 2.0], "dtype": "float64"}}


def test_an_array_moves_with_the_layer_and_is_no_weight() -> None:
    layer = Rescaling(torch.tensor([1.0, 2.0, 3.0, 4.0]), offset=(0.5, 0.25, 0.125, 1.0))
    assert not layer.state_dict()
    assert layer.get_weights() == []
    y = layer.double()(X.double())
    assert y.dtype is torch.float64
    torch.testing.assert_close(y, X.double() * torch.arange(1.0, 5.0) + torch.tensor([0.5, 0.25, 0.125, 1.0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rescaling("2"), "Rescaling: scale='2' is neither a number nor an array of numbers"),
        (lambda: Rescaling(None), "Rescaling: scale=None is neither a number nor an array of numbers"),
        (lambda: Rescaling(1.0, ["a"]), r"Rescaling: offset=\['a'\] is neither a number nor an array of numbers"),
        (
            lambda: Rescaling([1, [2, 3]]),
            r"Rescaling: scale=\[1, \[2, 3\]\] is neither a number nor an array of numbers",
        ),
    ],
)
def test_refuses_in_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
