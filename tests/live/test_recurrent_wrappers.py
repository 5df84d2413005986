"""Models with wrappers and convolutional LSTMs, from live Keras: eval, a training step, configs, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers as tl

pytestmark = pytest.mark.keras

RNG = np.random.default_rng(7)


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    ours, theirs = (list(value) if isinstance(value, (list, tuple)) else [value] for value in (ours, theirs))
    for a, b in zip(ours, theirs, strict=True):
        a = a.detach().numpy() if isinstance(a, torch.Tensor) else a
        np.testing.assert_allclose(a, np.asarray(b), rtol=tolerance, atol=tolerance)


def shaken(model: Any) -> Any:
    weights = model.get_weights()
    model.set_weights([np.abs(RNG.standard_normal(w.shape)) * 0.5 + 0.1 * (w.ndim == 1) for w in weights])
    return model


# --- models ----------------------------------------------------------------------------------------------------------


def tagger(keras: Any) -> tuple[Any, Any]:
    """Tags for the words of padded sentences."""
    layers = keras.layers
    ids = keras.Input((None,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(ids)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum")(x)
    sentences = RNG.integers(1, 9, (4, 6))
    sentences[0, 4:], sentences[1, 2:], sentences[2, :3] = 0, 0, 0
    return keras.Model(ids, layers.TimeDistributed(layers.Dense(2, activation="tanh"))(x)), sentences.astype("int32")


def video(keras: Any) -> tuple[Any, Any]:
    """The next image of a video."""
    layers = keras.layers
    x = keras.Input((4, 5, 6, 2))
    y = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, kernel_regularizer="l2")(x)
    y = layers.BatchNormalization()(y)
    y = layers.Bidirectional(layers.ConvLSTM2D(2, (2, 3), strides=2, recurrent_activation="hard_sigmoid"))(y)
    return keras.Model(x, layers.Conv2D(1, 2)(y)), RNG.standard_normal((3, 4, 5, 6, 2)).astype("float32")


def steps(keras: Any) -> tuple[Any, Any]:
    """A convolutional network for each image, and an LSTM over what it says."""
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            layers.Conv2D(3, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.7),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
        ]
    )
    x = keras.Input((4, 6, 5, 2))
    y = layers.TimeDistributed(layers.AveragePooling2D(2, strides=1, padding="same"))(x)
    y = layers.TimeDistributed(inner)(y)
    return keras.Model(x, layers.LSTM(3)(y)), RNG.standard_normal((3, 4, 6, 5, 2)).astype("float32")


MODELS = [tagger, video, steps]


@pytest.mark.parametrize("make", MODELS)
def test_model_agrees_in_eval_and_in_a_training_step(keras: Any, make: Callable[..., Any]) -> None:
    import tensorflow as tf

    theirs, inputs = make(keras)
    ours = tl.from_keras(shaken(theirs))
    x = torch.tensor(inputs)
    close(ours(x), theirs(inputs))
    target = RNG.standard_normal(theirs(inputs).shape).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(theirs(inputs, training=True) - target)) + sum(theirs.losses)
    variables = theirs.trainable_variables
    keras.optimizers.SGD(0.1).apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    optimizer = torch.optim.SGD(ours.parameters(), 0.1)
    loss = ((ours.train()(x) - torch.tensor(target)) ** 2).mean() + sum(ours.losses)
    loss.backward()
    optimizer.step()
    close(ours.get_weights(), theirs.get_weights())
    close(ours.eval()(x), theirs(inputs))


def test_stateful_forecaster_goes_on_as_keras_s(keras: Any) -> None:
    layers = keras.layers
    x = keras.Input(batch_shape=(2, 4, 3))
    y = layers.Bidirectional(layers.GRU(4, stateful=True, return_sequences=True), merge_mode="ave")(x)
    y = layers.Reshape((4, 2, 2))(y)
    theirs = shaken(keras.Model(x, layers.Flatten()(layers.ConvLSTM1D(2, 2, padding="same", stateful=True)(y))))
    ours = tl.from_keras(theirs)
    weeks = RNG.standard_normal((3, 2, 4, 3)).astype("float32")
    first = ours(torch.tensor(weeks[0]))
    close(first, theirs(weeks[0]))
    for week in weeks[1:]:
        close(ours(torch.tensor(week)), theirs(week))
    for model in (ours, theirs):
        for layer in model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()
    again = ours(torch.tensor(weeks[0]))
    close(again, theirs(weeks[0]))
    assert torch.equal(again, first)


def test_encoder_hands_its_states_to_a_decoder(keras: Any) -> None:
    layers = keras.layers
    source, target = keras.Input((5, 3)), keras.Input((4, 2))
    _, h, c, hb, cb = layers.Bidirectional(layers.LSTM(3, return_state=True))(source)
    decoder = layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode=None)
    theirs = shaken(keras.Model([source, target], decoder(target, initial_state=[h, c, hb, cb])))
    ours = tl.from_keras(theirs)
    inputs = [RNG.standard_normal((2, *x.shape[1:])).astype("float32") for x in theirs.inputs]
    close(ours([torch.tensor(x) for x in inputs]), theirs(inputs))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("dropout", "recurrent"), [(0.25, 0.0), (0.0, 0.5), (0.25, 0.5)])
def test_dropout_of_a_convolutional_lstm_with_the_same_masks(
    keras: Any, dropout: float, recurrent: float, data_format: str
) -> None:
    config = {"padding": "same", "dropout": dropout, "recurrent_dropout": recurrent, "data_format": data_format}
    theirs, ours = keras.layers.ConvLSTM2D(3, 2, **config), tl.ConvLSTM2D(3, 2, **config)
    first = data_format == "channels_first"
    image, state = ((2, 4, 5), (3, 4, 5)) if first else ((4, 5, 2), (4, 5, 3))
    x = RNG.standard_normal((6, 3, *image)).astype("float32")
    theirs(x)
    shaken(theirs)
    ours(torch.tensor(x))
    ours.set_weights(theirs.get_weights())
    of_inputs = (RNG.random((4, 6, *image)) > dropout) / (1 - dropout)
    of_states = (RNG.random((4, 6, *state)) > recurrent) / (1 - recurrent)
    # Keras takes the masks that a cell has already, here before the call.
    for name, rate, masks in (("_dropout_mask", dropout, of_inputs), ("_recurrent_dropout_mask", recurrent, of_states)):
        tensors = [keras.ops.convert_to_tensor(mask.astype("float32")) for mask in masks]
        setattr(theirs.cell, name, tensors if rate else None)

    def factors(x: torch.Tensor, rate: float) -> torch.Tensor | None:
        masks = of_inputs if x.shape[1] == 2 else of_states
        assert rate == (dropout if x.shape[1] == 2 else recurrent)
        tensor = torch.tensor(masks, dtype=x.dtype)
        return torch.cat(list(tensor if first else tensor.movedim(-1, 2)), 1) if rate else None

    ours.cell._factors = factors
    close(ours.train()(torch.tensor(x)), theirs(x, training=True))


# --- configs ---------------------------------------------------------------------------------------------------------


def conv(namespace: Any) -> Any:
    return namespace.ConvLSTM2D(3, (2, 1), strides=(1, 2), padding="same", dropout=2.0, name="conv")


def conv_with_all(namespace: Any) -> Any:
    return namespace.ConvLSTM1D(
        3,
        2,
        data_format="channels_first",
        activation=None,
        recurrent_activation="hard_sigmoid",
        unit_forget_bias=False,
        kernel_regularizer="l2",
        recurrent_constraint="max_norm",
        activity_regularizer="l1",
        recurrent_dropout=0.1,
        seed=4,
        return_sequences=True,
        stateful=True,
        name="conv",
    )


def inside_time(namespace: Any) -> Any:
    return namespace.TimeDistributed(namespace.Conv1D(3, 2, name="inner"), name="steps")


def two_ways(namespace: Any) -> Any:
    return namespace.Bidirectional(namespace.LSTM(3, return_sequences=True, name="inner"), "mul", name="ways")


def two_layers(namespace: Any) -> Any:
    backward = namespace.GRU(2, go_backwards=True, name="back")
    return namespace.Bidirectional(
        namespace.RNN(namespace.LSTMCell(3, name="c"), name="r"), backward_layer=backward, name="w"
    )


@pytest.mark.parametrize("make", [conv, conv_with_all, inside_time, two_ways, two_layers])
def test_configs_are_keras_s(keras: Any, make: Callable[..., Any]) -> None:
    ours, theirs = make(tl), make(keras.layers)
    assert ours.get_config() == theirs.get_config()
    assert type(theirs).from_config(ours.get_config()).get_config() == theirs.get_config()
    assert tl.from_keras(theirs).get_config() == theirs.get_config()


def test_layers_go_to_keras_and_back(keras: Any) -> None:
    ours = tl.Bidirectional(tl.LSTM(3, return_sequences=True, name="inner"), name="ways")
    x = torch.tensor(RNG.standard_normal((2, 4, 5)).astype("float32"))
    y = ours(x)
    theirs = tl.to_keras(ours)
    close(y, theirs(x.numpy()))
    close(tl.from_keras(theirs)(x), y.detach().numpy())
