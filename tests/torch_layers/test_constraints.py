"""The constraints: projections, names and configs."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from torch_layers import constraints
from torch_layers.registry import constraints as registry

# The norms of the columns are 5, 0.5 and 0.
W = torch.tensor([[3.0, -0.3, 0.0], [-4.0, 0.4, 0.0]], dtype=torch.float64)
EPSILON = 1e-7


@pytest.mark.parametrize(
    "constraint, norms",
    [
        (constraints.MaxNorm(), [2.0, 0.5]),
        (constraints.MaxNorm(0.2), [0.2, 0.2]),
        (constraints.UnitNorm(), [1.0, 1.0]),
        (constraints.MinMaxNorm(), [1.0, 0.5]),
        (constraints.MinMaxNorm(1.0, 3.0), [3.0, 1.0]),
        (constraints.MinMaxNorm(1.0, 3.0, rate=0.25), [0.25 * 3 + 0.75 * 5, 0.25 * 1 + 0.75 * 0.5]),
        (constraints.MinMaxNorm(1.0, 3.0, rate=0.0), [5.0, 0.5]),
        (constraints.Constraint(), [5 + EPSILON, 0.5 + EPSILON]),
    ],
)
def test_norms_of_columns(constraint: Any, norms: list[float]) -> None:
    expected = W.clone()
    for column, (old, new) in enumerate(zip([5.0, 0.5], norms, strict=True)):
        expected[:, column] *= new / (old + EPSILON)
    assert_close(constraint(W), expected, rtol=1e-14, atol=0)


def test_non_neg() -> None:
    assert_close(constraints.NonNeg()(W), W.clamp(min=0))


@pytest.mark.parametrize("axis", [1, -1, (0, 1), [0, 1], [0, 2]], ids=str)
@pytest.mark.parametrize("name", ["UnitNorm", "MaxNorm", "MinMaxNorm"])
def test_axis_is_what_the_norm_sums_over(name: str, axis: Any) -> None:
    w = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 9
    axes = axis if isinstance(axis, int) else tuple(axis)
    norms = torch.linalg.vector_norm(getattr(constraints, name)(axis=axis)(w), dim=axes)
    assert_close(norms, torch.full_like(norms, 2.0 if name == "MaxNorm" else 1.0), rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", list(registry.unique()))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_keeps_the_dtype(name: str, dtype: torch.dtype) -> None:
    assert getattr(constraints, name)()(torch.ones(2, 2, dtype=dtype)).dtype is dtype


def test_compiles_as_one_graph() -> None:
    def projections(w: torch.Tensor) -> list[torch.Tensor]:
        return [getattr(constraints, name)()(w) for name in ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm")]

    assert_close(torch.compile(projections, fullgraph=True, backend="aot_eager")(W), projections(W))


# names and configs


@pytest.mark.parametrize(
    "constraint, config",
    [
        (constraints.Constraint(), {}),
        (constraints.NonNeg(), {}),
        (constraints.MaxNorm(), {"max_value": 2, "axis": 0}),
        (constraints.MaxNorm(3.0, [0, 1]), {"max_value": 3.0, "axis": [0, 1]}),
        (constraints.UnitNorm((0, 1)), {"axis": (0, 1)}),
        (constraints.MinMaxNorm(), {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}),
        (constraints.MinMaxNorm(0.1, 2.0, 0.5, 1), {"min_value": 0.1, "max_value": 2.0, "rate": 0.5, "axis": 1}),
    ],
)
def test_config_round_trip(constraint: Any, config: dict[str, Any]) -> None:
    assert constraint.get_config() == config
    described = constraints.serialize(constraint)
    assert described == {
        "module": "keras.constraints",
        "class_name": type(constraint).__name__,
        "config": config,
        "registered_name": None,
    }
    again = constraints.deserialize(described)
    assert type(again) is type(constraint)
    assert again.get_config() == config


def test_names() -> None:
    names = {"max_norm": "MaxNorm", "min_max_norm": "MinMaxNorm", "non_neg": "NonNeg", "unit_norm": "UnitNorm"}
    found = {name: registry.find(name).__name__ for name in registry}
    assert found == {
        **names,
        **{name: name for name in names.values()},
        "constraint": "Constraint",
        "Constraint": "Constraint",
    }
    for name, cls in names.items():
        assert getattr(constraints, name) is getattr(constraints, cls)


def test_get() -> None:
    made = constraints.NonNeg()
    assert constraints.get(made) is made
    assert constraints.get(None) is None
    assert type(constraints.get("unit_norm")) is constraints.UnitNorm
    assert type(constraints.get(constraints.MaxNorm)) is constraints.MaxNorm
    assert (
        type(constraints.get({"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}})) is constraints.MaxNorm
    )
    assert constraints.get(torch.relu) is torch.relu


@pytest.mark.parametrize(
    "given, message",
    [("maxnorm", "unknown constraint 'maxnorm' .did you mean 'max_norm'"), (2, "constraint 2 is neither a name")],
)
def test_get_refuses(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        constraints.get(given)


@pytest.mark.parametrize("name", list(registry.unique()))
def test_says_where_it_comes_from(name: str) -> None:
    assert f"Source: keras.constraints.{name}, Keras 3.15" in (inspect.getdoc(getattr(constraints, name)) or "")
