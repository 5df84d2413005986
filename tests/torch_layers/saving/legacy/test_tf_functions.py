"""TensorFlow's functions between the layers of functional models, as tf-keras writes them, in float64."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import deserialize
from torch_layers.saving.legacy.configs import modern_config

tf = pytest.importorskip("tensorflow", reason="needs live TensorFlow")
tf_keras = pytest.importorskip("tf_keras", reason="needs live tf-keras")
json_format = pytest.importorskip("google.protobuf.json_format", reason="needs live TensorFlow")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]

K, backend = tf_keras.layers, tf_keras.backend
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 2, 3, 4))


@pytest.fixture(autouse=True)
def _float64():
    before = backend.floatx()
    backend.set_floatx("float64")
    torch.set_default_dtype(torch.float64)
    yield
    backend.set_floatx(before)
    torch.set_default_dtype(torch.float32)


def leaves(structure: Any) -> list[np.ndarray]:
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in leaves(item)]
    return [np.asarray(structure.detach() if isinstance(structure, torch.Tensor) else structure)]


def read(model: Any) -> Any:
    config = json.loads(model.to_json())
    return deserialize(modern_config(config, config["keras_version"], config["backend"]))


def check(model: Any) -> None:
    made = read(model)
    with torch.no_grad():
        outputs = made([torch.as_tensor(A), torch.as_tensor(B)])
    for actual, wanted in zip(leaves(outputs), leaves(model([A, B])), strict=True):
        assert actual.shape == wanted.shape
        assert actual.dtype == wanted.dtype
        np.testing.assert_allclose(actual.astype("float64"), wanted.astype("float64"), rtol=1e-11, atol=1e-11)


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "numbers on either side": lambda x, z: [2 * x, 1 - x, x / 2, 2 / x, x**2, -x, x + 1, x // 0.5, x % 0.3],
    "two tensors": lambda x, z: [x + z, x - z, x * z, x / z, tf.maximum(x, z), tf.math.squared_difference(x, z)],
    "a number as a bound": lambda x, z: [tf.maximum(x, 0.5), tf.minimum(x, 0.25), tf.clip_by_value(x, -0.5, 0.5)],
    "a list of numbers": lambda x, z: [x * tf.constant([1.0, 2, 3, 4], tf.float64), tf.nn.bias_add(x, np.arange(4.0))],
    "comparisons": lambda x, z: tf.cast((x > 0) & ~(z >= 0) | (x < z), "float64"),
    "elementwise": lambda x, z: [tf.exp(x), tf.sqrt(tf.abs(x)), tf.tanh(x), tf.sign(x), tf.floor(x), tf.math.erf(x)],
    "activations": lambda x, z: [tf.nn.relu(x), tf.nn.relu6(x), tf.nn.elu(x), tf.nn.selu(x), tf.nn.softplus(x)],
    "more activations": lambda x, z: [tf.nn.leaky_relu(x, 0.25), tf.nn.softmax(x), tf.nn.softmax(x, 1), tf.sigmoid(x)],
    "activations of Keras": lambda x, z: [
        tf_keras.activations.relu(x, max_value=6),
        tf_keras.activations.softsign(x),
        tf_keras.activations.swish(x),
    ],
    "reductions": lambda x, z: [
        tf.reduce_mean(x, axis=[1, 2], keepdims=True),
        tf.reduce_sum(x),
        tf.reduce_max(x, -1),
        tf.reduce_min(x, 1),
        tf.reduce_prod(x, [1, 2]),
        tf.math.reduce_std(x, -1),
        tf.math.reduce_variance(x, 1),
        tf.reduce_logsumexp(x, -1),
    ],
    "norms": lambda x, z: [tf.nn.l2_normalize(x, -1), tf.norm(x, axis=-1), tf.norm(x, ord=1, axis=1)],
    "products": lambda x, z: [
        tf.matmul(x, z, transpose_b=True),
        tf.matmul(x, z, transpose_a=True),
        backend.batch_dot(x, z, axes=2),
        backend.dot(x, tf.constant([[1.0], [2], [3], [4]], tf.float64)),
        tf.tensordot(x, tf.constant([[1.0], [2], [3], [4]], tf.float64), 1),
    ],
    "places": lambda x, z: [
        tf.argmax(x, -1),
        tf.argmin(x, 1),
        tf.argmax(x),
        tf.cumsum(x, 1),
        tf.cumsum(x, 1, True, True),
    ],
    "joining": lambda x, z: [tf.concat([x, z[:, :1]], 1), tf.stack([x, z], 1), tf.add_n([x, z]), tf.stack([x, z])],
    "parting": lambda x, z: [*tf.split(x, 2, axis=2), *tf.split(x, [1, 3], axis=2), *tf.unstack(x, axis=1)],
    "slices": lambda x, z: [x[:, 0], x[..., None, 1:], x[:, ::2, -1], x[..., 0], x[:, tf.newaxis]],
    "shapes": lambda x, z: [
        tf.transpose(x, [0, 2, 1]),
        tf.expand_dims(x, 1),
        tf.squeeze(x[:, :1], 1),
        tf.reshape(x, (-1, 2, 6)),
        tf.tile(x, [1, 2, 1]),
        tf.repeat(x, 2, axis=1),
        tf.reverse(x, [1]),
    ],
    "shapes of the batch": lambda x, z: [
        tf.reshape(x, [tf.shape(x)[0], -1]),
        tf.reshape(x, tf.concat([tf.shape(x)[:1], [12]], 0)),
        tf.reshape(x, tf.stack([tf.shape(x)[0], 4, 3])),
        tf.broadcast_to(x[:, :1], tf.shape(z)),
    ],
    "borders": lambda x, z: [tf.pad(x, [[0, 0], [1, 1], [0, 2]]), tf.pad(x, [[0, 0], [1, 1], [0, 0]], "REFLECT")],
    "choices": lambda x, z: [tf.where(x > 0, x, z), tf.where(x > 0, x, 0.0), tf.gather(x, [2, 0], axis=1)],
    "kinds of numbers": lambda x, z: [tf.one_hot(tf.cast(x, "int32"), 3), tf.cast(x, tf.int64), tf.ones_like(x)],
    "images": lambda x, z: [
        tf.image.resize(x[..., None], (6, 8), "nearest"),
        tf.nn.depth_to_space(x[..., None, :], 2),
        tf.nn.space_to_depth(tf.concat([x, z[:, :1]], 1)[..., None], 2),
    ],
    "nothing": lambda x, z: [tf.identity(x) + 0, tf.stop_gradient(x)],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_compute_what_they_did(name: str) -> None:
    x, z = K.Input((3, 4)), K.Input((3, 4))
    outputs = FUNCTIONS[name](x, z)
    # Both inputs count, so that both are given.
    check(tf_keras.Model([x, z], [*(outputs if isinstance(outputs, list) else [outputs]), K.Add()([x, z])]))


NODES: dict[str, Callable[[Any], Any]] = {
    "AddV2": lambda x: x + 2.0,
    "Sub": lambda x: 1.0 - x,
    "Mean": lambda x: tf.reduce_mean(x, [1, 2], keepdims=True),
    "Relu": tf.nn.relu,
    "LeakyRelu": lambda x: tf.nn.leaky_relu(x, 0.25),
    "ConcatV2": lambda x: tf.concat([x, tf.ones((2, 1, 4), "float64")], 1),
    "Pack": lambda x: tf.raw_ops.Pack(values=[x, tf.ones((2, 3, 4), "float64")], axis=1),
    "Reshape": lambda x: tf.reshape(x, (-1, 12)),
    "Transpose": lambda x: tf.transpose(x, (0, 2, 1)),
    "ExpandDims": lambda x: tf.expand_dims(x, -1),
    "Squeeze": lambda x: tf.squeeze(tf.raw_ops.Identity(input=x)[:, :1], 1),
    "StridedSlice": lambda x: x[:, None, 1, ..., ::2],
    "GatherV2": lambda x: tf.gather(x, [2, 0], axis=1),
    "BatchMatMulV2": lambda x: tf.matmul(x, tf.ones((2, 5, 4), "float64"), transpose_b=True),
    "Cast": lambda x: tf.cast(x, "int32"),
    "Tile": lambda x: tf.tile(x, [1, 2, 1]),
    "ArgMax": lambda x: tf.argmax(x, -1),
}


def config_of(function: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the config of a model with a layer for each node of a function's graph, as TensorFlow 2.2 and 2.3 wrote it."""
    shape = [2, 3, 4]
    start = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "dtype": "float64", "name": "start"}}
    layers = [{**start, "name": "start", "inbound_nodes": []}]
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        first = tf.compat.v1.placeholder("float64", shape)
        function(first)
        names = {first.name: "start"}
        for op in graph.get_operations():
            if op.type in ("Placeholder", "Const"):
                continue
            constants = {str(n): session.run(t).tolist() for n, t in enumerate(op.inputs) if t.name not in names}
            nodes = [[names[t.name], 0, 0, {}] for t in op.inputs if t.name in names]
            config = {"name": op.name, "node_def": json_format.MessageToDict(op.node_def), "constants": constants}
            name = names[op.outputs[0].name] = f"tf_op_layer_{op.name}"
            layers.append({"class_name": "TensorFlowOpLayer", "config": config, "name": name, "inbound_nodes": [nodes]})
    ends = {"input_layers": [["start", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    return {"class_name": "Model", "config": {"name": "model", "layers": layers, **ends}}


@pytest.mark.parametrize("name", NODES)
def test_nodes_compute_what_they_did(name: str) -> None:
    config = json.loads(json.dumps(config_of(NODES[name])))
    assert f'"op": "{name}"' in json.dumps(config)
    expected = NODES[name](tf.constant(A)).numpy()
    actual = deserialize(modern_config(config, "2.3.0-tf", "tensorflow"))(torch.as_tensor(A)).numpy()
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_what_is_not_known_is_told_at_once() -> None:
    x = K.Input((3, 4))
    y = tf.einsum("bij->bji", tf.nn.dropout(tf.roll(x, 1, 1), 0.5))
    with pytest.raises(ValueError, match=r"(?s)3 parts.*tf\.roll is not.*tf\.nn\.dropout is not.*tf\.einsum"):
        read(tf_keras.Model(x, y))
