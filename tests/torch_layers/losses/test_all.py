"""What every loss must do, whatever it computes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.devices import DEVICES, run_on
from tests.torch_layers.losses.examples import EXAMPLES, Example
from torch_layers import deserialize, losses
from torch_layers.losses import Loss
from torch_layers.registry import losses as registry

CLASSES = [name for name, thing in registry.unique().items() if inspect.isclass(thing) and thing is not Loss]
FUNCTIONS = [name for name, thing in registry.unique().items() if not inspect.isclass(thing)]
WEIGHT, MASK = torch.tensor([0.5, 2.0, 0.0, 1.0]), torch.tensor([True, False, True, True])

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
every_class = pytest.mark.parametrize("name", CLASSES)


def gradient(loss: Any, y_true: Tensor, y_pred: Tensor, **kwargs: Any) -> Tensor:
    y_pred = y_pred.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(y_true, y_pred, **kwargs).sum(), y_pred)[0]


def test_every_class_has_an_example() -> None:
    assert {name.split()[0] for name in EXAMPLES} == set(CLASSES)


def test_all_is_sorted_and_complete() -> None:
    assert losses.__all__ == sorted(losses.__all__)
    assert set(losses.__all__) == {*CLASSES, *FUNCTIONS, "Loss", "get", "serialize", "deserialize"}


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS])
def test_docstring_says_what_fits_what_raises_and_where_it_comes_from(name: str) -> None:
    text = inspect.getdoc(getattr(losses, name)) or ""
    assert f"Source: keras.losses.{name}, Keras 3.15." in re.sub(r"\s+", " ", text)
    assert "Raises:" in text


@every_class
def test_reduction_name_and_dtype_come_last_as_in_keras(name: str) -> None:
    parameters = inspect.signature(getattr(losses, name)).parameters
    assert {"reduction", "name", "dtype"} <= set(parameters)
    assert parameters["reduction"].default == "sum_over_batch_size"
    assert parameters["dtype"].default is None


@every_class
def test_config_makes_an_equal_loss(name: str) -> None:
    loss = getattr(losses, name)(reduction="sum", name="mine")
    config = loss.get_config()
    assert (config["reduction"], config["name"]) == ("sum", "mine")
    assert "dtype" not in config
    assert type(loss).from_config(config).get_config() == config
    again = deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == config


@every_class
def test_refuses_an_unknown_reduction(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: reduction='mena' is not one of .*did you mean 'mean'"):
        getattr(losses, name)(reduction="mena")


@every_example
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight"])
def test_the_mean_is_the_mean_of_the_losses(example: Example, reduction: str) -> None:
    make, y_true, y_pred = example
    loss = make(reduction="none")
    values = loss(y_true, y_pred)
    valid = loss.valid(y_true, values)
    expected = values.mean() if valid is None else values[valid].mean()
    assert_close(make(reduction=reduction)(y_true, y_pred), expected, rtol=1e-13, atol=0)


@every_example
def test_the_value_is_the_same_without_gradients(example: Example) -> None:
    make, y_true, y_pred = example
    expected = make()(y_true, y_pred)
    with torch.no_grad():
        assert_close(make()(y_true, y_pred), expected, rtol=1e-13, atol=0)


@every_example
def test_gradient_of_the_mean_is_that_of_the_losses(example: Example) -> None:
    make, y_true, y_pred = example
    loss = make(reduction="none")
    values = loss(y_true, y_pred)
    valid = loss.valid(y_true, values)
    count = values.numel() if valid is None else int(valid.sum())
    assert_close(gradient(make(), y_true, y_pred), gradient(loss, y_true, y_pred) / count, rtol=1e-12, atol=1e-15)


@every_example
def test_gradient_is_the_slope(example: Example) -> None:
    make, y_true, y_pred = example
    loss, step = make(reduction="sum"), 1e-6 * torch.randn_like(y_pred)
    slope = loss(y_true, y_pred + step) - loss(y_true, y_pred - step)
    assert_close((2 * step * gradient(loss, y_true, y_pred)).sum(), slope, rtol=1e-6, atol=1e-12)


@every_example
def test_float64_stays_float64_and_half_is_judged_in_float32(example: Example) -> None:
    make, y_true, y_pred = example
    exact = make()(y_true, y_pred)
    assert exact.dtype is torch.float64
    half = make()(y_true, y_pred.half())
    assert half.dtype is torch.float32
    assert_close(half.double(), exact, rtol=2e-2, atol=2e-3)
    assert make(dtype="bfloat16")(y_true, y_pred).dtype is torch.bfloat16
    assert make(dtype="mixed_float16")(y_true, y_pred.float()).dtype is torch.float16


@every_example
@pytest.mark.parametrize("reduction", ["none", "sum_over_batch_size", "mean_with_sample_weight"])
def test_float64_is_exact_whatever_torch_s_default_is(example: Example, reduction: str) -> None:
    make, y_true, y_pred = example
    loss = make(reduction=reduction)

    def computed() -> list[Tensor]:
        weighed = {"sample_weight": WEIGHT, "mask": MASK}
        calls: list[dict[str, Tensor]] = [{}, {"sample_weight": WEIGHT}, {"mask": MASK}, weighed]
        values = [loss(y_true, y_pred, **kwargs) for kwargs in calls]
        return values + [gradient(loss, y_true, y_pred, **kwargs) for kwargs in calls]

    under_float32 = computed()
    torch.set_default_dtype(torch.float64)
    try:
        assert_close(under_float32, computed(), rtol=1e-15, atol=1e-17)
    finally:
        torch.set_default_dtype(torch.float32)


@every_example
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_targets_that_take_gradients_change_nothing(example: Example, dtype: torch.dtype) -> None:
    make, y_true, y_pred = example
    loss, y_pred = make(), y_pred.to(dtype)
    if not y_true.is_floating_point():
        pytest.skip("class ids take none")
    taking = y_true.clone().requires_grad_()
    tolerance = {"rtol": 1e-13, "atol": 1e-15} if dtype is torch.float64 else {"rtol": 1e-6, "atol": 1e-7}
    assert_close(loss(taking, y_pred), loss(y_true, y_pred), **tolerance)
    assert_close(gradient(loss, taking, y_pred), gradient(loss, y_true, y_pred), **tolerance)


@every_example
def test_takes_arrays_and_lists(example: Example) -> None:
    make, y_true, y_pred = example
    loss = make(reduction="sum")
    expected = loss(y_true, y_pred, WEIGHT)
    assert_close(loss(y_true.numpy(), y_pred.numpy(), WEIGHT.numpy()), expected)
    assert_close(loss(y_true.tolist(), y_pred.tolist(), WEIGHT.tolist()), expected.float())


@every_example
def test_compiles_as_one_graph(example: Example) -> None:
    make, y_true, y_pred = example
    loss = make()
    torch._dynamo.reset()
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    x = y_pred.clone().requires_grad_()
    value, expected = compiled(y_true, x), loss(y_true, x)
    assert_close(value, expected)
    assert_close(torch.autograd.grad(value, x), torch.autograd.grad(expected, x))
    with torch.no_grad():  # some compute in another way then
        kwargs = {"sample_weight": WEIGHT, "mask": MASK}
        assert_close(compiled(y_true, y_pred, **kwargs), loss(y_true, y_pred, **kwargs))


@every_example
def test_exports_with_a_batch_of_any_size(example: Example) -> None:
    make, y_true, y_pred = example
    loss, batch = make(reduction="sum"), {0: torch.export.Dim("batch")}
    program = torch.export.export(loss, (y_true, y_pred), dynamic_shapes={"y_true": batch, "y_pred": batch})
    assert_close(program.module()(y_true[:3], y_pred[:3]), loss(y_true[:3], y_pred[:3]))


@every_example
@pytest.mark.parametrize("device", DEVICES)
def test_leaves_nothing_on_another_device(example: Example, device: str) -> None:
    make, y_true, y_pred = example
    run_on(device, make(), y_true, y_pred)
    run_on(device, make(reduction="none"), y_true, y_pred, sample_weight=WEIGHT, mask=MASK)


@every_example
def test_copies_and_pickles(example: Example) -> None:
    make, y_true, y_pred = example
    loss = make()
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert_close(again(y_true, y_pred), loss(y_true, y_pred), rtol=0, atol=0)


@every_example
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_gradients_of_single_samples(example: Example) -> None:
    make, y_true, y_pred = example
    if isinstance(make(), losses.Circle):
        pytest.skip("a sample alone has no pairs")
    loss = make(reduction="sum")
    single = torch.func.vmap(torch.func.grad(lambda p, t: loss(t[None], p[None])))(y_pred, y_true)
    assert_close(
        single, torch.stack([gradient(loss, t[None], p) for t, p in zip(y_true, y_pred[:, None], strict=True)])[:, 0]
    )


@every_example
def test_second_derivatives(example: Example) -> None:
    make, y_true, y_pred = example
    loss = make(reduction="sum")
    if isinstance(loss, losses.CTC):
        pytest.skip("has none, in Keras either")
    step, y_pred = 1e-5 * torch.randn_like(y_pred), y_pred.clone().requires_grad_()
    change = gradient(loss, y_true, y_pred + step) - gradient(loss, y_true, y_pred - step)
    (first,) = torch.autograd.grad(loss(y_true, y_pred), y_pred, create_graph=True)
    if first.requires_grad:
        (slope,) = torch.autograd.grad(first, y_pred, 2 * step)
        assert_close(slope, change, rtol=1e-3, atol=1e-8)
    else:
        assert_close(change, torch.zeros_like(change))


@every_example
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.jit's, which torch.func.jvp runs into
def test_forward_mode_has_the_same_gradient(example: Example) -> None:
    make, y_true, y_pred = example
    loss, direction = make(reduction="sum"), torch.randn_like(y_pred)
    _, slope = torch.func.jvp(lambda p: loss(y_true, p), (y_pred,), (direction,))
    assert_close(slope, (gradient(loss, y_true, y_pred) * direction).sum())
