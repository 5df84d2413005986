"""Functional models are copied and saved as any module is, and torch's tools take them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import fx

from tests.torch_layers.graph.test_model import equal, inputs, two_branches
from torch_layers import Activation, Dense, Input, Model


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_duplicates(duplicate):
    model = two_branches()
    model.compile("adam", "mse")
    copied, x = duplicate(model), inputs()
    assert type(copied).__name__ == "Functional"
    assert copied.code == model.code
    assert copied.shared is not model.shared
    assert copied.name == "two"
    assert copied.optimizer.param_groups[0]["params"][0] is copied.shared.weight
    equal(copied(x), model(x))
    # Its history was copied too: parts of it share its layers, not those of the first model.
    part = Model(copied.input, copied.get_layer("add").output)
    assert part.shared is copied.shared
    with torch.no_grad():
        copied.shared.weight.zero_()
    assert not torch.equal(copied(x)["sum"], model(x)["sum"])


def test_saved_whole(tmp_path):
    model = two_branches()
    torch.save(model, tmp_path / "model.pt")
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    equal(loaded(x := inputs()), model(x))


def test_deep_models_are_copied_without_recursion():
    h = x = Input((4,))
    for _ in range(600):
        h = Activation("relu")(h) + 1
    model = Model(x, h)
    copied = pickle.loads(pickle.dumps(model))
    equal(copied(v := torch.ones(1, 4)), model(v))
    assert len(copy.deepcopy(model).layers) == 601


def test_an_edited_graph_is_deepcopied_but_not_pickled():
    x = Input((4,))
    model = Model(x, torch.relu(x))
    next(node for node in model.graph.nodes if node.op == "call_function").target = torch.neg
    model.recompile()
    value = torch.randn(2, 4)
    equal(copy.deepcopy(model)(value), -value)
    with pytest.raises(TypeError, match="was edited, so it can't be pickled"):
        pickle.dumps(model)


def test_constants_follow_the_model_and_stay_out_of_the_state_dict():
    x = Input((3,))
    model = Model(x, x * torch.tensor([1.0, 2.0, 3.0]))
    assert list(model.state_dict()) == []
    model.double()
    copied = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    assert [name for name, _ in copied.named_buffers()] == ["constant_0"]
    assert copied(torch.ones(1, 3)).dtype is torch.float64


def test_dtype_conversions_change_the_inputs_too():
    x, ids = Input((3,), name="x"), Input((2,), dtype="int64", name="ids")
    model = Model([x, ids], [Dense(2)(x), ids + 1])
    model.double()
    first, second = pickle.loads(pickle.dumps(model))(np.ones((1, 3)), np.full((1, 2), 2**40))
    assert (first.dtype, second.dtype, second[0, 0].item()) == (torch.float64, torch.int64, 2**40 + 1)


def test_half_precision_does_not_round_integer_inputs():
    ids = Input((2,))  # a float input, as Keras gives an Embedding in a Sequential
    model = Model(ids, ids.to(torch.int64) + 0).half()
    equal(model(torch.tensor([[4097, 3]])), torch.tensor([[4097, 3]]))


def test_compiles_whole():
    model, (a, b) = two_branches(), inputs()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for given in ([a, b], {"a": a, "b": b}):
        torch.testing.assert_close(compiled(given), model(given))


def test_nested_models_with_any_structure_compile_whole():
    inner = two_branches()
    x, y = Input((4,), name="x"), Input((3,), name="y")
    outer = Model([x, y], inner({"b": y, "a": x})["score"] + inner([x, y])["score"])
    compiled = torch.compile(outer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(v := inputs()), outer(v))


def test_exports_with_any_batch_size():
    model, (a, b) = two_branches(), inputs()
    batch = torch.export.Dim("batch")
    exported = torch.export.export(model, (a, b), dynamic_shapes=({0: batch}, {0: batch}))
    torch.testing.assert_close(exported.module()(a[:3], b[:3]), model(a[:3], b[:3]))


def test_functional_call_and_grad():
    model, x = two_branches(), inputs()
    zeros = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    assert torch.func.functional_call(model, zeros, (x,))["score"].abs().sum() == 0
    params = dict(model.named_parameters())
    loss = lambda p: torch.func.functional_call(model, p, (x,))["score"].sum()  # noqa: E731
    model(x)["score"].sum().backward()
    torch.testing.assert_close(torch.func.grad(loss)(params)["shared.weight"], model.shared.weight.grad)


def test_torch_fx_traces_through():
    class Around(torch.nn.Module):
        def __init__(self):
            super().__init__()
            a, b = Input((4,)), Input((4,))
            self.model = Model([a, b], {"y": Dense(2)(a - b)})

        def forward(self, a, b):
            return self.model([a, b])["y"] * 2

    around, (a, b) = Around(), torch.randn(2, 3, 4)
    equal(fx.symbolic_trace(around)(a, b), around(a, b))


def test_hooks_see_the_call():
    model, seen = two_branches(), []
    model.register_forward_hook(lambda module, args, output: seen.append(len(args)))
    model(inputs())
    assert seen == [2]
