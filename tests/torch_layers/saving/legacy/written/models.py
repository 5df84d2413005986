"""The models that old versions of Keras write, as their users made them."""

from __future__ import annotations

from typing import Any

import numpy as np

RNG = np.random.RandomState(1)
Made = tuple[Any, Any]


def signed(*shape: int) -> Any:
    return RNG.normal(size=shape)


def words(*shape: int) -> Any:
    return RNG.randint(0, 7, size=shape)


def chain(keras: Any, *layers: Any) -> Any:
    model = keras.models.Sequential()
    for layer in layers:
        model.add(layer)
    return model


# --- Keras 1 --------------------------------------------------------------------------------------------------------


def images(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.Convolution2D(4, 3, 2, input_shape=(8, 9, 3), border_mode="same", subsample=(2, 2), dim_ordering="tf"),
        k.BatchNormalization(axis=3, momentum=0.9),
        k.ZeroPadding2D((1, 2), dim_ordering="tf"),
        k.MaxPooling2D((2, 2), dim_ordering="tf"),
        k.Dropout(0.3),
        k.Convolution2D(3, 2, 2, bias=False, activation="hard_sigmoid", dim_ordering="tf", W_regularizer="l2"),
        k.AveragePooling2D((2, 2), border_mode="same", dim_ordering="tf"),
        k.Flatten(),
        k.Dense(3, activation="softmax", W_constraint="maxnorm"),
    ]
    return chain(keras, *layers), signed(2, 8, 9, 3)


def channels_first(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.ZeroPadding2D((1, 1), input_shape=(3, 6, 7), dim_ordering="th"),
        k.Convolution2D(4, 3, 2, border_mode="same", activation="relu", dim_ordering="th"),
        k.BatchNormalization(axis=1, momentum=0.9),
        k.MaxPooling2D((2, 2), dim_ordering="th"),
        k.UpSampling2D((2, 1), dim_ordering="th"),
        k.Flatten(),
        k.Dense(3, activation="hard_sigmoid"),
    ]
    return chain(keras, *layers), signed(2, 3, 6, 7)


def more_images(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.AtrousConvolution2D(4, 2, 2, atrous_rate=(2, 2), input_shape=(8, 7, 2), dim_ordering="tf"),
        k.SeparableConvolution2D(3, 2, 2, depth_multiplier=2, border_mode="same", dim_ordering="tf"),
        k.Deconvolution2D(2, 3, 3, output_shape=(2, 11, 9, 2), subsample=(2, 2), border_mode="same", dim_ordering="tf"),
        k.Cropping2D(((1, 0), (0, 1)), dim_ordering="tf"),
        k.LocallyConnected2D(2, 3, 3, subsample=(3, 3), dim_ordering="tf"),
        k.GlobalAveragePooling2D(dim_ordering="tf"),
    ]
    return chain(keras, *layers), signed(2, 8, 7, 2)


def volumes(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.Convolution3D(2, 2, 2, 2, input_shape=(5, 4, 6, 2), dim_ordering="tf"),
        k.MaxPooling3D((2, 1, 2), dim_ordering="tf"),
        k.ZeroPadding3D((1, 0, 1), dim_ordering="tf"),
        k.UpSampling3D((1, 2, 1), dim_ordering="tf"),
        k.Flatten(),
        k.Dense(2),
    ]
    return chain(keras, *layers), signed(2, 5, 4, 6, 2)


def steps(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.Convolution1D(4, 3, input_shape=(12, 3), border_mode="same", activation="tanh"),
        k.AtrousConvolution1D(3, 2, atrous_rate=2),
        k.ZeroPadding1D(1),
        k.MaxPooling1D(2),
        k.UpSampling1D(2),
        k.Cropping1D((1, 1)),
        k.LocallyConnected1D(3, 2, subsample_length=2),
        k.AveragePooling1D(pool_length=2, stride=1),
        k.GlobalMaxPooling1D(),
    ]
    return chain(keras, *layers), signed(2, 12, 3)


def recurrent(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.Embedding(7, 4, input_length=6, mask_zero=True, dropout=0.1),
        k.LSTM(3, return_sequences=True, dropout_W=0.1, dropout_U=0.2),
        k.GRU(3, return_sequences=True, inner_activation="sigmoid"),
        k.SimpleRNN(3, return_sequences=True),
        k.TimeDistributed(k.Dense(3)),
        k.Bidirectional(k.LSTM(2, return_sequences=True)),
    ]
    return chain(keras, *layers), words(4, 6)


def backwards(keras: Any) -> Made:
    k = keras.layers
    first = {"input_dim": 4, "input_length": 5, "return_sequences": True}
    layers = [
        k.LSTM(3, consume_less="gpu", go_backwards=True, **first),
        k.GRU(3, consume_less="gpu", return_sequences=True),
        k.LSTM(2, consume_less="mem"),
    ]
    return chain(keras, *layers), signed(2, 5, 4)


def moving_images(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.ConvLSTM2D(2, 3, 3, input_shape=(3, 5, 4, 2), border_mode="same", dim_ordering="tf", return_sequences=True),
        k.ConvLSTM2D(2, 2, 2, border_mode="valid", dim_ordering="tf"),
    ]
    return chain(keras, *layers), signed(2, 3, 5, 4, 2)


def no_longer_there(keras: Any) -> Made:
    k, old = keras.layers, keras.layers.advanced_activations
    layers = [
        k.Highway(input_dim=5, activation="tanh"),
        k.MaxoutDense(4, nb_feature=3),
        old.SReLU(),
        old.ParametricSoftplus(),
        old.PReLU(),
        old.ELU(0.7),
        old.LeakyReLU(0.25),
        old.ThresholdedReLU(0.2),
        k.BatchNormalization(mode=1),
        k.BatchNormalization(mode=2, axis=1),
        k.GaussianNoise(0.1),
        k.GaussianDropout(0.2),
        k.ActivityRegularization(l2=0.1),
        k.RepeatVector(3),
        k.Permute((2, 1)),
        k.Reshape((6, 2)),
        k.TimeDistributedDense(3),
    ]
    return chain(keras, *layers), signed(3, 5)


def merging(keras: Any) -> Made:
    k, merge = keras.layers, keras.layers.merge
    a, b = k.Input((4,)), k.Input((4,))
    shared, start = k.Dense(4, activation="hard_sigmoid"), k.Input((4,))
    inner = keras.models.Model(start, [k.Dense(3)(start), k.Dense(4, activation="tanh")(start)])
    nested = chain(keras, k.Dense(4, input_dim=4), k.Activation("relu"))
    x, y = shared(a), shared(b)
    first, second = inner(x)
    third, fourth = inner(nested(y))
    outputs = [merge([x, y], mode=mode) for mode in ("sum", "mul", "concat", "ave", "max")]
    outputs += [merge([first, third], mode="sum"), second, fourth, nested(a)]
    return keras.models.Model([a, b], outputs), [signed(2, 4), signed(2, 4)]


def products(keras: Any) -> Made:
    k, merge = keras.layers, keras.layers.merge
    a, b = k.Input((4, 3)), k.Input((5, 3))
    outputs = [
        merge([a, b], mode="dot", dot_axes=(2, 2)),
        merge([a, b], mode="concat", concat_axis=1),
        merge([a, a], mode="cos", dot_axes=2),
    ]
    return keras.models.Model([a, b], outputs), [signed(2, 4, 3), signed(2, 5, 3)]


def merged_chains(keras: Any) -> Made:
    k = keras.layers
    left = chain(keras, k.Embedding(7, 4, input_length=5), k.LSTM(3))
    middle = chain(keras, k.Dense(3, input_dim=4))
    right = chain(keras, k.Dense(3, input_dim=2), k.Activation("tanh"))
    two = chain(keras, k.Merge([middle, right], mode="mul"), k.Dense(3))
    model = chain(keras, k.Merge([left, two], mode="concat"), k.Dense(2, activation="hard_sigmoid"))
    return model, [words(3, 5), signed(3, 4), signed(3, 2)]


def siamese(keras: Any) -> Made:
    k = keras.layers
    shared = k.Dense(3, input_dim=4)
    left, right = chain(keras, shared), chain(keras, shared, k.Activation("tanh"))
    return chain(keras, k.Merge([left, right], mode="sum"), k.Dense(2)), signed(3, 4)


def chains_in_a_chain(keras: Any) -> Made:
    k = keras.layers
    first = chain(keras, k.Dense(3, input_dim=4), k.BatchNormalization())
    return chain(keras, first, chain(keras, k.Dense(2, input_dim=3), k.Dense(3)), k.Dense(2)), signed(3, 4)


# --- Keras 2 --------------------------------------------------------------------------------------------------------


def images_2(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.Conv2D(4, (3, 2), input_shape=(8, 9, 3), padding="same", strides=2, kernel_regularizer="l2"),
        k.BatchNormalization(axis=3, momentum=0.9),
        k.ZeroPadding2D((1, 2)),
        k.MaxPooling2D(2),
        k.Dropout(0.3),
        k.SeparableConv2D(3, 2, padding="same"),
        k.Conv2DTranspose(2, 3, strides=2, padding="same"),
        k.UpSampling2D((2, 1)),
        k.Cropping2D(1),
        k.LeakyReLU(0.25),
        k.AveragePooling2D((2, 2), padding="same"),
        k.LocallyConnected2D(2, 2),
        k.Flatten(),
        k.Dense(3, activation="hard_sigmoid", kernel_constraint="max_norm"),
    ]
    return chain(keras, *layers), signed(2, 8, 9, 3)


def newer_images(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.UpSampling2D((2, 3), interpolation="bilinear", input_shape=(3, 4, 2)),
        k.DepthwiseConv2D(2, depth_multiplier=2),
        k.ReLU(6.0, negative_slope=0.25, threshold=0.5),
        k.Softmax(),
    ]
    return chain(keras, *layers), signed(2, 3, 4, 2)


def bilinear(keras: Any) -> Made:
    layer = keras.layers.UpSampling2D((2, 3), interpolation="bilinear", input_shape=(3, 4, 2))
    return chain(keras, layer), signed(2, 3, 4, 2)


def recurrent_2(keras: Any) -> Made:
    k = keras.layers
    layers = [
        k.Embedding(7, 4, input_length=6, mask_zero=True),
        k.LSTM(3, return_sequences=True, dropout=0.1, recurrent_dropout=0.2, implementation=1),
        k.GRU(3, return_sequences=True),
        k.SimpleRNN(3, return_sequences=True),
        k.TimeDistributed(k.Dense(3, activation="hard_sigmoid")),
        k.Bidirectional(k.LSTM(2, return_sequences=True)),
    ]
    return chain(keras, *layers), words(4, 6)


def cells(keras: Any) -> Made:
    k = keras.layers
    stacked = k.RNN([k.LSTMCell(3), k.GRUCell(2)], return_sequences=True, input_shape=(5, 4))
    return chain(keras, stacked, k.GRU(3, reset_after=True)), signed(2, 5, 4)


def moving_images_2(keras: Any) -> Made:
    k = keras.layers
    first = k.ConvLSTM2D(2, (3, 2), input_shape=(3, 5, 4, 2), padding="same", return_sequences=True)
    return chain(keras, first, k.ConvLSTM2D(2, 2)), signed(2, 3, 5, 4, 2)


def states_from_elsewhere(keras: Any) -> Made:
    k = keras.layers
    ids, more = k.Input((5,)), k.Input((4,))
    embed = k.Embedding(7, 3, mask_zero=True)
    _, h, c = k.LSTM(3, return_state=True)(embed(ids))
    sequence, state, _ = k.LSTM(3, return_sequences=True, return_state=True)(embed(more), initial_state=[h, c])
    model = keras.models.Model([ids, more], [k.TimeDistributed(k.Dense(2))(sequence), state])
    return model, [words(3, 5), np.array([[3, 1, 0, 2], [0, 4, 0, 0], [0, 0, 5, 1]])]


def merging_2(keras: Any) -> Made:
    k = keras.layers
    a, b = k.Input((4,)), k.Input((4,))
    shared, start = k.Dense(4, activation="hard_sigmoid"), k.Input((4,))
    inner = keras.models.Model(start, [k.Dense(3)(start), k.Dense(4, activation="tanh")(start)])
    nested = chain(keras, k.Dense(4, input_dim=4), k.Activation("relu"))
    x, y = shared(a), shared(b)
    first, second = inner(x)
    third, fourth = inner(nested(y))
    outputs = [layer()([x, y]) for layer in (k.Add, k.Multiply, k.Average, k.Maximum, k.Concatenate)]
    outputs += [k.Dot(1)([x, y]), k.Dot(1, normalize=True)([x, y]), k.Add()([first, third]), second, fourth, nested(a)]
    return keras.models.Model([a, b], outputs), [signed(2, 4), signed(2, 4)]


def no_longer_there_2(keras: Any) -> Made:
    from keras.legacy.layers import Highway, MaxoutDense

    k = keras.layers
    layers = [
        Highway(input_dim=5, activation="tanh"),
        MaxoutDense(4, nb_feature=3),
        k.ThresholdedReLU(0.2),
        k.PReLU(),
        k.Reshape((4, 1)),
        k.LocallyConnected1D(3, 2, strides=2),
    ]
    return chain(keras, *layers), signed(3, 5)


MODELS = {
    "keras-1.0.8": [images, channels_first, backwards, merged_chains, no_longer_there],
    "keras-1.2.2": [
        *(images, channels_first, more_images, volumes, steps, recurrent, backwards, moving_images, no_longer_there),
        *(merging, products, merged_chains, siamese, chains_in_a_chain),
    ],
    "keras-2.0.9": [images_2, recurrent_2, states_from_elsewhere, merging_2, no_longer_there_2],
    "keras-2.1.6": [cells, states_from_elsewhere, moving_images_2],
    "keras-2.2.5": [images_2, newer_images, recurrent_2, states_from_elsewhere, merging_2, chains_in_a_chain],
    "keras-2.3.1": [bilinear],
}
