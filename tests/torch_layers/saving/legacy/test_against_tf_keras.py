"""Configs that Keras 2, as tf-keras, writes: the models made of them compute what Keras's compute, in float64."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import deserialize
from torch_layers.saving.legacy.configs import modern_config

pytest.importorskip("tensorflow", reason="needs live TensorFlow")
tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]

K = tf_keras.layers
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _float64():
    before = tf_keras.backend.floatx()
    tf_keras.backend.set_floatx("float64")
    torch.set_default_dtype(torch.float64)
    yield
    tf_keras.backend.set_floatx(before)
    torch.set_default_dtype(torch.float32)


def leaves(structure: Any) -> list[np.ndarray]:
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in leaves(item)]
    return [np.asarray(structure.detach() if isinstance(structure, torch.Tensor) else structure)]


def assert_equal(result: Any, expected: Any) -> None:
    for actual, wanted in zip(leaves(result), leaves(expected), strict=True):
        assert actual.shape == wanted.shape
        assert actual.dtype == wanted.dtype
        np.testing.assert_allclose(actual.astype("float64"), wanted.astype("float64"), rtol=1e-11, atol=1e-11)


def read(model: Any) -> Any:
    """Return the torch model of what `to_json` writes of a Keras model, with its weights, which become random."""
    for weight in model.weights:
        weight.assign(
            RNG.uniform(0.2, 1, size=weight.shape) * (1 if "variance" in weight.name else RNG.choice([-1, 1]))
        )
    config = json.loads(model.to_json())
    made = deserialize(modern_config(config, config["keras_version"], config["backend"]))
    made.set_weights(model.get_weights())
    return made.eval()


def values(shape: tuple[int, ...], limit: int | None) -> np.ndarray:
    return RNG.normal(size=(2, *shape)) * 2 if limit is None else RNG.integers(0, limit, size=(2, *shape))


LAYERS: list[tuple[Callable[[], Any], tuple[int, ...]]] = [
    (lambda: K.Dense(3, activation="hard_sigmoid"), (5,)),
    (lambda: K.Dense(3, activation="swish", kernel_regularizer="l1_l2", bias_constraint="max_norm"), (5,)),
    (lambda: K.Dense(3, activation=K.LeakyReLU(0.5)), (5,)),
    (lambda: K.Dense(3, kernel_initializer=tf_keras.initializers.VarianceScaling(2.0, "fan_in")), (4, 5)),
    (lambda: K.Activation("hard_sigmoid"), (5,)),
    (lambda: K.LeakyReLU(0.25), (5,)),
    (lambda: K.ELU(0.7), (5,)),
    (lambda: K.ReLU(6, 0.25, 0.5), (5,)),
    (lambda: K.PReLU(shared_axes=[1]), (5, 2)),
    (lambda: K.ThresholdedReLU(0.5), (5,)),
    (lambda: K.Softmax(axis=1), (5, 2)),
    (lambda: K.Conv1D(3, 2, dilation_rate=2, padding="causal", activation="relu"), (6, 2)),
    (lambda: K.Conv2D(4, (3, 2), strides=2, padding="same", groups=2), (6, 7, 2)),
    (lambda: K.Conv2DTranspose(3, 3, strides=2, padding="same"), (4, 5, 2)),
    (lambda: K.Conv3D(2, 2, use_bias=False), (3, 4, 3, 2)),
    (lambda: K.DepthwiseConv2D(3, depth_multiplier=2, strides=2), (6, 5, 2)),
    (lambda: K.SeparableConv1D(3, 2), (6, 2)),
    (lambda: K.SeparableConv2D(3, 2, depth_multiplier=2), (6, 5, 2)),
    (lambda: K.MaxPooling1D(2), (5, 2)),
    (lambda: K.AveragePooling2D(2, padding="same"), (5, 4, 2)),
    (lambda: K.GlobalAveragePooling1D(), (5, 2)),
    (lambda: K.GlobalMaxPooling2D(keepdims=True), (5, 3, 2)),
    (lambda: K.UpSampling2D(2), (3, 4, 2)),
    (lambda: K.ZeroPadding2D(((1, 2), (0, 1))), (3, 4, 2)),
    (lambda: K.Cropping2D(1), (5, 4, 2)),
    (lambda: K.BatchNormalization(momentum=0.8, epsilon=1e-2), (4, 3)),
    (lambda: K.BatchNormalization(renorm=True, renorm_clipping={"rmax": 2.0}), (4, 3)),
    (lambda: K.BatchNormalization(axis=[1, -1]), (4, 3, 2)),
    (lambda: K.LayerNormalization(axis=-1), (4, 3)),
    (lambda: K.LayerNormalization(axis=[1, 2]), (4, 3)),
    (lambda: K.experimental.SyncBatchNormalization(), (4, 3)),
    (lambda: K.GroupNormalization(2), (4, 6)),
    (lambda: K.SpatialDropout1D(0.4), (4, 3)),
    (lambda: K.Dropout(0.4, noise_shape=[None, 1, 3], seed=1), (4, 3)),
    (lambda: K.GaussianNoise(0.4), (4, 3)),
    (lambda: K.Reshape((2, -1)), (4, 3)),
    (lambda: K.Permute((2, 1)), (4, 3)),
    (lambda: K.Flatten(), (4, 3)),
    (lambda: K.RepeatVector(3), (4,)),
    (lambda: K.ActivityRegularization(0.1, 0.2), (4,)),
    (lambda: K.SimpleRNN(3, return_sequences=True), (4, 2)),
    (lambda: K.LSTM(3, recurrent_activation="hard_sigmoid", implementation=1), (4, 2)),
    (lambda: K.LSTM(3, unit_forget_bias=False, go_backwards=True, return_sequences=True), (4, 2)),
    (lambda: K.GRU(3), (4, 2)),
    (lambda: K.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid"), (4, 2)),
    (lambda: K.LSTM(3, time_major=True, return_sequences=True), (4, 2)),
    (lambda: K.GRU(3, time_major=True), (4, 2)),
    (lambda: K.RNN(K.LSTMCell(3, recurrent_activation="hard_sigmoid")), (4, 2)),
    (lambda: K.RNN([K.GRUCell(3, reset_after=False), K.SimpleRNNCell(2)], return_sequences=True), (4, 2)),
    (lambda: K.ConvLSTM2D(2, 2, padding="same", return_sequences=True), (3, 4, 5, 2)),
    (lambda: K.ConvLSTM1D(2, 2), (3, 5, 2)),
    (lambda: K.Bidirectional(K.LSTM(3, recurrent_activation="hard_sigmoid"), merge_mode="sum"), (4, 2)),
    (
        lambda: K.Bidirectional(
            K.GRU(3, return_sequences=True), backward_layer=K.LSTM(3, go_backwards=True, return_sequences=True)
        ),
        (4, 2),
    ),
    (lambda: K.Bidirectional(K.GRU(3, time_major=True, return_sequences=True)), (4, 2)),
    (lambda: K.TimeDistributed(K.Dense(3, activation="hard_sigmoid")), (4, 2)),
    (lambda: K.TimeDistributed(tf_keras.Sequential([K.Dense(3, input_shape=(2,)), K.ReLU()])), (4, 2)),
    (lambda: K.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"), (4, 2)),
    (lambda: K.Rescaling(0.5, 1.0), (4, 2)),
    (lambda: K.Resizing(4, 6, interpolation="nearest"), (3, 4, 2)),
    (lambda: K.CenterCrop(2, 2), (3, 4, 2)),
    (lambda: K.UnitNormalization(axis=-1), (3, 4)),
]


@pytest.mark.parametrize(("make", "shape"), LAYERS)
def test_a_layer_computes_what_it_did(make: Callable[[], Any], shape: tuple[int, ...]) -> None:
    layer = make()
    model = tf_keras.Sequential([K.Input(shape), layer])
    x = values(shape, None)
    made = read(model)
    assert_equal(made(torch.as_tensor(x)), model(x))
    # The shape of the input stands with the first layer, too.
    again = tf_keras.Sequential([type(layer).from_config({**layer.get_config(), "batch_input_shape": (None, *shape)})])
    made = read(again)
    assert_equal(made(torch.as_tensor(x)), again(x))


@pytest.mark.parametrize(
    ("config", "policy", "error"),
    [
        ({"axis": [1, 3]}, "float64", 1e-11),
        ({"axis": [2, 3], "scale": False}, "float64", 1e-11),
        ({"axis": [1, 2]}, "mixed_float16", 2e-3),
        # TF-Keras renormalizes in float32 alone.
        ({"renorm": True}, "float32", 1e-5),
        ({"axis": [1, 2], "renorm": True, "renorm_clipping": {"dmax": 0.5}}, "float32", 1e-5),
    ],
)
def test_batch_normalization_learns_as_it_did(config: dict[str, Any], policy: str, error: float) -> None:
    model = tf_keras.Sequential([K.Input((4, 3, 2)), K.BatchNormalization(momentum=0.7, dtype=policy, **config)])
    x = values((4, 3, 2), None)
    made = read(model).train()
    expected, result = np.asarray(model(x, training=True)), made(torch.as_tensor(x)).detach().numpy()
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=error, atol=error)
    # TF-Keras rounds 1 - momentum to float32.
    for ours, theirs in zip(made.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_statistics_of_steps_that_a_mask_leaves() -> None:
    ids = K.Input((5,), dtype="int32")
    normalized = K.BatchNormalization(axis=[1, 2])(K.Embedding(7, 3, mask_zero=True)(ids))
    model = tf_keras.Model(ids, normalized)
    x = np.array([[1, 2, 0, 4, 5], [6, 0, 3, 2, 1]])
    made = read(model).train()
    expected = model(x, training=True)
    # What is counted once has the small number that Keras 3 adds to a count.
    np.testing.assert_allclose(made(torch.as_tensor(x)).detach(), expected, rtol=0, atol=1e-5)


def seq2seq() -> Any:
    ids, more = K.Input((5,), dtype="int32"), K.Input((4,), dtype="int32")
    embed = K.Embedding(7, 3, mask_zero=True)
    _, *state = K.LSTM(3, return_state=True)(embed(ids))
    decoded = K.LSTM(3, return_sequences=True, return_state=True)(embed(more), initial_state=state)
    return tf_keras.Model([ids, more], K.Dense(2)(decoded[0])), [values((5,), 7), values((4,), 7)]


def states_without_masks() -> Any:
    x, h = K.Input((4, 3)), K.Input((2,))
    forward, backward = K.Dense(2)(h), K.Dense(2)(h)
    both = K.Bidirectional(K.GRU(2, reset_after=False))(x, initial_state=[forward, backward])
    return tf_keras.Model([x, h], both), [values((4, 3), None), values((2,), None)]


def shared_and_nested() -> Any:
    a, b = K.Input((4,)), K.Input((4,))
    shared = K.Dense(4, activation="hard_sigmoid")
    twice = tf_keras.Sequential([K.Dense(4, input_shape=(4,)), K.Dense(4, input_shape=(9,))])
    inner_x = K.Input((4,))
    inner = tf_keras.Model(inner_x, [K.Dense(3)(inner_x), K.Dense(4, activation="hard_sigmoid")(inner_x)])
    first, second = inner(twice(shared(a)))
    third, fourth = inner(twice(shared(b)))
    return tf_keras.Model([a, b], [K.Add()([first, third]), second, fourth]), [values((4,), None), values((4,), None)]


def outputs_of_nested_models() -> Any:
    x = K.Input((4,))
    inner_x = K.Input((4,))
    inner = tf_keras.Model(inner_x, K.Dense(4)(inner_x))
    chain = tf_keras.Sequential([K.Input((4,)), K.Dense(4)])
    return tf_keras.Model(x, [inner(x), chain(inner(x)), inner(chain(x))]), [values((4,), None)]


def merging() -> Any:
    a, b = K.Input((3, 4)), K.Input((3, 4))
    merged = [cls()([a, b]) for cls in (K.Add, K.Subtract, K.Multiply, K.Average, K.Maximum, K.Minimum)]
    merged += [K.Concatenate(axis=1)([a, b]), K.Dot(axes=[2, 2], normalize=True)([a, b])]
    return tf_keras.Model([a, b], merged), [values((3, 4), None), values((3, 4), None)]


def attention() -> Any:
    a, b = K.Input((3, 4)), K.Input((5, 4))
    single = K.Attention(use_scale=True)([a, b])
    additive = K.AdditiveAttention()([a, b, b], use_causal_mask=True)
    heads, scores = K.MultiHeadAttention(2, 3)(a, b, return_attention_scores=True)
    by_name = K.MultiHeadAttention(2, 3)(query=a, value=b, key=b)
    return tf_keras.Model([a, b], [single, additive, heads, scores, by_name]), [
        values((3, 4), None),
        values((5, 4), None),
    ]


def added_loss() -> Any:
    x = K.Input((4,))
    y = K.Dense(3)(x)
    model = tf_keras.Model(x, K.Dense(2)(y))
    model.add_loss(y)
    return model, [values((4,), None)]


def input_not_used_in_order() -> Any:
    a, b = K.Input((4,), name="zeta"), K.Input((3,), name="alpha")
    return tf_keras.Model({"a": a, "b": b}, K.Concatenate()([K.Dense(2)(b), a])), {
        "a": values((4,), None),
        "b": values((3,), None),
    }


@pytest.mark.parametrize(
    "make",
    [
        seq2seq,
        states_without_masks,
        shared_and_nested,
        outputs_of_nested_models,
        merging,
        attention,
        added_loss,
        input_not_used_in_order,
    ],
)
def test_a_functional_model_computes_what_it_did(make: Callable[[], Any]) -> None:
    model, inputs = make()
    made = read(model)
    if isinstance(inputs, dict):
        assert_equal(made({key: torch.as_tensor(x) for key, x in inputs.items()}), model(inputs))
        return
    tensors = [torch.as_tensor(x) for x in inputs]
    assert_equal(made(tensors if len(tensors) > 1 else tensors[0]), model(inputs if len(inputs) > 1 else inputs[0]))
