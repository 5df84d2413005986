"""What every registered layer must do, whatever it computes. A new layer joins by existing, with its first case."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils import _pytree as pytree

import torch_layers
from parity import draw
from parity.case import Case
from parity.cases import all_cases
from parity.sides.torch_layers import TorchLayers
from tests.devices import DEVICES, run_on
from torch_layers import registry
from torch_layers.layers.base import Layer

LAYERS = registry.layers.unique()
SIDE = TorchLayers()


@cache
def example(name: str) -> Case:
    """Return the first case of a layer that it accepts, on floats, without masks."""
    cases = [c for c in all_cases() if c.kind == "layer" and c.name == name and c.dtype == "float32" and not c.raises]
    assert cases, f"{name} has no case: add one to parity/cases"
    return cases[0]


def made(name: str, policy: str = "float32") -> tuple[Layer, list[Any]]:
    """Make a layer in evaluation, where nothing is random and no state moves, and its inputs, without gradients."""
    case = example(name)
    layer = SIDE.make(case, case, policy).eval()
    (args, _), _ = SIDE._inputs([draw.inputs(case, policy), {}])
    return layer, pytree.tree_map(lambda x: x.detach() if isinstance(x, Tensor) else x, args)


def built(name: str, policy: str = "float32") -> tuple[Layer, list[Any]]:
    layer, args = made(name, policy)
    layer(*args)
    return layer, args


def same(a: Any, b: Any) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


def floats(nested: Any) -> list[Tensor]:
    return [x for x in pytree.tree_leaves(nested) if isinstance(x, Tensor) and x.is_floating_point()]


every_layer = pytest.mark.parametrize(
    "name", sorted(set(LAYERS) - {"Layer", "Model", "Sequential", "Functional", "Wrapper", "InputLayer"})
)


@every_layer
def test_config_makes_an_equal_layer(name):
    layer, args = built(name)
    again = type(layer).from_config(layer.get_config()) if name != "Lambda" else copy.deepcopy(layer)
    if name != "Lambda":  # a Lambda's function is code: configs don't carry it
        assert again.get_config() == layer.get_config()
        again = torch_layers.deserialize(torch_layers.serialize(layer))
        assert type(again) is type(layer)
    again.set_weights(layer.get_weights())
    same(again.eval()(*args), layer(*args))


@every_layer
def test_weights_go_out_and_in_in_keras_layout(name):
    layer, args = built(name)
    expected, weights = layer(*args), layer.get_weights()
    other, _ = made(name)
    other.set_weights(weights)
    same(other(*args), expected)
    for mine, theirs in zip(other.get_weights(), weights, strict=True):
        assert (mine == theirs).all()


@every_layer
def test_optimizer_made_before_the_first_call_trains_the_layer(name):
    layer, args = made(name)
    parameters = list(layer.parameters())
    if not parameters:
        pytest.skip("has no parameters")
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    sum(y.square().sum() for y in floats(layer(*args))).backward()
    before = [parameter.detach().clone() for parameter in parameters]
    optimizer.step()
    trained = [p for p in parameters if p.grad is not None and p.grad.abs().sum() > 0]
    assert trained, "no parameter has a gradient"
    assert all(not torch.equal(p, b) for p, b in zip(parameters, before, strict=True) if any(p is t for t in trained))


@every_layer
def test_state_dict_reads_like_torch_and_fills_a_layer_that_is_not_built(name):
    layer, args = built(name)
    state = layer.state_dict()
    assert not any("/" in key for key in state)
    assert len({tensor.data_ptr() for tensor in state.values() if tensor.numel()}) == len(
        [t for t in state.values() if t.numel()]
    )
    assert sum(p.requires_grad for p in layer.parameters()) == sum(
        getattr(owner, spec.name).requires_grad for owner, spec in layer.weight_entries()
    )
    fresh, _ = made(name)
    fresh.state_dict()
    fresh.load_state_dict(state)
    assert not any(is_lazy(p) for p in fresh.parameters())
    same(fresh(*args), layer(*args))
    for mine, theirs in zip(fresh.get_weights(), layer.get_weights(), strict=True):
        assert (mine == theirs).all()


@every_layer
def test_copies_and_pickles(name):
    layer, args = built(name)
    layer(*args)
    expected = layer(*args)
    same(copy.deepcopy(layer)(*args), expected)
    same(pickle.loads(pickle.dumps(layer))(*args), expected)
    buffer = io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    same(torch.load(buffer, weights_only=False)(*args), expected)
    unbuilt, _ = made(name)
    unbuilt = copy.deepcopy(unbuilt)
    unbuilt.set_weights(layer.get_weights())
    same(unbuilt(*args), expected)


@every_layer
def test_compiles_in_one_graph(name):
    layer, args = built(name)
    torch._dynamo.reset()
    same(torch.compile(layer, fullgraph=True, backend="eager")(*args), layer(*args))


@every_layer
def test_exports_with_a_dynamic_batch(name):
    layer, args = built(name)
    layer.eval()
    batch = torch.export.Dim("batch")

    def dims(x: Any) -> Any:
        return {0: batch} if isinstance(x, Tensor) and x.ndim else None

    shapes = {key: pytree.tree_map(dims, value) for key, value in zip(parameters_of(layer), args, strict=False)}
    program = torch.export.export(layer, tuple(args), dynamic_shapes=shapes)
    twice = pytree.tree_map(lambda x: torch.cat([x, x, x]) if isinstance(x, Tensor) and x.ndim else x, args)
    same(program.module()(*twice), layer(*twice))


def parameters_of(layer: nn.Module) -> list[str]:
    return list(inspect.signature(layer.forward).parameters)


@every_layer
def test_works_under_torch_func(name):
    layer, args = built(name)
    state = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
    # They ask for gradients where the layer's do: torch's kernels may round in another way without.
    doubled = {key: (value.detach() * 2).requires_grad_(value.requires_grad) for key, value in state.items()}
    other = copy.deepcopy(layer)
    other.load_state_dict(doubled)
    same(torch.func.functional_call(layer, doubled, tuple(args)), other(*args))
    inputs = floats(args)
    if inputs and floats(layer(*args)):
        _, tangent = torch.func.vjp(lambda *_: floats(layer(*args))[0], *inputs)
        assert tangent is not None


@every_layer
def test_autocast_lets_ops_choose(name):
    layer, args = built(name)
    with torch.autocast("cpu", torch.bfloat16):
        for y in floats(layer(*args)):
            assert torch.isfinite(y.float()).all()


@every_layer
@pytest.mark.parametrize("policy", ["float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_policy_says_the_dtypes(name, policy):
    layer, args = built(name, policy)
    assert layer.dtype_policy.name == policy
    for owner, spec in layer.weight_entries():
        weight = getattr(owner, spec.name)
        assert weight.dtype is (spec.dtype or layer.variable_dtype) or not weight.is_floating_point()
    if name not in ("Lambda", "Wrapper"):
        assert all(y.dtype is layer.compute_dtype for y in floats(layer(*args)))


@every_layer
def test_moves_to_another_dtype(name):
    layer, args = built(name)
    layer = layer.double()
    assert all(p.dtype is torch.float64 for p in layer.parameters())
    double = pytree.tree_map(lambda x: x.double() if isinstance(x, Tensor) and x.is_floating_point() else x, args)
    assert all(y.dtype is torch.float64 for y in floats(layer(*double)))
    assert all(y.dtype is torch.float16 for y in floats(layer.half()(*args)))


@every_layer
@pytest.mark.parametrize("device", DEVICES)
def test_computes_forward_and_backward_on_a_device_without_a_stray_cpu_tensor(name, device):
    layer, args = built(name)
    if device != "cuda":  # torch's CPU build can't copy into a fake CUDA tensor, which state that moves asks for
        layer.train()
    run_on(device, layer, *args)


@every_layer
def test_train_and_eval_are_torch_s(name):
    assert SIDE.make(example(name), example(name), "float32").training
    layer, args = built(name)
    assert not layer.training
    layer(*args)
    assert layer.train().training
    layer(*args)


@every_layer
def test_trainable_false_freezes(name):
    layer, args = made(name)
    layer.trainable = False
    layer(*args)
    assert not any(p.requires_grad for p in layer.parameters())
    assert layer.get_config().get("trainable", False) is False  # SpatialDropout's config, as Keras's, doesn't say


@every_layer
def test_docstring_says_shape_and_source(name):
    doc = inspect.getdoc(LAYERS[name]) or ""
    for word in ("Shape:", f"Source: keras.layers.{name}, Keras 3"):
        assert word in doc, f"{name}'s docstring lacks {word!r}"


@every_layer
def test_unknown_arguments_are_refused_with_the_nearest(name):
    case = example(name)
    with pytest.raises(TypeError, match=rf"{name}: unknown argument 'trainabel' \(did you mean 'trainable'\?\)"):
        LAYERS[name](**arguments_of(case), trainabel=True)


def arguments_of(case: Case) -> dict[str, Any]:
    return draw.config(case, "float32", lambda o: SIDE.make(o, case, "float32"))
