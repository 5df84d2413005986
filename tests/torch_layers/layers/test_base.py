"""The base contract, where it is about more than one layer at a time or about the order of things."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

import torch_layers as tl


@pytest.fixture
def x():
    return torch.randn(4, 5)


class TestBuilding:
    def test_parameters_have_no_size_before_the_first_call_and_keep_their_identity(self, x):
        layer = tl.Dense(3)
        weight = layer.weight
        assert isinstance(weight, UninitializedParameter)
        layer(x)
        assert layer.weight is weight
        assert weight.shape == (3, 5)

    @pytest.mark.parametrize("shape", [{"input_shape": (5,)}, {"input_dim": 5}, {"batch_input_shape": (None, 5)}])
    def test_keras_2_shapes_build_at_once(self, shape):
        assert tl.Dense(3, **shape).weight.shape == (3, 5)

    def test_weights_argument_sets_values(self, x):
        kernel, bias = np.arange(15.0).reshape(5, 3), np.ones(3)
        for shape in ({}, {"input_shape": (5,)}):
            layer = tl.Dense(3, weights=[kernel, bias], **shape)
            torch.testing.assert_close(layer(x), x @ torch.tensor(kernel, dtype=torch.float32) + 1)

    def test_a_loaded_weight_that_the_input_does_not_fit_is_named(self, x):
        layer = tl.Dense(3)
        layer.set_weights([np.zeros((6, 3)), np.zeros(3)])
        with pytest.raises(ValueError, match=r"Dense: the loaded weight 'weight' has shape \(3, 6\), this input needs"):
            layer(x)

    def test_initializers_see_keras_layout(self):
        seen = []

        def initializer(shape, dtype=None):
            seen.append(tuple(shape))
            return torch.arange(15.0).reshape(shape)

        layer = tl.Dense(3, kernel_initializer=initializer, input_shape=(5,))
        assert seen == [(5, 3)]
        assert torch.equal(layer.weight, torch.arange(15.0).reshape(5, 3).T)

    def test_compiling_a_layer_without_sizes_says_what_to_do(self, x):
        with pytest.raises(Exception, match=r"call it once or pass input_shape= before torch.compile"):
            torch.compile(tl.Dense(3), fullgraph=True, backend="eager")(x)


class TestWeights:
    def test_wrong_counts_and_shapes_change_nothing(self):
        layer = tl.Dense(3, input_shape=(5,))
        before = copy.deepcopy(layer.state_dict())
        with pytest.raises(ValueError, match=r"Dense: set_weights got 1 arrays, the layer has 2: \['kernel', 'bias'\]"):
            layer.set_weights([np.zeros((5, 3))])
        with pytest.raises(ValueError, match=r"array 1 \('bias'\) has shape \(4,\), expected is \(3,\)"):
            layer.set_weights([np.ones((5, 3)), np.ones(4)])
        assert all(torch.equal(before[key], value) for key, value in layer.state_dict().items())

    def test_get_weights_is_a_copy(self):
        layer = tl.Dense(3, input_shape=(5,))
        layer.get_weights()[0][:] = 7
        assert not (layer.weight == 7).any()

    def test_get_weights_before_sizes_is_refused(self):
        with pytest.raises(ValueError, match="Dense: weight 'weight' has no size yet"):
            tl.Dense(3).get_weights()

    def test_bfloat16_comes_out_as_float32(self):
        layer = tl.Dense(3, dtype="bfloat16", input_shape=(5,))
        out = layer.get_weights()[0]
        assert out.dtype == np.float32
        layer.set_weights(layer.get_weights())
        assert np.array_equal(out, layer.get_weights()[0])


class TestCall:
    def test_numpy_in(self, x):
        layer = tl.Dense(3)
        assert torch.equal(layer(x.numpy()), layer(x))

    def test_floats_are_cast_to_the_compute_dtype(self, x):
        layer = tl.Dense(3)
        assert layer(x.double()).dtype is torch.float32
        assert tl.Dense(3, dtype="mixed_bfloat16")(x).dtype is torch.bfloat16
        assert tl.ReLU(autocast=False)(x.double()).dtype is torch.float64

    def test_torch_s_hooks_and_compile_work(self, x):
        layer, seen = tl.Dense(3), []
        expected = layer(x)
        layer.register_forward_pre_hook(lambda module, args: seen.append("before"))
        handle = layer.register_forward_hook(lambda module, args, output: -output)
        assert torch.equal(layer(x), -expected)
        handle.remove()
        layer.compile(backend=lambda graph, inputs: seen.append("compiled") or graph)
        assert torch.equal(layer(x), expected)
        assert set(seen) == {"before", "compiled"}

    def test_wrong_inputs_are_named_also_after_the_first_call(self, x):
        layer = tl.Dense(3)
        layer(x)
        with pytest.raises(ValueError, match=r"Dense: input of shape \(4, 6\) has size 6 in axis -1, .* built for 5"):
            layer(torch.randn(4, 6))
        with pytest.raises(ValueError, match=r"Dense: input of shape \(5,\) has rank 1, allowed is at least 2"):
            layer(torch.randn(5))

    def test_an_error_about_an_argument_names_layer_and_argument(self):
        with pytest.raises(ValueError, match=r"^Dense: kernel_initializer: unknown initializer 'glorot'"):
            tl.Dense(3, kernel_initializer="glorot")
        with pytest.raises(ValueError, match=r"^Dense: dtype='float31' is not one of .*did you mean 'float32'"):
            tl.Dense(3, dtype="float31")
        with pytest.raises(ValueError, match=r"^Dense: trainable='yes' is not a bool"):
            tl.Dense(3, trainable="yes")


class TestPenalties:
    def test_weights_and_activities_add_up_in_any_module(self, x):
        net = nn.Sequential(
            tl.Dense(3, kernel_regularizer="l2", activity_regularizer=tl.regularizers.L1(0.5)), nn.Tanh(), tl.Dense(2)
        )
        net(x)
        activity, weight = tl.penalties(net)
        torch.testing.assert_close(activity, 0.5 * net[0](x).abs().sum() / 4)
        torch.testing.assert_close(weight, 0.01 * net[0].weight.square().sum())
        (activity + weight).backward()
        assert net[0].weight.grad is not None

    def test_a_second_call_replaces_the_first(self, x):
        layer = tl.Dense(3, activity_regularizer="l2")
        layer(x)
        layer(x)
        assert len(layer.losses) == 1

    def test_frozen_weights_pay_nothing(self, x):
        layer = tl.Dense(3, kernel_regularizer="l2", trainable=False, input_shape=(5,))
        assert layer.losses == []

    def test_they_do_not_hinder_copies(self, x):
        layer = tl.Dense(3, activity_regularizer="l2")
        layer(x)
        assert copy.deepcopy(layer).losses == []
        assert len(layer.losses) == 1


class TestConstraints:
    def constrained(self):
        return tl.Dense(3, kernel_constraint=tl.constraints.MaxNorm(0.1), input_shape=(5,))

    def holds(self, layer):
        return bool((layer.weight.norm(dim=1) <= 0.1 + 1e-6).all())

    def test_every_optimizer_step_applies_them(self, x):
        layer = self.constrained()
        layer(x).sum().backward()
        assert not self.holds(layer)
        torch.optim.SGD(layer.parameters(), lr=1.0).step()
        assert self.holds(layer)

    def test_also_for_copies_and_only_for_what_the_optimizer_trains(self, x):
        layer = self.constrained()
        other = copy.deepcopy(layer)
        other(x).sum().backward()
        torch.optim.Adam(other.parameters()).step()
        assert self.holds(other)
        assert not self.holds(layer)

    def test_one_call_applies_them_by_hand(self):
        layer = self.constrained()
        tl.apply_constraints(nn.Sequential(layer))
        assert self.holds(layer)


class TestLora:
    def test_it_freezes_the_kernel_and_trains_a_change_of_low_rank(self, x):
        layer = tl.Dense(3, lora_rank=2, input_shape=(5,))
        assert not layer.weight.requires_grad
        before = layer(x)
        layer.lora_b.data.fill_(0.5)
        kernel = layer.weight.T + layer.lora_a @ layer.lora_b
        torch.testing.assert_close(layer(x), x @ kernel + layer.bias)
        assert not torch.allclose(layer(x), before)

    def test_it_refuses_constraints_and_repetition(self):
        with pytest.raises(ValueError, match="Dense: lora_rank=2 can't be combined with a constraint on 'kernel'"):
            tl.Dense(3, lora_rank=2, kernel_constraint="max_norm", input_shape=(5,))
        layer = tl.Dense(3, lora_rank=2, input_shape=(5,))
        with pytest.raises(ValueError, match="enable_lora was called already"):
            layer.enable_lora(2)
        with pytest.raises(ValueError, match="enable_lora needs a built layer"):
            tl.Dense(3).enable_lora(2)


class TestSubclass:
    def test_a_user_s_layer_works_and_never_replaces_ours(self, x):
        class Dense(tl.Layer):
            def __init__(self, scale=2.0, **kwargs):
                super().__init__(**kwargs)
                self.scale = scale
                self.add_weight("weight", initializer="ones")

            def build(self, input_shape):
                self.create_weights(weight=(input_shape[-1],))

            def forward(self, x):
                return x * self.weight * self.scale

        layer = Dense(3.0)
        assert torch.equal(layer(x), x * 3)
        assert type(tl.deserialize(tl.serialize(tl.Dense(3)))) is tl.Dense
        assert type(tl.deserialize(tl.serialize(layer), custom_objects={"Custom>Dense": Dense})) is Dense
        with pytest.raises(ValueError, match=r"'Dense' \(module .*\) is not a .* pass custom_objects="):
            tl.deserialize(tl.serialize(layer))


def test_ddp_trains_layers_built_before(tmp_path, x):
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        layer = tl.Dense(3, input_shape=(5,))
        model = nn.parallel.DistributedDataParallel(layer)
        model(x).sum().backward()
        assert layer.weight.grad is not None
    finally:
        torch.distributed.destroy_process_group()
