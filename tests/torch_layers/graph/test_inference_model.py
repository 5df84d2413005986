"""What optimize_for_inference returns: a module as torch has them, beside a model that stays as it was."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from tests.devices import run_on
from tests.torch_layers.graph.small_models import chain, check_equal, model_of_everything, randomized, sample
from torch_layers import (
    GRU,
    LSTM,
    Add,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Input,
    Model,
    MultiHeadAttention,
    Sequential,
    optimize_for_inference,
)


def test_the_model_stays_as_it_is():
    model = model_of_everything()
    state, code = copy.deepcopy(model.state_dict()), model.code
    expected = model(sample(model))
    optimized = optimize_for_inference(model.train())
    assert model.training
    assert not optimized.training
    assert model.code == code
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), state.values(), strict=True))
    assert torch.equal(model.eval()(sample(model)), expected)
    assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in optimized.parameters())


@pytest.fixture(scope="module")
def everything():
    model = model_of_everything()
    return model, optimize_for_inference(model)


def test_everything_at_once(everything):
    model, optimized = everything
    check_equal(model, optimized, sample(model))
    assert len(list(optimized.graph.nodes)) == 8
    assert "self.conv2d(" in optimized.code


def test_oneDNN_is_used_where_it_may_be_and_given_up_for_gradients(everything):
    model, optimized = everything
    given = sample(model)

    def called(x):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            optimized(x)
        return {event.name for event in profile.events()}

    assert "mkldnn::_convolution_pointwise" in called(given)
    wants = given.clone().requires_grad_()
    assert "mkldnn::_convolution_pointwise" not in called(wants)
    optimized(wants).square().sum().backward()
    other = given.clone().requires_grad_()
    model(other).square().sum().backward()
    torch.testing.assert_close(wants.grad, other.grad)


def test_copies_and_pickles(everything):
    model, optimized = everything
    given = sample(model)
    with torch.no_grad():
        expected = optimized(given)
        for again in (copy.deepcopy(optimized), pickle.loads(pickle.dumps(optimized))):
            assert again.changes == optimized.changes
            assert torch.equal(again(given), expected)


def test_a_model_of_sequences_pickles_with_its_masks():
    x = Input((7,), dtype="int32")
    y = Bidirectional(LSTM(5, return_sequences=True, dropout=0.3))(Embedding(9, 4, mask_zero=True)(x))
    y = Add()([y, MultiHeadAttention(2, 3)(y, y)])
    model = randomized(Model(x, GRU(3)(Dropout(0.2)(y))))
    optimized = optimize_for_inference(model)
    given = torch.tensor([[1, 2, 3, 0, 0, 0, 0], [4, 0, 5, 6, 0, 1, 0]], dtype=torch.int32)
    with torch.no_grad():
        assert torch.equal(optimized(given), model(given))
        assert torch.equal(pickle.loads(pickle.dumps(optimized))(given), model(given))


def test_weights_that_were_loaded_count(everything):
    model, _ = everything
    optimized, other = optimize_for_inference(model), optimize_for_inference(randomized(model_of_everything()))
    given = sample(model)
    with torch.no_grad():
        optimized(given)
        state = {key: value * 1.25 for key, value in other.state_dict().items()}
        optimized.load_state_dict(state)
        other.load_state_dict(state)
        assert torch.equal(optimized(given), other(given))


@pytest.mark.parametrize("batch", [0, 1, 4])
def test_any_batch(everything, batch):
    model, optimized = everything
    check_equal(model, optimized, sample(model, batch)) if batch else None
    assert optimized(sample(model, batch)).shape == (batch, 5)


def test_half_precision(everything):
    model, optimized = (copy.deepcopy(module).bfloat16() for module in everything)
    check_equal(model, optimized, sample(model).bfloat16())


def test_float64_is_folded_in_float64(everything):
    model = copy.deepcopy(everything[0]).double()
    given = sample(model).double()
    torch.testing.assert_close(optimize_for_inference(model)(given), model(given), rtol=1e-10, atol=1e-12)


def test_kernels_of_mixed_policies_are_cast_once():
    model = chain((8, 8, 4), Conv2D(5, 3, dtype="mixed_bfloat16"), BatchNormalization(dtype="mixed_bfloat16"))
    optimized = optimize_for_inference(model)
    assert {p.dtype for p in optimized.parameters()} == {torch.bfloat16}
    check_equal(model, optimized, sample(model))


@pytest.mark.parametrize("device", ["meta", "cuda"])
def test_it_runs_on_other_devices(everything, device):
    model, optimized = everything
    run_on(device, optimized, sample(model))


def test_it_exports_and_compiles(everything):
    model, optimized = everything
    given = sample(model)
    program = torch.export.export(optimized, (given,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
    torch.testing.assert_close(program.module()(given), optimized(given))
    compiled = torch.compile(optimized, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(given), optimized(given))


def test_it_vectorizes(everything):
    model, optimized = everything
    given = sample(model)
    with torch.no_grad():
        outer = torch.stack([given, 2 * given])
        torch.testing.assert_close(torch.func.vmap(optimized)(outer)[1], optimized(2 * given))


def test_other_inputs_are_refused_as_the_layer_does(everything):
    _, optimized = everything
    with pytest.raises(ValueError, match=r"Conv2D: input of shape \(2, 13, 12, 6\) has size 6 in axis -1"):
        optimized(torch.zeros(2, 13, 12, 6))
    with pytest.raises(ValueError, match=r"Conv2D: input of shape \(13, 12, 3\) has rank 3, allowed is 4"):
        optimized(torch.zeros(13, 12, 3))
    narrow = optimize_for_inference(chain((None, None, 3), Conv2D(2, 5)))
    with pytest.raises(ValueError, match="with padding='valid' nothing is left"):
        narrow(torch.zeros(1, 4, 9, 3))


def test_refuses():
    with pytest.raises(TypeError, match="model is a Linear, allowed is a functional or sequential model"):
        optimize_for_inference(nn.Linear(2, 3))
    with pytest.raises(ValueError, match="'sequential' is not built yet: call it once or give it an Input"):
        optimize_for_inference(Sequential([Dense(3)]))
