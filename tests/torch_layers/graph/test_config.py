"""Models to configs and back, in Keras's form."""

from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F

from torch_layers import (
    GRU,
    LSTM,
    Add,
    Dense,
    Embedding,
    Input,
    Layer,
    Maximum,
    Model,
    Sequential,
    deserialize,
    serialize,
)


def again(model: Model, **custom) -> Model:
    """Return the model that a model's config, after a way through JSON, describes, with the same weights."""
    made = deserialize(json.loads(json.dumps(serialize(model))), custom)
    made.set_weights(model.get_weights())
    return made


def two() -> Model:
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(4, name="shared")
    h = shared(Add(name="sum")([shared(a), b]))
    inner_in = Input((4,), name="i")
    middle = Dense(3, name="middle")(inner_in)
    inner = Model(inner_in, [middle, Dense(2, name="end")(middle)], name="inner")
    chain = Sequential([Input((3,)), Dense(2)], name="chain")
    return Model({"b": b, "a": a}, {"x": chain(inner(h)[0]), "y": [inner(a)[1], h]}, name="two")


def test_config_is_keras_s():
    config = serialize(two())
    assert (config["module"], config["class_name"]) == ("keras.src.models.functional", "Functional")
    assert config["config"]["name"] == "two"
    layers = {layer["name"]: layer for layer in config["config"]["layers"]}
    assert list(layers) == ["a", "shared", "b", "sum", "inner", "chain"]
    tensor = {"shape": (None, 4), "dtype": "float32", "keras_history": ["sum", 0, 0]}
    assert layers["shared"]["inbound_nodes"][1] == {
        "args": ({"class_name": "__keras_tensor__", "config": tensor},),
        "kwargs": {},
    }
    assert layers["chain"]["module"] == "keras"
    assert config["config"]["input_layers"] == {"b": ["b", 0, 0], "a": ["a", 0, 0]}
    # Keras counts the calls of a nested functional model from 1, here alone.
    assert config["config"]["output_layers"] == {"x": ["chain", 0, 0], "y": [["inner", 2, 1], ["shared", 1, 0]]}


def test_round_trip():
    model = two()
    made = again(model)
    x = {"a": torch.randn(3, 4), "b": torch.randn(3, 4)}
    expected, result = model(x), made(x)
    torch.testing.assert_close(result["x"], expected["x"])
    torch.testing.assert_close(result["y"], expected["y"])
    assert list(made.state_dict()) == list(model.state_dict())
    assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 2 - x * 3 / (x**2 + 1) // 1 % 5,
        lambda x: -x @ x.transpose(1, 2),
        lambda x: x[:, 1:, ..., None],
        lambda x: torch.cat([x, torch.stack([x, x], 1).sum(1)], -1),
        lambda x: x.reshape(x.size(0), 20),
        lambda x: x.permute(0, 2, 1).unsqueeze(1).squeeze(1),
        lambda x: F.softmax(x, dim=1) + F.log_softmax(x, -1) + x.softmax(2),
        lambda x: torch.where(x > 0, torch.relu(x), torch.sigmoid(x)),
        lambda x: x.clamp(-1, 1) + torch.clamp(x, min=0.5) + x.clamp(max=0.1),
        lambda x: x.amax(1, keepdim=True) - x.mean((1, 2), keepdim=True) + x.sum(-1, keepdim=True),
        lambda x: (x > 0).any(1) & (x < 1).all(1),
        lambda x: x.to(torch.float64).flip(1),
        lambda x: torch.einsum("bij,bkj->bik", x, x),
        lambda x: F.gelu(x, approximate="tanh") + F.gelu(x) + F.leaky_relu(x, 0.1) + F.silu(x),
        lambda x: torch.maximum(x, torch.exp(torch.abs(x))) + torch.tensor([1.0, 2.0, 3.0, 4.0]),
        lambda x: x.argmax(-1),
    ],
)
def test_functions_are_operations(function):
    x = Input((5, 4))
    model, value = Model(x, function(x)), torch.randn(2, 5, 4)
    torch.testing.assert_close(again(model)(value), function(value), check_dtype=False)


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda x: torch.cummax(x, 1).values, "the call of 'cummax' has no operation of Keras's"),
        (lambda x: x.sort().values, "'sort' has no operation"),
        (lambda x: F.pad(x, (1, 1), value=2.0), "the call of 'pad' has no operation"),
        (lambda x: x.var(1), "the call of 'var' has no operation"),
        (lambda x: x.sum(1, dtype=torch.float64), "the call of 'sum' has no operation"),
        (lambda x: x[torch.arange(2), torch.arange(2)], "the call of 'getitem' has no operation"),
    ],
)
def test_refuses_functions_that_keras_lacks(function, message):
    x = Input((5,))
    with pytest.raises(ValueError, match=f"get_config: .*{message}"):
        Model(x, function(x)).get_config()


def test_parts_of_models():
    x = Input((4,), name="x")
    h = Dense(3, name="h")(x)
    part = Model(h, Dense(2)(h))
    made, value = again(part), torch.randn(2, 3)
    torch.testing.assert_close(made(value), part(value))


def test_unnamed_layers_get_the_names_of_the_model():
    x = Input((4,))
    model = Model(x, Dense(2)(Dense(3)(x)))
    names = [layer["config"]["name"] for layer in model.get_config()["layers"]]
    assert names == ["input_layer", "dense", "dense_1"]


class Scale(Layer):
    def __init__(self, factor: float, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def test_layers_of_one_s_own():
    x = Input((4,))
    model = Model(x, Scale(3.0)(x))
    with pytest.raises(ValueError, match="'Scale'"):
        again(model)
    torch.testing.assert_close(again(model, Scale=Scale)(torch.ones(1, 4)), torch.full((1, 4), 3.0))


def test_sequential():
    model = Sequential([Input((4,)), Dense(3), Dense(2, name="last")], name="chain")
    config = serialize(model)
    assert (config["module"], config["class_name"]) == ("keras", "Sequential")
    assert [layer["class_name"] for layer in config["config"]["layers"]] == ["InputLayer", "Dense", "Dense"]
    assert config["config"]["build_input_shape"] == (None, 4)
    made, x = again(model), torch.randn(2, 4)
    torch.testing.assert_close(made(x), model(x))
    assert list(made.state_dict()) == list(model.state_dict())


def test_unbuilt_sequential():
    config = serialize(Sequential([Dense(3), Dense(2)]))
    assert "build_input_shape" not in config["config"]
    assert not deserialize(config).built


def test_implied_input_stays_implied():
    model = Sequential([Embedding(5, 2)])
    model(torch.tensor([[1, 2]]))
    made = again(model)
    assert made.built
    assert made(torch.tensor([[1, 2, 3]])).shape == (1, 3, 2)


# --- Keras's own ---------------------------------------------------------------------------------------------------


def reference(name: str, shape, node: int = 0, tensor: int = 0):
    config = {"shape": shape, "dtype": "float32", "keras_history": [name, node, tensor]}
    return {"class_name": "__keras_tensor__", "config": config}


def described(cls: str, name: str, nodes, module: str = "keras.layers", **config):
    return {
        "module": module,
        "class_name": cls,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }


def functional(layers, inputs, outputs):
    config = {"name": "f", "trainable": True, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}


def test_a_mask_that_keras_spells_out_stays_spelled_out_also_for_layers_that_come_after():
    """Keras would compute its own, by an operation of the same name, and refuse a model that has both."""
    ids, x = reference("ids", [None, None]), reference("e", [None, None, 4])
    embedding = {"input_dim": 5, "output_dim": 4, "mask_zero": True}
    masked = {"training": False, "mask": reference("ne", [None, None])}
    layers = [
        described("InputLayer", "ids", [], batch_shape=[None, None], dtype="int32"),
        described("Embedding", "e", [{"args": [ids], "kwargs": {}}], **embedding),
        described("NotEqual", "ne", [{"args": [ids, 0], "kwargs": {}}], "keras.src.ops.numpy"),
        described("Steps", "s", [{"args": [x], "kwargs": masked}]),
    ]

    class Steps(Layer):
        supports_masking = True

        def forward(self, x, mask=None):
            return x * mask.unsqueeze(-1)

    model = deserialize(functional(layers, ["ids", 0, 0], ["s", 0, 0]), {"Steps": Steps})
    assert "s = self.s(e, mask = ne)" in model.code
    assert model(torch.tensor([[1, 0]])).shape == (1, 2, 4)
    steps = LSTM(3, return_sequences=True, name="steps")(model.output)
    longer = Model(model.input, GRU(2, name="end")(steps))
    described_layers = {layer["name"]: layer["inbound_nodes"] for layer in longer.get_config()["layers"]}
    for name in ("s", "steps", "end"):
        [node] = described_layers[name]
        assert node["kwargs"]["mask"]["config"]["keras_history"] == ["not_equal", 0, 0]


def test_refuses_unknown_operations_and_loops():
    entry = described("InputLayer", "x", [], batch_shape=[None, 3], dtype="float32")
    node = [{"args": [reference("x", [None, 3])], "kwargs": {}}]
    unknown = described("Erfinv", "op", node, "keras.src.ops.math")
    with pytest.raises(ValueError, match=r"the operation 'Erfinv' \(module 'keras.src.ops.math'\)"):
        deserialize(functional([entry, unknown], ["x", 0, 0], ["op", 0, 0]))
    loop = described("Dense", "d", [{"args": [reference("d", [None, 3])], "kwargs": {}}], units=3)
    with pytest.raises(ValueError, match=r"the inputs of the layers \['d'\] are never computed"):
        deserialize(functional([entry, loop], ["x", 0, 0], ["d", 0, 0]))
    missing = described("Dense", "d", [{"args": [reference("gone", [None, 3])], "kwargs": {}}], units=3)
    with pytest.raises(ValueError, match="the layer 'gone' is the input of another, but not in the config"):
        deserialize(functional([entry, missing], ["x", 0, 0], ["d", 0, 0]))
    training = described("Dense", "d", [{**node[0], "kwargs": {"training": True}}], units=3)
    with pytest.raises(ValueError, match="layer 'd' is called with training=True"):
        deserialize(functional([entry, training], ["x", 0, 0], ["d", 0, 0]))


@pytest.mark.parametrize("end", ["x", ["x"], [["x", 0, 0], 5], {"a": "x"}, "x" * 100_000])
def test_refuses_ends_that_are_no_places(end):
    entry = described("InputLayer", "x", [], batch_shape=[None, 3], dtype="float32")
    for ends in ((end, ["x", 0, 0]), (["x", 0, 0], end)):
        with pytest.raises(ValueError, match=r"from_config: ('x{1,100}'?|5) is no \[layer, call, output\]"):
            deserialize(functional([entry], *ends))


def old(cls: str, name: str, nodes, **config):
    return {"class_name": cls, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def test_reads_the_form_of_keras_1_and_2():
    inner = {
        "name": "inner",
        "layers": [
            old("InputLayer", "i", [], batch_input_shape=[None, 4], dtype="float32", sparse=False, ragged=False),
            old("Dense", "deep", [[["i", 0, 0, {}]]], units=3),
        ],
        "input_layers": [["i", 0, 0]],
        "output_layers": [["deep", 0, 0]],
    }
    config = {
        "name": "outer",
        "layers": [
            old("InputLayer", "a", [], batch_input_shape=[None, 4], dtype="float32"),
            old("InputLayer", "b", [], batch_input_shape=[None, 4], dtype="float32"),
            {**old("Model", "inner", [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]), "config": inner},
            # Models inside models count from 1, where their own graph is call 0.
            old("Add", "sum", [[["inner", 1, 0, {}], ["inner", 2, 0, {}]]]),
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["sum", 0, 0]],
    }
    model = deserialize({"class_name": "Model", "config": config})
    a, b = torch.randn(2, 3, 4)
    deep = model.get_layer("inner").get_layer("deep")
    torch.testing.assert_close(model([a, b]), deep(a) + deep(b))


def test_reads_sequentials_of_keras_1_and_2():
    layers = [
        {"class_name": "Dense", "config": {"name": "dense_1", "units": 3, "batch_input_shape": [None, 4]}},
        {"class_name": "Dense", "config": {"name": "dense_2", "units": 2}},
    ]
    named = deserialize({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    for model in (named, Sequential.from_config(layers)):
        assert next(iter(model.state_dict())) == "dense_1.weight"
        assert model.output_shape == (None, 2)


def test_masks_are_not_written():
    ids = Input((3,), dtype="int32")
    x = Embedding(5, 4, mask_zero=True)(ids)
    model = Model(ids, Maximum()([x, Dense(4)(x)]))
    assert [layer["class_name"] for layer in model.get_config()["layers"]] == [
        "InputLayer",
        "Embedding",
        "Dense",
        "Maximum",
    ]
    made, value = again(model), torch.tensor([[1, 2, 0]])
    torch.testing.assert_close(made(value), model(value))
