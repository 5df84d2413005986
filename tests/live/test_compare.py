"""`parity.compare` and `assert_parity`, for people who port by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import parity
import torch_layers

keras = pytest.importorskip("keras", reason="needs live Keras")
pytestmark = pytest.mark.keras

X = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)


class Port(nn.Module):
    """A hand port of Dense(3, activation="relu"), right unless told otherwise."""

    def __init__(self, features: int = 5, activation=torch.relu) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 3)
        self.activation = activation

    def forward(self, x):
        return self.activation(self.linear(x))


def dense(**kwargs):
    return keras.layers.Dense(3, **{"activation": "relu", **kwargs})


def test_a_right_port_passes_with_weights_of_its_own_kind():
    parity.assert_parity(dense(), Port(), X)
    parity.assert_parity(dense(), torch_layers.Dense(3, activation="relu"), X)


def test_keras_goes_on_with_its_names_after_it():
    before = dense().name
    parity.assert_parity(keras.layers.Dense(3, activation="relu"), Port(), X)
    assert dense().name not in (before, "dense")


def test_a_wrong_port_fails_with_a_message_worth_reading():
    with pytest.raises(parity.ParityError) as caught:
        parity.assert_parity(dense(activation="gelu"), Port(activation=nn.GELU("tanh")), X)
    message = str(caught.value)
    assert message.startswith("Dense (Keras) and Port differ")
    assert "output 0: off by" in message
    assert "gradient of weight 0 (kernel)" in message
    assert "(semantics)" in message
    assert "backend=tensorflow" in message


def test_neither_object_is_changed():
    reference, port = dense(), Port()
    reference.build((None, 5))
    kernel, weight = reference.get_weights()[0], port.linear.weight.detach().clone()
    parity.assert_parity(reference, port, X)
    assert np.array_equal(kernel, reference.get_weights()[0])
    assert torch.equal(weight, port.linear.weight)
    assert port.linear.weight.dtype is torch.float32


def test_present_weights_can_be_compared_as_they_are():
    reference, port = dense(), Port()
    reference.build((None, 5))
    assert not parity.compare(reference, port, X, weights=None).equal
    with torch.no_grad():
        port.linear.weight.copy_(torch.from_numpy(reference.get_weights()[0].T.copy()))
        port.linear.bias.copy_(torch.from_numpy(reference.get_weights()[1]))
    assert parity.compare(reference, port, X, weights=None).equal
    assert parity.compare(reference, Port(), X, weights="transfer").equal


def test_a_mapping_says_how_weights_go_over():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(3))
            self.matrix = nn.Parameter(torch.zeros(3, 5))

        def forward(self, x):
            return torch.relu(x @ self.matrix.T + self.shift)

    with pytest.raises(ValueError, match="weights do not pair off by order and shape"):
        parity.compare(dense(), Odd(), X)
    mapping = {"matrix": ("kernel", "i o -> o i"), "shift": "bias"}
    parity.assert_parity(dense(), Odd(), X, weights=mapping)
    with pytest.raises(ValueError, match=r"Keras has no weight 'kernal'.*did you mean 'kernel'"):
        parity.compare(dense(), Odd(), X, weights={**mapping, "matrix": ("kernal", "i o -> o i")})
    with pytest.raises(ValueError, match=r"nothing is mapped from Keras's \['bias'\]"):
        parity.compare(dense(), Odd(), X, weights={"matrix": ("kernel", "i o -> o i")})


def test_whole_models():
    reference = keras.Sequential([keras.layers.Dense(7, activation="gelu"), keras.layers.Dense(3)])
    reference.build((None, 5))
    parity.assert_parity(reference, nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 3)), X)
    found = parity.compare(reference, nn.Sequential(nn.Linear(5, 7), nn.GELU("tanh"), nn.Linear(7, 3)), X)
    assert not found.equal


def test_losses_and_functions():
    targets = X[::-1].copy()
    parity.assert_parity(keras.losses.Huber(), lambda t, p: torch.nn.functional.huber_loss(p, t), (targets, X))
    parity.assert_parity(keras.losses.Huber(), torch_layers.losses.Huber(), (targets, X))
    parity.assert_parity(keras.ops.tanh, torch.tanh, X)
    assert not parity.compare(keras.losses.Huber(delta=2.0), torch_layers.losses.Huber(), (targets * 4, X)).equal


def test_several_inputs_in_a_list_are_one_argument():
    parity.assert_parity(keras.layers.Add(), torch_layers.Add(), ([X, X + 1],))
