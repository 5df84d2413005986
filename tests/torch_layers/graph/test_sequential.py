"""Chains of layers: with and without an input, built at once or later."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from torch_layers import Activation, Add, BatchNormalization, Dense, Embedding, Input, Model, Sequential
from torch_layers.layers import InputLayer


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [Input((4,)), Dense(3), Dense(2)],
        lambda: [InputLayer((4,)), Dense(3), Dense(2)],
        lambda: [Dense(3, input_shape=(4,)), Dense(2)],
    ],
    ids=["Input", "InputLayer", "input_shape"],
)
def test_with_an_input_it_is_built(layers):
    model = Sequential(layers())
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert list(model.state_dict()) == ["dense.weight", "dense.bias", "dense_1.weight", "dense_1.bias"]
    assert [type(layer) for layer in model.layers] == [Dense, Dense]
    assert model(torch.ones(5, 4)).shape == (5, 2)


def test_without_an_input_it_is_built_by_its_first_call():
    model = Sequential([Dense(3, activation="relu"), Dense(2)])
    keys, code = list(model.state_dict()), model.code
    assert "dense = self.dense(inputs)" in code
    assert not model.built
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with pytest.raises(AttributeError):
        _ = model.input_shape
    model(np.ones((5, 4), "float32"))
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert list(model.state_dict()) == keys
    before = model.dense_1.bias.clone()
    model(torch.ones(5, 4)).sum().backward()
    optimizer.step()
    torch.testing.assert_close(model.dense_1.bias, before - 5)


def test_unbuilt_takes_weights():
    built = Sequential([Input((4,)), Dense(3), Dense(2)])
    loaded, assigned = (Sequential([Dense(3), Dense(2)]) for _ in range(2))
    loaded.load_state_dict(built.state_dict())
    assigned.set_weights(built.get_weights())
    for model in (loaded, assigned, copy.deepcopy(loaded), pickle.loads(pickle.dumps(assigned))):
        torch.testing.assert_close(model(x := torch.randn(2, 4)), built(x))


def test_build():
    model = Sequential([Dense(3)])
    model.build((None, 4))
    assert model.dense.weight.shape == (3, 4)
    with pytest.raises(
        ValueError, match=r"Sequential: 'sequential' has input shape \(None, 4\) already, not \(None, 5\)"
    ):
        model.build((None, 5))
    with pytest.raises(ValueError, match="Sequential: 'sequential' has no layers to build"):
        Sequential().build((None, 4))


def test_add_and_pop():
    model = Sequential(name="chain")
    model.add(Input((4,)))
    model.add(Dense(3))
    model.add(Dense(2, name="last"))
    assert model.output_shape == (None, 2)
    assert "return last" in model.code
    last = model.pop()
    assert last.name == "last"
    assert model.output_shape == (None, 3)
    assert list(model.state_dict()) == ["dense.weight", "dense.bias"]
    model.add(last)
    assert model(torch.ones(1, 4)).shape == (1, 2)
    with pytest.raises(ValueError, match="Sequential: 'sequential' has no layer to pop"):
        Sequential().pop()


def test_empty_gives_back_its_input():
    assert Sequential()(torch.ones(2)).shape == (2,)


@pytest.mark.parametrize(
    "layers, message",
    [
        (lambda: [nn.Linear(3, 2)], r"layers\[0\]=Linear\(.*\) is not a layer of torch_layers"),
        (lambda: [Dense(2), Input((3,))], "comes after the start, where alone an input may be"),
        (lambda: [Input((3,)), Input((3,))], "comes after the start, where alone an input may be"),
        (lambda: [Dense(2, name="a"), Dense(2, name="a")], "two layers have the name 'a', each needs its own"),
    ],
)
def test_refuses(layers, message):
    with pytest.raises(ValueError, match=f"^Sequential: .*{message}"):
        Sequential(layers())


def test_one_layer_twice_is_shared():
    layer = Dense(4)
    model = Sequential([Input((4,)), layer, Activation("relu"), layer])
    assert len(model.get_weights()) == 2
    x = torch.randn(2, 4)
    torch.testing.assert_close(model(x), layer(torch.relu(layer(x))))


def test_starts_with_several_inputs():
    model = Sequential([Add(), Dense(2)])
    a, b = torch.randn(2, 3, 4)
    torch.testing.assert_close(model([a, b]), model.dense(a + b))
    x, y = Input((4,)), Input((4,))
    outer = Model([x, y], model([x, y]))
    torch.testing.assert_close(outer(a, b), model([a, b]))


def test_nests():
    inner = Sequential([Input((4,)), Dense(3)], name="inner")
    outer = Sequential([inner, Dense(2)])
    assert outer.built
    assert next(iter(outer.state_dict())) == "inner.dense.weight"
    x = Input((4,))
    model = Model(x, outer(x))
    assert "sequential = self.sequential(input_layer)" in model.code
    assert model(torch.ones(1, 4)).shape == (1, 2)


def test_unbuilt_is_built_by_a_symbol():
    x = Input((4,))
    chain = Sequential([Dense(3)])
    assert Model(x, chain(x)).output_shape == (None, 3)
    assert chain.input_shape == (None, 4)


def test_other_sizes_than_those_of_the_first_call_will_do():
    model = Sequential([Activation("relu")])
    assert model(torch.ones(2, 3, 4)).shape == (2, 3, 4)
    assert model(torch.ones(2, 5, 6)).shape == (2, 5, 6)


def test_integers_reach_an_embedding_as_they_are():
    model = Sequential([Embedding(5000, 2)]).half()
    ids = torch.tensor([[4097]])
    torch.testing.assert_close(model(ids)[0, 0], model.embedding.weight[4097])


def test_an_unbuilt_chain_refuses_to_be_compiled():
    model = torch.compile(Sequential([Dense(3)]), backend="aot_eager", fullgraph=True)
    with pytest.raises(Exception, match="not built yet"):
        model(torch.ones(1, 2))


def test_compiles_and_exports():
    model = Sequential([Input((4,)), Dense(3), Dense(2)])
    x = torch.randn(5, 4)
    torch.testing.assert_close(torch.compile(model, fullgraph=True, backend="aot_eager")(x), model(x))
    exported = torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(exported.module()(x[:2]), model(x[:2]))


def test_compute_mask_without_masks():
    assert Sequential([Dense(3)]).compute_mask(torch.ones(1, 2)) is None


def test_frozen_by_the_constructor_it_tells_the_layers_inside_nothing():
    model = Sequential([Dense(3), BatchNormalization(momentum=0.5)], trainable=False)
    before = model(torch.ones(4, 5))
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert [layer.trainable for layer in model.layers] == [True, True]
    assert not torch.equal(before, model.eval()(torch.ones(4, 5)))
    model.train().trainable = False
    assert torch.equal(model(torch.ones(4, 5)), model.eval()(torch.ones(4, 5)))
