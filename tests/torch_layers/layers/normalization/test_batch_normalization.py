"""BatchNormalization: what parity can't show. Values: `parity run BatchNormalization`."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import Tensor

from torch_layers import BatchNormalization

STATE = ("running_mean", "running_var")


def built(shape: tuple[int, ...], **config: object) -> BatchNormalization:
    torch.manual_seed(0)
    layer = BatchNormalization(**config, input_shape=shape[1:])
    for tensor in layer.state_dict().values():
        tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return layer


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config, shape, message",
    [
        (
            {"axis": 2},
            (5, 3),
            r"BatchNormalization: axis=2 is outside of an input of shape \(5, 3\), allowed are -2 to 1",
        ),
        ({"axis": -3}, (5, 3), r"BatchNormalization: axis=-3 is outside of an input of shape \(5, 3\)"),
        ({"axis": "last"}, (5, 3), "BatchNormalization: axis='last' is not a number"),
        ({"axis": [1, 2]}, (5, 3, 2), r"BatchNormalization: axis=\[1, 2\] is not a number"),
        ({"momentum": "much"}, (5, 3), "BatchNormalization: momentum='much' is not a number"),
        ({"epsilon": None}, (5, 3), "BatchNormalization: epsilon=None is not a number"),
        (
            {"renorm": True, "renorm_clipping": {"max": 1}},
            (5, 3),
            r"renorm_clipping=\{'max': 1\} has other keys than \('rmax', 'rmin', 'dmax'\)",
        ),
        ({"renorm": True, "renorm_clipping": {"rmax": 1, "rmin": 2}}, (5, 3), "has an rmax below its rmin"),
        ({"renorm": True, "renorm_clipping": {"dmax": -1}}, (5, 3), "has a dmax below 0"),
    ],
)
def test_refuses(config, shape, message):
    with pytest.raises(ValueError, match=message):
        BatchNormalization(**config)(torch.ones(shape))


def test_refuses_an_axis_of_unknown_size():
    with pytest.raises(ValueError, match=r"axis=-1 has no known size in an input of shape \(None, 4, None\)"):
        BatchNormalization(input_shape=(4, None))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("config", [{}, {"renorm": True}, {"axis": 1}])
@pytest.mark.parametrize("size", [1, 4])
def test_refuses_other_channels_than_it_was_built_for_and_moves_nothing(training, config, size):
    layer = built((2, 3, 3), **config).train(training)
    before = copy.deepcopy(layer.state_dict())
    shape = (2, size, 3) if config.get("axis") == 1 else (2, 3, size)
    with pytest.raises(ValueError, match=rf"has size {size} in axis -?1, the layer was built for 3"):
        layer(torch.ones(shape))
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("shape", [(5,), (5, 4, 1), ()])
def test_refuses_a_mask_of_another_rank_and_moves_nothing(shape):
    layer = built((5, 4, 3))
    before = layer.running_mean.clone()
    with pytest.raises(ValueError, match=rf"mask of shape .* has rank {len(shape)}, allowed is 2 for an input"):
        layer(torch.ones(5, 4, 3), mask=torch.ones(shape))
    assert torch.equal(layer.running_mean, before)


# --- state -----------------------------------------------------------------------------------------------------------


def test_an_empty_batch_moves_nothing_and_has_gradients_of_zero():
    layer = built((4, 3))
    before = [getattr(layer, name).clone() for name in STATE]
    layer(torch.ones(0, 3)).sum().backward()
    assert all(torch.equal(getattr(layer, name), old) for name, old in zip(STATE, before, strict=True))
    assert layer.weight.grad is None or not layer.weight.grad.any()


def test_trainable_false_is_inference_until_it_is_true_again():
    layer = built((4, 3))
    x = torch.randn(4, 3)
    layer.trainable = False
    assert torch.equal(layer(x), layer.eval()(x))
    layer.trainable = True
    assert not torch.equal(layer.train()(x), layer.eval()(x))


def test_several_calls_before_the_gradients_of_the_first_are_asked_for():
    layer = built((4, 3))
    first, x = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
    y = layer(first)
    layer(x)
    layer.running_mean.zero_()  # as DistributedDataParallel does when it broadcasts buffers
    y.square().sum().backward()
    assert first.grad is not None


def test_half_precision_statistics_are_moved_in_float32():
    layer = built((64, 3), dtype="float16", momentum=0.999)
    wide = copy.deepcopy(layer).float()
    x = torch.randn(64, 3).half()
    layer(x)
    wide(x.float())
    for name in STATE:
        torch.testing.assert_close(getattr(layer, name), getattr(wide, name).half(), rtol=0, atol=0)


def test_axis_may_be_a_list_of_one_as_keras_2_writes_it():
    assert BatchNormalization(axis=[3]).get_config()["axis"] == 3


# --- torch's tools ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, {"axis": 1}, {"renorm": True}])
@pytest.mark.parametrize("masked", [False, True])
def test_compiles_in_training_and_moves_the_statistics(config, masked):
    layer, x = built((5, 4, 3), **config), torch.randn(5, 4, 3)
    mask = torch.rand(5, 4) > 0.4 if masked else None
    eager = copy.deepcopy(layer)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    for part in (x, x[:2], x[:3]):
        part_mask = None if mask is None else mask[: len(part)]
        torch.testing.assert_close(compiled(part, mask=part_mask), eager(part, mask=part_mask))
    for name, value in eager.state_dict().items():
        torch.testing.assert_close(layer.state_dict()[name], value)


def test_exports_in_training_with_its_statistics():
    layer, x = built((5, 4, 3)), torch.randn(5, 4, 3)
    eager = copy.deepcopy(layer)
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: batch},)).module()
    y, expected = program(x[:3]), eager(x[:3])
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(program.running_var, eager.running_var)


def test_gradients_through_torch_func():
    layer, x = built((4, 3)), torch.randn(4, 3)
    state = {name: value.detach().clone() for name, value in layer.state_dict().items()}

    def loss(weight: Tensor, buffers: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        given = {**buffers, "weight": weight}
        return torch.func.functional_call(layer, given, (x,)).square().sum(), given

    buffers = {name: value.clone() for name, value in state.items() if name != "weight"}
    gradient, moved = torch.func.grad(loss, has_aux=True)(state["weight"], buffers)
    other = copy.deepcopy(layer)
    other(x).square().sum().backward()
    torch.testing.assert_close(gradient, other.weight.grad)
    torch.testing.assert_close(moved["running_var"], other.running_var)


def test_maps_over_samples_in_evaluation():
    layer, x = built((4, 3)).eval(), torch.randn(6, 4, 3)
    torch.testing.assert_close(torch.func.vmap(layer)(x), torch.stack([layer(part) for part in x]))


def layouts(x: Tensor) -> list[Tensor]:
    """Return the same values in memory orders that neighbours leave behind: torch's, Keras's, reversed, with gaps."""
    last_first = (0, x.ndim - 1, *range(1, x.ndim - 1))
    back = [last_first.index(axis) for axis in range(x.ndim)]
    reverse = tuple(reversed(range(x.ndim)))
    return [
        x,
        x.permute(last_first).contiguous().permute(back),
        x.permute(reverse).contiguous().permute(reverse),
        torch.stack([x, x], -1)[..., 0],
    ]


@pytest.mark.parametrize(
    "shape", [(1, 1, 5, 3), (1, 5, 1, 3), (1, 5, 3), (2, 1, 1, 3), (1, 2, 2, 1), (4, 3), (1, 1, 2, 2, 3)]
)
def test_gradients_are_right_in_every_memory_order(shape):
    torch.manual_seed(0)
    layer = built(shape, dtype="float64")
    values, cotangents = torch.randn(shape).double(), torch.randn(shape).double()
    axes = tuple(range(len(shape) - 1))
    for x, cotangent in itertools.product(layouts(values), layouts(cotangents)):
        x = x.detach().requires_grad_()
        sources = (x, layer.weight, layer.bias)
        mean, var = x.mean(axes), x.var(axes, correction=0)
        expected = (x - mean) * (var + 1e-3).rsqrt() * layer.weight + layer.bias
        actual = layer(x)
        torch.testing.assert_close(actual, expected)
        for a, b in zip(
            torch.autograd.grad(actual, sources, cotangent),
            torch.autograd.grad(expected, sources, cotangent),
            strict=True,
        ):
            torch.testing.assert_close(a, b)


# --- many rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows, affine", [(65_536, True), (50_003, True), (50_003, False)])
def test_sums_over_many_rows_do_not_run_up(rows: int, affine: bool):
    layer = built((rows, 3), center=affine, scale=affine, momentum=0.0)
    x = (torch.randn(rows, 3) + 2).requires_grad_()
    exact = copy.deepcopy(layer).double()
    x64 = x.detach().double().requires_grad_()
    y, y64 = layer(x), exact(x64)
    g = torch.randn(rows, 3)
    found = [y, layer.running_var, *torch.autograd.grad(y, [x, *layer.parameters()], g)]
    expected = [y64, exact.running_var, *torch.autograd.grad(y64, [x64, *exact.parameters()], g.double())]
    for mine, right in zip(found, expected, strict=True):
        assert (mine - right).abs().max() < 2e-6 * right.abs().max()  # torch's kernel: 5e-6 to 3e-5


def test_second_derivatives_over_many_rows_are_right():
    layer = built((5003, 2))
    x = torch.randn(5003, 2, requires_grad=True)
    exact, x64 = copy.deepcopy(layer).double(), x.detach().double().requires_grad_()
    g, h = torch.randn(5003, 2), torch.randn(5003, 2)
    [first] = torch.autograd.grad(layer(x), x, g, create_graph=True)
    [first64] = torch.autograd.grad(exact(x64), x64, g.double(), create_graph=True)
    [second], [second64] = torch.autograd.grad(first, x, h), torch.autograd.grad(first64, x64, h.double())
    assert (second - second64).abs().max() < 1e-5 * second64.abs().max()
