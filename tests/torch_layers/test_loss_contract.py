"""What every registered loss must do, class or function. A new loss joins by existing: its first case is its own."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import torch_layers
from parity import draw
from parity.case import Case
from parity.cases import all_cases
from parity.sides.torch_layers import TorchLayers
from tests.devices import DEVICES, run_on
from torch_layers import losses, registry
from torch_layers.losses import Loss
from torch_layers.registry import snake_case

LOSSES = registry.losses.unique()
CLASSES = sorted(name for name, thing in LOSSES.items() if inspect.isclass(thing) and thing is not Loss)
FUNCTIONS = sorted(name for name, thing in LOSSES.items() if not inspect.isclass(thing))
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
# What Keras's own configs leave out.
NOT_IN_CONFIGS = {"dtype", "axis", "delta"}
SIDE = TorchLayers()

every_class = pytest.mark.parametrize("name", CLASSES)
every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_loss = pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS])


@cache
def cases(name: str) -> list[Case]:
    kind = "loss" if name in CLASSES else "loss_function"
    found = [c for c in all_cases() if (c.kind, c.name) == (kind, name) and c.dtype == "float32" and not c.raises]
    assert found, f"{name} has no case: add one to parity/cases"
    return found


class Function(nn.Module):
    """A loss function with its arguments, as a module."""

    def __init__(self, function: Any, config: dict[str, Any]) -> None:
        super().__init__()
        self.function, self.config = function, config

    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.function(y_true, y_pred, **self.config)


def made(name: str) -> tuple[nn.Module, list[Tensor]]:
    """Make the example of a loss, and its targets and predictions, without gradients."""
    case = cases(name)[0]
    loss = LOSSES[name](**case.config) if name in CLASSES else Function(LOSSES[name], dict(case.config))
    (args, _), _ = SIDE._inputs([draw.inputs(case, "float32"), {}])
    return loss, [x.detach() for x in args]


def same(a: Any, b: Any) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


@every_class
def test_config_makes_an_equal_loss(name):
    for config in {repr(case.config): case.config for case in cases(name)}.values():
        loss = LOSSES[name](**config)
        described = losses.serialize(loss)
        assert described["module"] == "keras.losses"
        assert described["class_name"] == name
        assert "dtype" not in described["config"]
        for again in (
            type(loss).from_config(loss.get_config()),
            losses.deserialize(described),
            torch_layers.deserialize(described),
        ):
            assert type(again) is type(loss)
            assert again.get_config() == loss.get_config()
            for key, value in config.items():
                kept = key in loss.get_config()
                assert kept or key in NOT_IN_CONFIGS
                assert not kept or getattr(again, key) == value


@every_class
def test_a_loss_made_of_its_config_computes_the_same(name):
    loss, args = made(name)
    same(losses.deserialize(losses.serialize(loss))(*args), loss(*args))


@every_class
def test_default_name_is_keras_s(name):
    assert LOSSES[name]().name == {"Huber": "huber_loss"}.get(name, snake_case(name))


@every_loss
def test_copies_and_pickles(name):
    loss, args = made(name)
    expected = loss(*args)
    same(copy.deepcopy(loss)(*args), expected)
    same(pickle.loads(pickle.dumps(loss))(*args), expected)
    buffer = io.BytesIO()
    torch.save(loss, buffer)
    buffer.seek(0)
    same(torch.load(buffer, weights_only=False)(*args), expected)


def close(a: Any, b: Any) -> None:
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


# `losses/test_all.py` compiles and exports every class, and calls it on every device. Functions share with classes what
# torch's compiler would differentiate.


@every_function
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # of Dynamo's own functions
def test_compiles_in_one_graph_forward_and_backward(name):
    loss, (y_true, y_pred) = made(name)
    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    grads = []
    for run in (loss, compiled):
        x = y_pred.clone().requires_grad_()
        values = run(y_true, x)
        (grad,) = torch.autograd.grad(values.sum(), x)
        grads.append((values.detach(), grad))
    close(*grads)


@every_function
def test_exports_with_a_dynamic_batch(name):
    loss, args = made(name)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(loss, tuple(args), dynamic_shapes=({0: batch}, {0: batch}))
    thrice = [torch.cat([x, x, x]) for x in args]
    close(program.module()(*thrice), loss(*thrice))


@every_function
@pytest.mark.parametrize("device", DEVICES)
def test_computes_forward_and_backward_on_a_device_without_a_stray_cpu_tensor(name, device):
    loss, args = made(name)
    run_on(device, loss, *args)


# A loss is reduced in the same way whatever it is.
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("device", DEVICES)
def test_weights_and_mask_stay_on_the_device(device, reduction):
    y_true, y_pred = torch.rand(2, 4, 3)
    weight, mask = torch.rand(4), torch.rand(4) < 0.5
    run_on(device, losses.MeanSquaredError(reduction), y_true, y_pred, sample_weight=weight, mask=mask)


@every_loss
def test_works_under_torch_func(name):
    loss, (y_true, y_pred) = made(name)
    x = y_pred.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(y_true, x).sum(), x)
    close(torch.func.grad(lambda p: loss(y_true, p).sum())(y_pred), expected)
    batched = torch.func.vmap(lambda p: loss(y_true, p))(torch.stack([y_pred, y_pred * 0.5]))
    close(batched, torch.stack([loss(y_true, y_pred), loss(y_true, y_pred * 0.5)]))


@every_loss
def test_takes_numpy_and_lists(name):
    loss, args = made(name)
    expected = loss(*args)
    arrays = [x.numpy() for x in args]
    for form in (arrays, [x.tolist() for x in args], [args[0], arrays[1]], [arrays[0], args[1]]):
        close(loss(*form), expected)
    for array in arrays:
        array.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(loss(*arrays), expected)
        close(loss(*(np.flip(np.flip(array, 0).copy(), 0) for array in arrays)), expected)


@every_class
def test_takes_weights_and_mask_as_numpy_and_lists(name):
    loss, args = made(name)
    shape = LOSSES[name](**cases(name)[0].config, reduction=None)(*args).shape
    weight, mask = torch.rand(shape) + 0.5, torch.rand(shape) < 0.5
    expected = loss(*args, weight, mask=mask)
    close(loss(*args, weight.numpy(), mask=mask.numpy()), expected)
    close(loss(*args, weight.tolist(), mask=mask.tolist()), expected)


@every_class
def test_dtype_is_said_or_is_the_wider_of_default_and_predictions(name):
    _, (y_true, y_pred) = made(name)
    config = cases(name)[0].config
    for given, predictions, expected in (
        (None, torch.float16, torch.float32),
        (None, torch.float64, torch.float64),
        ("float16", torch.float32, torch.float16),
        ("mixed_bfloat16", torch.float32, torch.bfloat16),
        (torch.float64, torch.bfloat16, torch.float64),
    ):
        assert LOSSES[name](**config, dtype=given)(y_true, y_pred.to(predictions)).dtype is expected
    with pytest.raises(ValueError, match=f"{name}: dtype='int32' is not a floating dtype"):
        LOSSES[name](**config, dtype="int32")


@every_class
def test_moves_nothing_and_has_no_parameters(name):
    loss, args = made(name)
    assert not loss.state_dict()
    assert not list(loss.parameters())
    same(loss.double()(*args), LOSSES[name](**cases(name)[0].config)(*args))


@every_class
def test_reduction_is_checked(name):
    with pytest.raises(ValueError, match=rf"{name}: reduction='sums' is not one of .* \(did you mean 'sum'\?\)"):
        LOSSES[name](**cases(name)[0].config, reduction="sums")


@every_class
def test_repr_says_the_arguments(name):
    loss, _ = made(name)
    assert repr(loss).startswith(f"{name}(")
    assert "reduction='sum_over_batch_size'" in repr(loss)


@every_class
def test_docstring_of_a_class_says_shape_raises_and_source(name):
    doc = inspect.getdoc(LOSSES[name]) or ""
    for word in ("Shape:", "Raises:", f"Source: keras.losses.{name}, Keras 3"):
        assert word in doc, f"{name}'s docstring lacks {word!r}"


@every_function
def test_docstring_of_a_function_says_raises_and_source(name):
    doc = inspect.getdoc(LOSSES[name]) or ""
    for word in ("Raises:", f"Source: keras.losses.{name}, Keras 3"):
        assert word in doc, f"{name}'s docstring lacks {word!r}"


@every_class
def test_a_class_is_its_function_reduced(name):
    loss, args = made(name)
    function = LOSSES[snake_case(name)]
    config = {key: getattr(loss, key) for key in inspect.signature(function).parameters if hasattr(loss, key)}
    close(LOSSES[name](**cases(name)[0].config, reduction=None)(*args), function(*args, **config))


@pytest.mark.parametrize(
    "short, full",
    [
        ("mse", "mean_squared_error"),
        ("MSE", "mean_squared_error"),
        ("mae", "mean_absolute_error"),
        ("MAE", "mean_absolute_error"),
        ("mape", "mean_absolute_percentage_error"),
        ("MAPE", "mean_absolute_percentage_error"),
        ("msle", "mean_squared_logarithmic_error"),
        ("MSLE", "mean_squared_logarithmic_error"),
        ("bce", "binary_crossentropy"),
        ("BCE", "binary_crossentropy"),
        ("kld", "kl_divergence"),
        ("KLD", "kl_divergence"),
    ],
)
def test_short_names_are_known(short, full):
    assert losses.get(short) is losses.deserialize(short) is LOSSES[full]


@every_function
def test_a_function_goes_by_its_name(name):
    assert losses.get(name) is LOSSES[name]
    assert losses.get(LOSSES[name]) is LOSSES[name]
    described = losses.serialize(LOSSES[name])
    assert described["config"] == name
    assert losses.deserialize(described) is LOSSES[name]


@every_class
def test_a_class_goes_by_its_name_config_or_itself(name):
    loss, _ = made(name)
    assert losses.get(loss) is loss
    for identifier in (name, LOSSES[name], {"class_name": name, "config": {}}):
        assert type(losses.get(identifier)) is LOSSES[name]


def test_none_is_no_loss():
    assert losses.get(None) is None


@pytest.mark.parametrize(
    "wrong, nearest", [("mean_squared_eror", "mean_squared_error"), ("Hubert", "Huber"), ("ms", "mse")]
)
def test_an_unknown_name_is_refused_with_the_nearest(wrong, nearest):
    with pytest.raises(ValueError, match=rf"unknown loss '{wrong}' \(did you mean '{nearest}'\?\)"):
        losses.get(wrong)
    with pytest.raises(ValueError, match=f"'{wrong}'.* is not a loss"):
        losses.get({"module": "keras.losses", "class_name": wrong, "config": {}, "registered_name": None})


def test_an_unknown_object_is_refused():
    with pytest.raises(ValueError, match="loss 3 is neither a name"):
        losses.get(3)


def test_every_loss_is_public():
    for name, thing in LOSSES.items():
        assert getattr(losses, name) is thing
        assert name in losses.__all__
