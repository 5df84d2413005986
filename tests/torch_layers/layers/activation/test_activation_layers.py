"""The activation layers: configs, Keras 2's names, refusals; their numbers are in parity/cases/activation.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import torch_layers
from torch_layers import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax, activations

POINTS = torch.tensor([[-3.0, -1.0, 0.0, 0.5, 7.0]])


def own(layer: Any) -> dict[str, Any]:
    """Return what a layer's config says beside every layer's own entries."""
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}


def test_configs_are_keras_s() -> None:
    assert own(ReLU(6, 0.5)) == {"max_value": 6, "negative_slope": 0.5, "threshold": 0.0}
    assert own(LeakyReLU()) == {"negative_slope": 0.3}
    assert own(ELU(2.0)) == {"alpha": 2.0}
    assert own(Softmax([1, 2])) == {"axis": [1, 2]}
    assert own(Activation(None)) == {"activation": "linear"}
    zeros = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
    assert own(PReLU(shared_axes=1)) == {
        "alpha_initializer": zeros,
        "alpha_regularizer": None,
        "alpha_constraint": None,
        "shared_axes": [1],
    }


def test_leaky_relu_takes_keras_2_s_alpha() -> None:
    assert LeakyReLU(alpha=0.5).negative_slope == 0.5
    assert_close(LeakyReLU.from_config({"name": "leaky", "alpha": 0.5})(POINTS)[0, 0], torch.tensor(-1.5))
    with pytest.raises(TypeError, match="ReLU: unknown argument 'alpha'"):
        ReLU(alpha=0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReLU(max_value=-1), "ReLU: max_value=-1 is not a number of at least 0"),
        (lambda: ReLU(negative_slope=None), "ReLU: negative_slope=None is not a number of at least 0"),
        (lambda: ReLU(threshold="1"), "ReLU: threshold='1' is not a number of at least 0"),
        (lambda: LeakyReLU(-0.5), "LeakyReLU: negative_slope=-0.5 is not a number of at least 0"),
        (lambda: LeakyReLU(alpha=float("nan")), "LeakyReLU: negative_slope=nan is not a number of at least 0"),
        (lambda: ELU("one"), "ELU: alpha='one' is not a number"),
        (lambda: PReLU(shared_axes="1"), "PReLU: shared_axes='1' is neither an int nor a list of ints"),
        (lambda: PReLU(shared_axes=3)(POINTS), r"names axis 3, an input of shape \(1, 5\) allows 0 to 1"),
        (
            lambda: PReLU(input_shape=(None, 3)),
            r"axis 1 of an input of shape \(None, None, 3\) has no known size",
        ),
        (lambda: PReLU("zeroes"), "PReLU: alpha_initializer: unknown initializer 'zeroes'"),
        (lambda: Softmax(()), r"Softmax: axis=\(\) is neither an int, a list of ints, nor None"),
        (lambda: Softmax("last"), "Softmax: axis='last' is neither"),
        (lambda: Softmax(2)(POINTS), r"axis=2 names an axis twice or one that an input of shape \(1, 5\) lacks"),
        (lambda: Softmax([1, -1])(POINTS), r"axis=\[1, -1\] names an axis twice"),
        (
            lambda: Softmax()(POINTS, mask=torch.ones(1, 4)),
            r"mask of shape \(1, 4\) does not fit an input of shape",
        ),
        (lambda: Softmax()(POINTS, mask=torch.ones(1, 1, 5)), r"mask of shape \(1, 1, 5\) does not fit"),
        (lambda: Activation("rlu"), r"Activation: activation: unknown activation 'rlu' \(did you mean 'relu'\?\)"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_prelu_refuses_other_sizes_once_built() -> None:
    layer = PReLU(shared_axes=[1], input_shape=(None, 3))
    assert layer.weight.shape == (1, 3)
    assert layer(torch.ones(2, 5, 3)).shape == (2, 5, 3)
    assert layer(torch.ones(2, 4, 3)).shape == (2, 4, 3)
    with pytest.raises(ValueError, match="size 1 in axis 2, the layer was built for 3"):
        layer(torch.ones(2, 5, 1))
    with pytest.raises(ValueError, match="rank 2, allowed is 3"):
        layer(torch.ones(2, 3))


@pytest.mark.parametrize("shape", [(1,), (4, 1)])
def test_prelu_s_only_slope_does_not_fit_all_sizes(shape: tuple[int, ...]) -> None:
    layer = PReLU(input_shape=shape)
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled), pytest.raises(ValueError, match="the layer was built for 1"):
            layer(torch.ones(2, *shape[:-1], 3))


def test_prelu_s_refused_build_leaves_it_unbuilt() -> None:
    layer = PReLU(shared_axes=2)
    with pytest.raises(ValueError, match="names axis 2"):
        layer(POINTS)
    assert not layer.built
    assert layer(torch.ones(2, 5, 3)).shape == (2, 5, 3)


def test_prelu_s_gradient_at_0_is_0() -> None:
    layer = PReLU("ones", input_shape=(5,))
    x = POINTS.clone().requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    assert_close(x.grad, torch.tensor([[1.0, 1.0, 0.0, 1.0, 1.0]]))


@pytest.mark.parametrize("shared", [None, [1], [1, 2], [2], [3], [1, 2, 3]])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (0, 3, 4, 5), (1, 3, 1, 5)])
def test_prelu_computes_the_same_without_gradients(shared: Any, shape: tuple[int, ...]) -> None:
    layer, x = PReLU("random_normal", shared_axes=shared), torch.randn(shape)
    expected = layer(x)
    with torch.no_grad():
        assert_close(layer(x), expected)
        assert_close(layer(x.movedim(1, -1).contiguous().movedim(-1, 1)), expected)
        if shared != [1, 2, 3]:
            with pytest.raises(ValueError, match="the layer was built for"):
                layer(torch.randn(2, 7, 7, 7))


@pytest.mark.parametrize("shared", [None, [1], [2, 3], [1, 2, 3]])
@pytest.mark.parametrize("zeros", [0, 3])
@pytest.mark.parametrize("batch", [1, 2000])
def test_prelu_s_gradient_is_the_same_by_each_of_its_ways(batch: int, zeros: int, shared: Any) -> None:
    layer = PReLU("random_normal", shared_axes=shared, dtype="float64", input_shape=(3, 4, 5))
    x = torch.randn(batch, 3, 4, 5, dtype=torch.float64)
    x.view(-1)[:zeros] = 0
    x.requires_grad_()
    expected = torch.relu(x) - layer.weight * torch.relu(-x)
    cotangent = torch.randn_like(x)
    sources = (x, layer.weight)
    assert_close(layer(x), expected)
    for got, wanted in zip(
        torch.autograd.grad(layer(x), sources, cotangent),
        torch.autograd.grad(expected, sources, cotangent),
        strict=True,
    ):
        assert_close(got, wanted)


def test_softmax_with_a_mask_needs_no_unmasked_element() -> None:
    x = torch.randn(2, 3, requires_grad=True)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    y = Softmax()(x, mask=mask)
    y.square().sum().backward()
    assert_close(y[0].sum(), torch.tensor(1.0))
    assert y[0, 1] == 0
    assert (y[1] == 0).all()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_softmax_with_a_mask_compiles_in_one_graph() -> None:
    layer, x, mask = Softmax(axis=[1, 2]), torch.randn(2, 3, 4), torch.rand(2, 3, 4) > 0.4
    torch._dynamo.reset()
    assert_close(torch.compile(layer, fullgraph=True, backend="eager")(x, mask=mask), layer(x, mask=mask))


def test_activation_takes_functions_and_layers() -> None:
    assert_close(Activation(torch.sin)(POINTS), torch.sin(POINTS))
    assert_close(Activation(nn.Hardtanh(-2, 2))(POINTS), POINTS.clamp(-2, 2))
    inner = Activation(PReLU())
    inner(POINTS)
    assert [name for name, _ in inner.named_parameters()] == ["activation.weight"]
    assert len(inner.get_weights()) == 1


def test_activation_s_own_function_comes_back_from_custom_objects() -> None:
    def cube(x: torch.Tensor) -> torch.Tensor:
        return x**3

    config = torch_layers.serialize(Activation(cube))
    assert config["config"]["activation"] == {
        "module": "builtins",
        "class_name": "function",
        "config": "cube",
        "registered_name": "function",
    }
    assert torch_layers.deserialize(config, {"cube": cube}).activation is cube
    with pytest.raises(ValueError, match=r"pass custom_objects=\{'cube': \.\.\.\}"):
        torch_layers.deserialize(config)


def test_activation_reads_keras_s_config_of_a_function() -> None:
    function = {"module": "builtins", "class_name": "function", "config": "gelu", "registered_name": "function"}
    assert Activation.from_config({"activation": function}).activation is activations.gelu
