"""The activation functions: values from their formulas, gradients at kinks as TensorFlow has them, names, configs."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from torch_layers import activations
from torch_layers.registry import activations as registry

FUNCTIONS = list(registry.unique())
POINTS = [-30.0, -6.0, -3.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5, 3.0, 6.0, 25.0]
INF = math.inf


def _call(name: str, x: Tensor, **arguments: Any) -> Tensor:
    if name == "threshold":
        arguments = {"threshold": 0.5, "default_value": -7.0, **arguments}
    return getattr(activations, name)(x, **arguments)


def _phi(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


SCALAR = [
    ("celu", {"alpha": 0.5}, lambda x: x if x > 0 else 0.5 * math.expm1(x / 0.5)),
    ("elu", {}, lambda x: x if x > 0 else math.expm1(x)),
    ("elu", {"alpha": 0.3}, lambda x: x if x > 0 else 0.3 * math.expm1(x)),
    ("exponential", {}, math.exp),
    ("gelu", {}, lambda x: x * _phi(x)),
    (
        "gelu",
        {"approximate": True},
        lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    ("hard_shrink", {}, lambda x: x if abs(x) > 0.5 else 0),
    ("hard_shrink", {"threshold": 1.5}, lambda x: x if abs(x) > 1.5 else 0),
    ("hard_sigmoid", {}, lambda x: min(max(x / 6 + 0.5, 0), 1)),
    ("hard_silu", {}, lambda x: x * min(max(x / 6 + 0.5, 0), 1)),
    ("hard_tanh", {}, lambda x: min(max(x, -1), 1)),
    ("leaky_relu", {}, lambda x: x if x > 0 else 0.2 * x),
    ("leaky_relu", {"negative_slope": 0.3}, lambda x: x if x > 0 else 0.3 * x),
    ("linear", {}, lambda x: x),
    ("log_sigmoid", {}, lambda x: min(x, 0) - math.log1p(math.exp(-abs(x)))),
    ("mish", {}, lambda x: x * math.tanh(math.log1p(math.exp(x)))),
    ("relu", {}, lambda x: max(x, 0)),
    ("relu", {"negative_slope": 0.1}, lambda x: x if x > 0 else 0.1 * x),
    ("relu", {"max_value": 6}, lambda x: min(max(x, 0), 6)),
    ("relu", {"max_value": 1.5, "negative_slope": 0.1}, lambda x: min(x, 1.5) if x > 0 else 0.1 * x),
    ("relu", {"threshold": 1.0}, lambda x: x if x > 1 else 0),
    ("relu", {"threshold": -1.0}, lambda x: x if x > -1 else 0),
    ("relu", {"threshold": -1.0, "max_value": 3}, lambda x: min(max(x, 0), 3)),
    (
        "relu",
        {"threshold": 1.0, "max_value": 3, "negative_slope": 0.1},
        lambda x: min(x, 3) if x > 1 else 0.1 * (x - 1),
    ),
    ("relu6", {}, lambda x: min(max(x, 0), 6)),
    ("selu", {}, lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x))),
    ("sigmoid", {}, _sigmoid),
    ("silu", {}, lambda x: x * _sigmoid(x)),
    ("soft_shrink", {}, lambda x: math.copysign(max(abs(x) - 0.5, 0), x)),
    ("soft_shrink", {"threshold": 1}, lambda x: math.copysign(max(abs(x) - 1, 0), x)),
    ("softplus", {}, lambda x: max(x, 0) + math.log1p(math.exp(-abs(x)))),
    ("softsign", {}, lambda x: x / (1 + abs(x))),
    ("sparse_plus", {}, lambda x: x if x > 1 else max(x + 1, 0) ** 2 / 4),
    ("sparse_sigmoid", {}, lambda x: min(max((x + 1) / 2, 0), 1)),
    ("squareplus", {}, lambda x: (x + math.sqrt(x * x + 4)) / 2),
    ("squareplus", {"b": 0.3}, lambda x: (x + math.sqrt(x * x + 0.3)) / 2),
    ("tanh", {}, math.tanh),
    ("tanh_shrink", {}, lambda x: x - math.tanh(x)),
    ("threshold", {"threshold": 0.5, "default_value": -7}, lambda x: x if x > 0.5 else -7),
]


def _id(value: Any) -> str | None:
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else None


@pytest.mark.parametrize("name, arguments, formula", SCALAR, ids=_id)
def test_follows_its_formula_in_float64(name: str, arguments: dict[str, Any], formula: Any) -> None:
    x = torch.tensor(POINTS, dtype=torch.float64)
    expected = torch.tensor([formula(point) for point in POINTS], dtype=torch.float64)
    assert_close(_call(name, x, **arguments), expected, rtol=1e-13, atol=1e-14)


def test_the_table_of_formulas_is_complete() -> None:
    assert {name for name, *_ in SCALAR} | {"glu", "softmax", "log_softmax", "sparsemax"} == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_keeps_the_dtype(name: str, dtype: torch.dtype) -> None:
    assert _call(name, torch.zeros(2, 4, dtype=dtype)).dtype is dtype


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_is_that_of_finite_differences(name: str) -> None:
    points = [0.31, -0.13, 2.4, -2.9, 7.2, -7.3, 0.77, -1.8]
    x = torch.tensor([points, points[::-1]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: _call(name, x), (x,))


# Where a function bends, the gradient on its left and right differ: TensorFlow's choice, measured with Keras 3.15.
KINKS = [
    ("relu", {}, {0: 0}),
    ("relu", {"negative_slope": 0.3}, {0: 0.3}),
    ("relu", {"max_value": 4}, {0: 0, 4: 1}),
    ("relu", {"max_value": 6}, {0: 0, 6: 0}),
    ("relu", {"threshold": 1}, {0: 0, 1: 0}),
    ("relu", {"threshold": 1, "max_value": 4, "negative_slope": 0.3}, {0: 0.3, 1: 0, 4: 1}),
    ("relu", {"threshold": -1, "max_value": 4}, {-1: 0, 0: 1, 4: 1}),
    ("relu6", {}, {0: 0, 6: 0}),
    ("leaky_relu", {}, {0: 0.2}),
    ("elu", {"alpha": 0.7}, {0: 0.7}),
    ("hard_sigmoid", {}, {-3: 0, 0: 1 / 6, 3: 0}),
    ("hard_silu", {}, {-3: 0, 3: 1}),
    ("hard_tanh", {}, {-1: 1, 1: 1}),
    ("hard_shrink", {}, {-0.5: 0, 0.5: 0}),
    ("soft_shrink", {}, {-0.5: 0, 0.5: 0}),
    ("threshold", {}, {0.5: 0}),
    ("sparse_plus", {}, {-1: 0, 1: 1}),
    ("sparse_sigmoid", {}, {-1: 0, 1: 0}),
    ("softsign", {}, {0: 1}),
    # These two are torch's, not TensorFlow's 1.0507 and Keras's 2: see their docstrings.
    ("selu", {}, {0: 1.0507009873554805}),
    ("celu", {"alpha": 0.5}, {0: 1}),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name, arguments, expected", KINKS, ids=_id)
def test_gradient_at_kinks(
    name: str, arguments: dict[str, Any], expected: dict[float, float], dtype: torch.dtype
) -> None:
    x = torch.tensor(list(expected), dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(_call(name, x, **arguments).sum(), x)
    # The default tolerance would hide constants that were rounded to float32.
    tolerance = {"rtol": 1e-14, "atol": 0} if dtype is torch.float64 else {}
    assert_close(gradient, torch.tensor(list(expected.values()), dtype=dtype), **tolerance)


@pytest.mark.parametrize("x", [20.5, 25.0, 39.0, 41.0])
def test_softplus_has_no_step_in_float64(x: float) -> None:
    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    result = activations.softplus(given)
    (gradient,) = torch.autograd.grad(result, given)
    assert_close(result.item(), x + math.log1p(math.exp(-x)), rtol=1e-15, atol=0)
    assert_close(gradient.item(), _sigmoid(x), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", ["softplus", "mish", "silu", "log_sigmoid", "gelu", "softmax", "log_softmax", "elu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_stays_finite_for_large_values(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([-30000.0, -90.0, 30.0, 90.0, 30000.0], dtype=dtype, requires_grad=True)
    result = _call(name, x)
    (gradient,) = torch.autograd.grad(result, x, torch.ones_like(result))
    assert result.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ["exponential", "tanh", "leaky_relu"])
@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_integers_become_the_default_float_dtype(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([0, 1, 2], dtype=dtype)
    assert_close(_call(name, x), _call(name, x.float()))


@pytest.mark.parametrize("name", ["relu", "relu6", "linear"])
def test_integers_stay_integers(name: str) -> None:
    assert_close(_call(name, torch.tensor([0, 3, 5])), torch.tensor([0, 3, 5]))


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 1), [-1, 0], None], ids=str)
def test_softmax_sums_to_one_over_its_axes(axis: Any) -> None:
    x = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    axes = tuple(range(3)) if axis is None else axis
    exponentials = x.exp()
    expected = exponentials / exponentials.sum(axes, keepdim=True)
    assert_close(activations.softmax(x, axis), expected)
    assert_close(activations.log_softmax(x, axis), expected.log())


def test_softmax_of_rank_1() -> None:
    assert_close(activations.softmax(torch.tensor([0.0, math.log(3)])), torch.tensor([0.25, 0.75]))


def test_softmax_of_an_infinitely_small_score() -> None:
    assert_close(activations.softmax(torch.tensor([0.0, -INF])), torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_glu_gates_the_first_half_by_the_second(axis: int) -> None:
    a, b = torch.randn(2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert_close(activations.glu(torch.cat([a, b], axis), axis), a * b.sigmoid())


def test_glu_refuses_an_odd_size() -> None:
    with pytest.raises(ValueError, match=r"glu: axis=1 of an input of shape \(2, 3\) has an odd size"):
        activations.glu(torch.zeros(2, 3), axis=1)


def test_sparsemax_of_a_clear_winner_is_one_hot() -> None:
    assert_close(activations.sparsemax(torch.tensor([[1.0, 5.0, 3.0]])), torch.tensor([[0.0, 1.0, 0.0]]))


def test_sparsemax_sums_the_cumulated_scores_as_keras_does() -> None:
    # Sparsemax as published is (0.55, 0.45).
    assert_close(activations.sparsemax(torch.tensor([1.0, 0.9])), torch.tensor([0.05, 0.0]))


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_sparsemax_works_along_any_axis(axis: int) -> None:
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = activations.sparsemax(x.transpose(axis, -1)).transpose(axis, -1)
    assert_close(activations.sparsemax(x, axis), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_takes_an_empty_batch(name: str) -> None:
    assert _call(name, torch.zeros(0, 4)).shape == (0, 2 if name == "glu" else 4)


def _all(x: Tensor) -> list[Tensor]:
    return [
        *(_call(name, x) for name in FUNCTIONS),
        activations.relu(x, 0.1, 3.0, 0.5),
        activations.softmax(x, (0, 1)),
        activations.hard_sigmoid(x.double()),
    ]


def test_compiles_as_one_graph() -> None:
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    assert_close(torch.compile(_all, fullgraph=True, backend="aot_eager")(x), _all(x))


def test_exports_with_a_free_batch_size() -> None:
    class Everything(torch.nn.Module):
        def forward(self, x: Tensor) -> list[Tensor]:
            return _all(x)

    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(Everything(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.randn(7, 6, generator=torch.Generator().manual_seed(1))
    assert_close(program.module()(more), _all(more))


def test_runs_on_the_meta_device() -> None:
    results = _all(torch.empty(4, 6, device="meta"))
    assert all(result.is_meta for result in results)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_works_under_torch_func(name: str) -> None:
    x = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    per_row = torch.func.vmap(torch.func.grad(lambda row: _call(name, row).square().sum()))(x)
    given = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(_call(name, given).square().sum(), given)
    assert_close(per_row, expected)


# names and configs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_name_leads_to_the_function_and_back(name: str) -> None:
    function = activations.get(name)
    assert function is getattr(activations, name)
    assert activations.serialize(function) == name
    assert activations.deserialize(name) is function


def test_other_names() -> None:
    assert activations.get("swish") is activations.swish is activations.silu
    assert activations.get("hard_swish") is activations.hard_swish is activations.hard_silu
    assert activations.serialize(activations.swish) == "silu"


def test_none_is_linear() -> None:
    assert activations.get(None) is activations.linear


def test_callables_and_modules_stay_themselves() -> None:
    module = torch.nn.Tanh()
    assert activations.get(module) is module
    assert activations.get(torch.sin) is torch.sin


def test_reads_the_config_of_a_function() -> None:
    config = {"module": "builtins", "class_name": "function", "config": "gelu", "registered_name": "function"}
    assert activations.deserialize({**config, "registered_name": "gelu"}) is activations.gelu


def test_custom_objects_win() -> None:
    assert activations.get("relu", {"relu": torch.sin}) is torch.sin


def test_own_function_has_a_config_that_custom_objects_resolve() -> None:
    def bump(x: Tensor) -> Tensor:
        return torch.exp(-x * x)

    config = activations.serialize(bump)
    assert config["config"] == "bump"
    assert activations.deserialize(config, {"bump": bump}) is bump
    with pytest.raises(ValueError, match=r"'bump'.*custom_objects"):
        activations.deserialize(config)


@pytest.mark.parametrize(
    "given, message",
    [("rellu", "unknown activation 'rellu' .did you mean 'relu'"), (3, "activation 3 is neither a name")],
)
def test_refuses_what_it_does_not_know(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        activations.get(given)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_says_where_it_comes_from(name: str) -> None:
    assert f"Source: keras.activations.{name}, Keras 3.15" in (inspect.getdoc(getattr(activations, name)) or "")
