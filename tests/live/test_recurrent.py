"""Models with recurrent layers, from live Keras: configs, states, dropout with the same masks, a training step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl

pytestmark = pytest.mark.keras

LAYERS = ("SimpleRNN", "GRU", "LSTM")
RNG = np.random.default_rng(5)
X = RNG.standard_normal((6, 5, 3)).astype("float32")


def close(ours: Any, theirs: Any, tolerance: float = 2e-6) -> None:
    ours = ours if isinstance(ours, (list, tuple)) else [ours]
    theirs = theirs if isinstance(theirs, (list, tuple)) else [theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            a.detach().numpy() if isinstance(a, torch.Tensor) else a, np.asarray(b), rtol=tolerance, atol=tolerance
        )


def randomized(layer: Any) -> Any:
    layer.set_weights([RNG.standard_normal(w.shape) * 0.5 for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "go_backwards": True, "zero_output_for_mask": True, "unroll": True},
        {"dropout": 0.3, "recurrent_dropout": 0.2, "activity_regularizer": "l2", "kernel_regularizer": "l1"},
        {"activation": "relu", "use_bias": False, "bias_constraint": "non_neg", "trainable": False},
    ],
)
def test_configs_of_layers_and_cells(keras: Any, name: str, options: dict[str, Any]) -> None:
    theirs, ours = getattr(keras.layers, name)(4, name="r", **options), getattr(tl, name)(4, name="r", **options)
    assert ours.get_config() == theirs.get_config()
    assert type(theirs).from_config(ours.get_config()).get_config() == theirs.get_config()
    cells = theirs.cell.get_config(), ours.cell.get_config()
    assert {**cells[0], "name": ""} == {**cells[1], "name": ""}
    theirs = keras.layers.RNN([theirs.cell, keras.layers.GRUCell(3, name="g")], name="stack")
    assert (
        tl.from_keras(theirs).get_config()["cell"]["config"]["cells"][1]
        == theirs.get_config()["cell"]["config"]["cells"][1]
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, {}) for name in LAYERS), ("GRU", {"reset_after": False}), ("LSTM", {"implementation": 1})],
)
@pytest.mark.parametrize(("dropout", "recurrent"), [(0.25, 0.0), (0.0, 0.5), (0.25, 0.5)])
@pytest.mark.parametrize("mask", [None, RNG.random((6, 5)) < 0.6])
def test_dropout_with_the_same_masks(
    keras: Any, name: str, options: dict[str, Any], dropout: float, recurrent: float, mask: Any
) -> None:
    config = {"dropout": dropout, "recurrent_dropout": recurrent, **options}
    # Around a cell, as Keras's LSTM can't be called with one mask for each gate and no recurrent dropout.
    theirs, ours = (
        library.RNN(getattr(library, f"{name}Cell")(4, **config), return_sequences=True)
        for library in (keras.layers, tl)
    )
    theirs(X)
    randomized(theirs)
    ours(torch.tensor(X))
    ours.set_weights(theirs.get_weights())
    count = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}[name]
    of_inputs = (RNG.random((count, 6, 3)) > dropout) / (1 - dropout)
    of_states = (RNG.random((count, 6, 4)) > recurrent) / (1 - recurrent)
    each = count > 1 and (recurrent > 0 or "implementation" in options)
    # Keras takes the masks that a cell has already, here before the call.
    order = [1, 0, 2] if name == "GRU" else list(range(count))  # torch's order of the gates, for Keras's
    tensors = [keras.ops.convert_to_tensor(m.astype("float32")) for m in of_inputs]
    theirs.cell._dropout_mask = (tensors if each else tensors[0]) if dropout else None
    tensors = [keras.ops.convert_to_tensor(m.astype("float32")) for m in of_states]
    theirs.cell._recurrent_dropout_mask = (tensors if each else tensors[0]) if recurrent else None

    def drawn(x: torch.Tensor, rate: float, many: int | None = None) -> torch.Tensor:
        found = of_inputs if x.shape[-1] == 3 else of_states
        assert rate == (dropout if x.shape[-1] == 3 else recurrent)
        return torch.tensor(found[order] if many and many > 1 else found[0], dtype=x.dtype)

    ours.cell._dropped = drawn
    given = {} if mask is None else {"mask": torch.tensor(mask)}
    close(ours.train()(torch.tensor(X), **given), theirs(X, mask=mask, training=True))


def encoder_decoder(keras: Any) -> Any:
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None, 3))
    embedded = keras.layers.Embedding(9, 4, mask_zero=True)(source)
    _, h, c = keras.layers.LSTM(5, return_state=True)(embedded)
    decoded = keras.layers.LSTM(5, return_sequences=True)(target, initial_state=[h, c])
    return keras.Model([source, target], keras.layers.Dense(2)(decoded))


def deep(keras: Any) -> Any:
    ids = keras.Input((7,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
    x = keras.layers.GRU(5, return_sequences=True, reset_after=False)(x)
    x = keras.layers.SimpleRNN(4, return_sequences=True, go_backwards=True)(x)
    x = keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(4)], return_sequences=True)(x)
    return keras.Model(ids, keras.layers.LSTM(2, kernel_regularizer="l2")(x))


@pytest.mark.parametrize("make", [encoder_decoder, deep])
def test_models(keras: Any, make: Any) -> None:
    theirs = randomized(make(keras))
    ours = tl.from_keras(theirs)
    ids = RNG.integers(0, 9, (6, 7)).astype("int32")
    ids[:, 0] = 0
    ids[0] = 0
    inputs = [ids, X] if len(theirs.inputs) > 1 else ids
    tensors = [torch.tensor(i) for i in inputs] if isinstance(inputs, list) else torch.tensor(inputs)
    close(ours(tensors), theirs(inputs))
    # A training step.
    import tensorflow as tf

    target = RNG.standard_normal(theirs(inputs).shape).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(theirs(inputs) - target)) + sum(theirs.losses)
    keras.optimizers.SGD(0.5).apply_gradients(
        zip(tape.gradient(loss, theirs.trainable_variables), theirs.trainable_variables, strict=True)
    )
    optimizer = torch.optim.SGD(ours.parameters(), 0.5)
    (((ours.train()(tensors) - torch.tensor(target)) ** 2).mean() + sum(ours.losses)).backward()
    optimizer.step()
    close(ours.get_weights(), theirs.get_weights())
    assert ours.get_config().keys() == theirs.get_config().keys()


def test_stateful_model_goes_on_as_keras_s(keras: Any) -> None:
    x = keras.Input(batch_shape=(6, 5, 3))
    y = keras.layers.GRU(4, stateful=True, return_sequences=True)(x)
    theirs = randomized(keras.Model(x, keras.layers.LSTM(3, stateful=True)(y)))
    ours = tl.from_keras(theirs)
    for _ in range(3):
        close(ours(torch.tensor(X)), theirs(X))
    for model in (theirs, ours):
        for layer in model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()
    close(ours(torch.tensor(X)), theirs(X))


def test_a_user_s_own_cell(keras: Any) -> None:
    class Minimal(keras.layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")

        def call(self, inputs: Any, states: Any) -> Any:
            output = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(states[0], self.recurrent_kernel)
            return output, [output]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    class Ours(tl.Layer):
        takes_integers = False

        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = self.state_size = units
            self.add_weight("weight", "i o -> o i", "glorot_uniform", keras_name="kernel")
            self.add_weight("recurrent", "i o -> o i", "glorot_uniform", keras_name="recurrent_kernel")

        def build(self, input_shape: Any) -> None:
            self.create_weights(weight=(input_shape[-1], self.units), recurrent=(self.units, self.units))

        def forward(self, inputs: Any, states: Any) -> Any:
            output = inputs @ self.weight.t() + states[0] @ self.recurrent.t()
            return output, [output]

    x = keras.Input((5, 3))
    theirs = randomized(keras.Model(x, keras.layers.RNN(Minimal(4), return_sequences=True)(x)))
    ours = tl.from_keras(theirs, custom_objects={"Minimal": Ours})
    close(ours(torch.tensor(X)), theirs(X))
