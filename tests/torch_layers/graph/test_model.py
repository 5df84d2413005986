"""Functional models: their code, calls, parts and subclasses. Copies and torch's tools: test_model_tools.py."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import fx

from torch_layers import Add, Concatenate, Dense, Input, Model, Sequential


def two_branches() -> Model:
    a, b = Input((4,), name="a"), Input((3,), name="b")
    shared = Dense(5, name="shared")
    h = Add()([shared(a), shared(torch.cat([b, b[:, :1]], -1))])
    return Model([a, b], {"sum": h, "score": Dense(1)(torch.tanh(h))}, name="two")


def inputs() -> list[torch.Tensor]:
    return [torch.randn(6, 4), torch.randn(6, 3)]


def equal(first, second) -> None:
    torch.testing.assert_close(first, second, rtol=0, atol=0)


# --- what it is ----------------------------------------------------------------------------------------------------


def test_code_reads_like_the_code_that_made_it():
    model = two_branches()
    lines = [line.split(";")[0].strip() for line in model.code.strip().splitlines()]
    assert lines == [
        "def forward(self, a, b):",
        "shared = self.shared(a)",
        "getitem = b[(slice(None, None, None), slice(None, 1, None))]",
        "cat = torch.cat([b, getitem], -1)",
        "shared_1 = self.shared(cat)",
        "add = self.add([shared, shared_1])",
        "tanh = torch.tanh(add)",
        "dense = self.dense(tanh)",
        "return {'sum': add, 'score': dense}",
    ]


def test_is_a_graph_module_of_its_own_class():
    model = two_branches()
    assert isinstance(model, fx.GraphModule)
    assert isinstance(model, Model)
    assert type(model).__name__ == "Functional"
    assert type(model) is not type(two_branches())
    model.graph.lint()
    assert repr(model).splitlines()[0] == "Functional("
    assert str(model) == repr(model)
    equal(fx.Interpreter(model).run(*(x := inputs())), model(x))


def test_state_dict_has_each_tensor_once_under_names_of_the_model():
    assert list(two_branches().state_dict()) == ["shared.weight", "shared.bias", "dense.weight", "dense.bias"]
    # Not by a counter of the process: the second model has the same keys.
    assert list(two_branches().state_dict()) == list(two_branches().state_dict())


def test_a_layer_inside_a_nested_model_and_outside_has_one_place():
    start = Input((4,))
    inner_layer = Dense(4, name="deep")
    inner = Model(start, inner_layer(start), name="inner")
    x = Input((4,))
    model = Model(x, inner_layer(inner(x)))
    assert list(model.state_dict()) == ["inner.deep.weight", "inner.deep.bias"]
    assert "self.inner.deep(inner)" in model.code
    assert len(model.get_weights()) == 2
    value = torch.randn(2, 4)
    equal(copy.deepcopy(model)(value), model(value))


@pytest.mark.parametrize("name, attribute", [("my.layer", "my_layer"), ("1st", "_1st"), ("class", "class_")])
def test_names_become_identifiers(name, attribute):
    x = Input((4,))
    model = Model(x, Dense(2, name=name)(x))
    assert list(model.state_dict()) == [f"{attribute}.weight", f"{attribute}.bias"]
    model(torch.ones(1, 4))


def test_names_make_way_for_own_names_and_attributes():
    x = Input((4,), name="input")
    model = Model(x, Dense(4, name="dense")(Dense(4)(Dense(4, name="layers")(x))))
    assert {name for name, _ in model.named_children()} == {"layers_1", "dense_1", "dense"}
    assert model.get_layer("dense").name == "dense"
    assert "def forward(self, input)" in model.code
    model(torch.ones(1, 4))


def test_refuses_two_layers_with_one_own_name():
    x = Input((4,))
    with pytest.raises(ValueError, match="two layers have the name 'twin'"):
        Model(x, Dense(4, name="twin")(Dense(4, name="twin")(x)))


# --- calls ---------------------------------------------------------------------------------------------------------


def test_takes_lists_tuples_dicts_names_positions_and_arrays():
    model, (a, b) = two_branches(), inputs()
    expected = model([a, b])
    for result in (
        model((a, b)),
        model(a, b),
        model({"b": b, "a": a, "unused": a}),
        model(a=a, b=b),
        model([a.numpy(), b.numpy()]),
    ):
        equal(result, expected)


def test_inputs_get_the_dtype_of_the_symbols():
    x = Input((3,))
    model = Model(x, x * 2)
    assert model(np.ones((2, 3), "int64")).dtype is torch.float32
    assert model(torch.ones(2, 3, dtype=torch.float64)).dtype is torch.float32
    ids = Input((3,), dtype="int32")
    assert Model(ids, ids + 1)(np.ones((2, 3))).dtype is torch.int32


def test_last_axis_of_size_1_may_be_missing_or_too_many():
    x = Input((1,))
    assert Model(x, Dense(2)(x))(torch.ones(3)).shape == (3, 2)
    y = Input(())
    assert Model(y, y + 1)(torch.ones(3, 1)).shape == (3,)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m, a, b: m(a), "Functional 'two': called with 1 input, needed are 2: a, b"),
        (lambda m, a, b: m([a, b, b]), "called with 3 inputs, needed are 2: a, b"),
        (lambda m, a, b: m({"a": a, "c": b}), r"called with the inputs \['a', 'c'\], needed are \['a', 'b'\]"),
        (lambda m, a, b: m([b, b]), r"input 'a' has shape \(6, 3\), the model takes \(None, 4\)"),
        (lambda m, a, b: m([a, None]), "input 'b' is None, but not optional"),
        (lambda m, a, b: m([a, b], mask=[None]), "called with 1 masks, needed is one or None for each of 2 inputs"),
        (
            lambda m, a, b: m([Input((3,)), Input((3,))]),
            r"input 'a' has shape \(None, 3\), the model takes \(None, 4\)",
        ),
    ],
)
def test_refuses_other_inputs(call, message):
    with pytest.raises(ValueError, match=message):
        call(two_branches(), *inputs())


def test_optional_input_may_be_none():
    a, b = Input((3,), name="a"), Input((3,), name="b", optional=True)

    class Maybe(Add):
        def __call__(self, inputs):
            return inputs[0] if inputs[1] is None else super().__call__(inputs)

    model = Model([a, b], Maybe()([a, b]))
    value = torch.ones(2, 3)
    equal(model([value, None]), value)
    equal(model([value, value]), value * 2)


def test_one_output_in_a_list_comes_back_alone():
    x = Input((3,))
    model = Model([x], [x + 1])
    assert model(torch.ones(1, 3)).shape == (1, 3)
    assert isinstance(model.output, list)


def test_nested_structures():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model({"x": [a], "y": (b,)}, {"p": [a + b, (a, b)]})
    a, b = torch.randn(2, 3, 2)
    result = model({"x": [a], "y": (b,)})
    equal(result["p"][0], a + b)
    equal(result["p"][1][1], b)


# --- what it consists of -------------------------------------------------------------------------------------------


def test_shapes_names_and_layers():
    model = two_branches()
    assert model.input_shape == [(None, 4), (None, 3)]
    assert model.output_shape == [(None, 1), (None, 5)]
    assert model.input_names == ["a", "b"]
    assert model.output_names == ["dense", "add"]
    # b has the longer way to the outputs.
    assert [layer.name for layer in model.layers] == ["b", "a", "shared", "add", "dense"]
    assert model.count_params() == 5 * 5 + 6
    assert model.get_layer("shared") is model.shared
    assert model.get_layer(index=2) is model.shared


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({}, "exactly one of both must be given"),
        (
            {"name": "shred"},
            r"name='shred' is not one of \('b', 'a', 'shared', 'add', 'dense'\) \(did you mean 'shared'",
        ),
        ({"index": 9}, "index=9 is not below the number of layers, 5"),
    ],
)
def test_get_layer_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        two_branches().get_layer(**kwargs)


def test_layers_are_ordered_by_depth_as_keras_does():
    x = Input((2,))
    late = Dense(3, name="late")(x)  # written first, but the last on the way to the output
    early = Dense(3, name="early")(x)
    middle = Dense(3, name="middle")(early)
    model = Model(x, Concatenate()([late, middle]))
    assert [layer.name for layer in model.layers][1:] == ["early", "late", "middle", "concatenate"]


def test_models_between_any_symbols_share_layers():
    model = two_branches()
    a, b = inputs()
    features = Model(model.input, model.get_layer("add").output)
    equal(features([a, b]), model([a, b])["sum"])
    assert features.shared is model.shared
    head = Model(model.get_layer("add").output, model.output["score"])
    equal(head(features([a, b])), model([a, b])["score"])


def test_models_nest_as_one_module():
    inner, (a, b) = two_branches(), inputs()
    x, y = Input((4,)), Input((3,))
    outer = Model([x, y], inner([x, y])["score"] * 2)
    assert "two = self.two([input_layer, input_layer_1])" in outer.code
    equal(outer([a, b]), inner([a, b])["score"] * 2)
    assert [name for name, _ in outer.named_children()] == ["two"]


def test_refuses_what_is_not_connected():
    x, z = Input((3,), name="x"), Input((3,), name="z")
    with pytest.raises(ValueError, match=r"^Model: output <.*> needs the input 'z', not among the inputs 'x'$"):
        Model(x, Dense(2)(x) + Dense(2)(z))
    with pytest.raises(ValueError, match=r"^Model: outputs holds 3, not only symbolic tensors"):
        Model(x, 3)
    with pytest.raises(ValueError, match=r"^Model: inputs holds tensor.*, not only symbolic tensors"):
        Model([torch.ones(1)], [x])


def test_an_input_may_be_unused():
    x, z = Input((3,), name="x"), Input((3,), name="z")
    model = Model([x, z], x + 1)
    equal(model(torch.ones(1, 3), torch.ones(1, 3)), torch.full((1, 3), 2.0))


def test_a_replaced_layer_counts():
    model = two_branches()
    model.dense = Dense(1, input_shape=(5,))
    assert model.get_layer("dense") is model.dense
    copied = pickle.loads(pickle.dumps(model))
    equal(copied(inputs_ := inputs()), model(inputs_))


def test_weights_go_over_in_order():
    first, second = two_branches(), two_branches()
    second.set_weights(first.get_weights())
    equal(second(x := inputs()), first(x))
    first.trainable = False
    assert not any(weight.requires_grad for weight in first.parameters())


# --- penalties -----------------------------------------------------------------------------------------------------


def test_activity_penalties_of_shared_layers_add_up_and_start_anew():
    x = Input((3,))
    layer = Dense(3, activity_regularizer="l1")
    inner = Model(x, layer(layer(x)))
    outer = Model(x, inner(inner(x)))
    value = torch.randn(2, 3)
    for _ in range(2):
        inner(value)
        assert len(inner.losses) == 2
    for _ in range(2):
        outer(value)
        assert len(outer.losses) == 4
    layer(value)
    assert len(layer.losses) == 1
    compiled = torch.compile(outer, fullgraph=True, backend="aot_eager")
    compiled(value)
    in_graph = sum(outer.losses)
    outer(value)
    torch.testing.assert_close(in_graph, sum(outer.losses))


# --- subclasses ----------------------------------------------------------------------------------------------------


class Mine(Model):
    def __init__(self, units: int) -> None:
        super().__init__(name="mine")
        self.units = units
        self.first, self.second = Dense(units), Dense(2, activity_regularizer="l2")

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


def test_subclass_with_its_own_forward():
    model, value = Mine(3), torch.randn(4, 5)
    assert model(value).shape == (4, 2)
    assert not isinstance(model, fx.GraphModule)
    assert model.layers == [model.first, model.second]
    assert model.get_layer("first") is model.first
    assert model.predict(value.numpy()).shape == (4, 2)
    assert len(model.losses) == 1
    assert len(copy.deepcopy(model).get_weights()) == 4
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(value), model(value))


def test_subclass_with_its_own_forward_in_a_graph():
    x = Input((5,))
    model = Model(x, Mine(3)(x))
    assert "mine = self.mine(input_layer)" in model.code
    assert model(torch.ones(1, 5)).shape == (1, 2)


class Classifier(Model):
    def __init__(self, classes: int) -> None:
        x = Input((4,))
        super().__init__(x, Dense(classes)(x), name="classifier")
        self.classes = classes


def test_subclass_that_gives_inputs_and_outputs():
    model = Classifier(3)
    assert isinstance(model, fx.GraphModule)
    assert type(model).__name__ == "Classifier"
    copied = pickle.loads(pickle.dumps(model))
    assert isinstance(copied, Classifier)
    assert copied.classes == 3
    equal(copied(v := torch.randn(2, 4)), model(v))
    with pytest.raises(ValueError, match=r"^Classifier 'classifier': input"):
        model(torch.ones(1, 5))


def test_models_in_a_sequential():
    model = Sequential([Classifier(3), Dense(2)])
    assert model.input_shape == (None, 4)
    assert model(torch.ones(1, 4)).shape == (1, 2)


def test_a_model_inside_another_one_takes_symbols_of_another_dtype():
    i = Input((3,))
    inner = Model(i, Dense(2, dtype="bfloat16")(i))
    model = Model(x := Input((3,), dtype="bfloat16"), inner(x))
    assert model(torch.ones(2, 3)).shape == (2, 2)
