"""LayerNormalization, GroupNormalization, RMSNormalization, UnitNormalization: errors, configs, unusual calls."""

from __future__ import annotations

import pytest
import torch

from torch_layers import GroupNormalization, LayerNormalization, RMSNormalization, UnitNormalization

OVER_AXES = (LayerNormalization, RMSNormalization, UnitNormalization)


@pytest.mark.parametrize("layer", OVER_AXES)
@pytest.mark.parametrize(
    "axis, shape, message",
    [
        (2, (5, 3), r"axis=2 is outside of an input of shape \(5, 3\), allowed are -2 to 1"),
        ([1, -3], (5, 3), r"axis=\[1, -3\] is outside of an input of shape \(5, 3\)"),
        ([1, 1], (5, 3), r"axis=\[1, 1\] names an axis twice"),
        ([1, -1], (5, 3), r"axis=\[1, -1\] names an axis of an input of shape \(5, 3\) twice"),
        ("last", (5, 3), "axis='last' is neither an int nor a list of ints"),
        (None, (5, 3), "axis=None is neither an int nor a list of ints"),
        ([], (5, 3), r"axis=\[\] is neither an int nor a list of ints"),
    ],
)
def test_refuses_axes(layer, axis, shape, message):
    with pytest.raises(ValueError, match=f"{layer.__name__}: {message}"):
        layer(axis=axis)(torch.ones(shape))


@pytest.mark.parametrize("layer", OVER_AXES[:2])
@pytest.mark.parametrize("axis", [0, -2, [1, 0]])
def test_refuses_the_batch_axis(layer, axis):
    with pytest.raises(
        ValueError, match=rf"{layer.__name__}: axis=.* holds the batch axis of an input of shape \(5, 3\)"
    ):
        layer(axis=axis)(torch.ones(5, 3))


@pytest.mark.parametrize("layer", [*OVER_AXES[:2], GroupNormalization])
def test_refuses_an_axis_of_unknown_size(layer):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: axis=.*-1.* has no known size in an input of shape"):
        layer(input_shape=(4, None))


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize(
    "layer",
    [
        LayerNormalization(),
        LayerNormalization(axis=1),
        LayerNormalization(axis=[-1, 1]),
        RMSNormalization(),
        RMSNormalization(axis=1),
        GroupNormalization(3),
        GroupNormalization(3, axis=1),
    ],
    ids=repr,
)
def test_refuses_other_sizes_than_it_was_built_for(layer, size):
    layer(torch.ones(2, 3, 3))
    with pytest.raises(ValueError, match=rf"{type(layer).__name__}: input .* has size {size} in axis -?1"):
        layer(torch.ones(2, size, size))


def test_layer_normalization_takes_inputs_of_another_rank():
    layer = LayerNormalization(input_shape=(4, 3))
    x = torch.randn(2, 5, 4, 3)
    torch.testing.assert_close(layer(x)[0, 0], layer(x[0])[0])


def test_configs_of_built_layers_have_sorted_lists():
    layer = LayerNormalization(axis=(2, -3))
    assert layer.get_config()["axis"] == [2, -3]
    layer(torch.ones(2, 3, 4, 5))
    assert layer.get_config()["axis"] == [-3, 2]
    assert RMSNormalization(input_shape=(3,)).get_config()["axis"] == [-1]
    assert UnitNormalization(axis=(1, 2)).get_config()["axis"] == [1, 2]


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], [-1, 1]])
def test_rms_scaling_leaves_the_mean_in(axis):
    with pytest.warns(UserWarning, match="scales by the variance, not the root mean square"):
        layer = LayerNormalization(axis=axis, rms_scaling=True, input_shape=(3, 4), dtype="float64")
    assert layer.bias is None
    assert layer.get_config()["rms_scaling"] is True
    with torch.no_grad():
        layer.weight.copy_(torch.rand(layer.weight.shape))
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    axes = [a % 3 for a in (axis if isinstance(axis, list) else [axis])]
    shape = [size if a in axes else 1 for a, size in enumerate(x.shape)]
    expected = x * (x.var(axes, correction=0, keepdim=True) + 1e-3).rsqrt() * layer.weight.reshape(shape)
    torch.testing.assert_close(layer(x), expected)


def test_a_wide_input_of_a_mixed_policy_is_not_rounded_first():
    x = torch.tensor([[1.0, 1.001, 1.002, 1.003]])  # all 1 in bfloat16, of which zeros would be left
    for layer in (LayerNormalization(dtype="mixed_bfloat16", epsilon=0.0), GroupNormalization(1, epsilon=0.0)):
        assert torch.equal(layer(x).sign(), torch.tensor([[-1.0, -1.0, 1.0, 1.0]], dtype=layer.compute_dtype))


@pytest.mark.parametrize("groups", [0, -2, 2.0, True, None])
def test_refuses_groups(groups):
    with pytest.raises(ValueError, match=rf"GroupNormalization: groups={groups} is neither a positive int nor -1"):
        GroupNormalization(groups)


@pytest.mark.parametrize("groups", [4, 7, 12])
def test_refuses_groups_that_do_not_divide_the_channels(groups):
    with pytest.raises(
        ValueError, match=rf"groups={groups} does not divide the 6 channels of an input of shape \(5, 6\)"
    ):
        GroupNormalization(groups)(torch.ones(5, 6))


def test_group_normalization_refuses_axes():
    with pytest.raises(ValueError, match=r"GroupNormalization: axis=\[1\] is not an int"):
        GroupNormalization(1, axis=[1])
    with pytest.raises(ValueError, match=r"GroupNormalization: axis=2 is outside of an input of shape \(5, 6\)"):
        GroupNormalization(1, axis=2)(torch.ones(5, 6))
    with pytest.raises(ValueError, match=r"GroupNormalization: axis=0 is the batch axis of an input of shape \(5, 6\)"):
        GroupNormalization(1, axis=0)(torch.ones(5, 6))


def test_a_failed_build_leaves_groups_as_given():
    layer = GroupNormalization(-1)
    with pytest.raises(ValueError, match="no known size"):
        layer.build((None, None))
    assert layer.groups == -1
    layer(torch.ones(2, 6))
    assert layer.groups == 6


def test_rms_normalization_refuses_a_scale_that_does_not_fit_the_last_axes():
    with pytest.raises(ValueError, match=r"RMSNormalization: axis=\[1\] .* scale of shape \(3,\), which can't"):
        RMSNormalization(axis=1)(torch.ones(2, 3, 4))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_vectors_of_zeros_stay_zeros_with_finite_gradients(dtype):
    x = torch.zeros(2, 3, dtype=dtype, requires_grad=True)
    y = UnitNormalization(dtype=str(dtype).removeprefix("torch."))(x)
    y.sum().backward()
    assert not y.any()
    assert x.grad.isfinite().all()
