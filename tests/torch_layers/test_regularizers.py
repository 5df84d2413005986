"""The regularizers: penalties and their gradients, refusals, names and configs."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from torch_layers import regularizers
from torch_layers.registry import regularizers as registry

W = torch.tensor([[1.0, -2.0, 0.0], [0.5, 3.0, -4.0]], dtype=torch.float64)
TENTH = float(np.float32(0.1))


@pytest.mark.parametrize(
    "regularizer, expected, gradient",
    [
        (regularizers.L1(0.1), TENTH * 10.5, TENTH * W.sign()),
        (regularizers.L2(0.1), 0.1 * 30.25, 0.2 * W),
        (regularizers.L1L2(0.1, 0.3), 0.1 * 10.5 + 0.3 * 30.25, 0.1 * W.sign() + 0.6 * W),
        (regularizers.L1L2(l1=0.1), 0.1 * 10.5, 0.1 * W.sign()),
        (regularizers.L1L2(l2=0.3), 0.3 * 30.25, 0.6 * W),
    ],
)
def test_penalty_and_gradient(regularizer: Any, expected: float, gradient: torch.Tensor) -> None:
    w = W.clone().requires_grad_()
    penalty = regularizer(w)
    assert_close(penalty.item(), expected)
    assert_close(torch.autograd.grad(penalty, w), (gradient,))


def test_no_factor_no_penalty() -> None:
    assert regularizers.L1L2()(W).item() == 0
    assert regularizers.Regularizer()(W).item() == 0


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_is_the_mean_cosine_of_pairs(mode: str) -> None:
    w = W if mode == "rows" else W.T
    cosine = abs(-5.5) / math.sqrt(5 * 25.25)
    assert_close(regularizers.OrthogonalRegularizer(0.5, mode)(w).item(), 0.5 * cosine)


def test_orthogonal_takes_the_mean_over_all_pairs() -> None:
    w = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    assert_close(regularizers.OrthogonalRegularizer(0.5)(w).item(), 0.5 / 3)


def test_orthogonal_rows_of_zeros_add_nothing() -> None:
    w = torch.tensor([[1.0, 0.0], [0.0, 0.0]], requires_grad=True)
    penalty = regularizers.OrthogonalRegularizer()(w)
    assert penalty.item() == 0
    assert torch.autograd.grad(penalty, w)[0].isfinite().all()


def test_orthogonal_of_one_row_is_nan_as_in_keras() -> None:
    assert regularizers.OrthogonalRegularizer()(torch.ones(1, 3)).isnan()


def test_orthogonal_refuses_other_ranks() -> None:
    with pytest.raises(ValueError, match=r"OrthogonalRegularizer: the weight's shape is \(2, 2, 2\), not that of a m"):
        regularizers.OrthogonalRegularizer()(torch.ones(2, 2, 2))


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_keeps_the_dtype(name: str, dtype: torch.dtype) -> None:
    penalty = getattr(regularizers, name)()(torch.ones(2, 2, dtype=dtype))
    assert penalty.dtype is dtype
    assert penalty.shape == ()


def test_compiles_as_one_graph() -> None:
    def penalties(w: torch.Tensor) -> list[torch.Tensor]:
        names = ("L1", "L2", "OrthogonalRegularizer")
        return [*(getattr(regularizers, name)()(w) for name in names), regularizers.L1L2(0.1, 0.2)(w)]

    assert_close(torch.compile(penalties, fullgraph=True, backend="aot_eager")(W), penalties(W))


@pytest.mark.parametrize("name, argument", [("L1", "l1"), ("L2", "l2"), ("L1L2", "l1"), ("L1L2", "l2")])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "0.1", [0.1]], ids=str)
def test_refuses_factors(name: str, argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}: {argument}=.* is not a finite number of at least 0"):
        getattr(regularizers, name)(**{argument: value})


@pytest.mark.parametrize("value", [None, -0.1, math.nan])
def test_orthogonal_refuses_factors(value: Any) -> None:
    with pytest.raises(ValueError, match=r"OrthogonalRegularizer: factor=.* is not a finite number of at least 0"):
        regularizers.OrthogonalRegularizer(value)


def test_orthogonal_refuses_modes() -> None:
    with pytest.raises(ValueError, match=r"OrthogonalRegularizer: mode='row' is not one of \('rows', 'columns'\)"):
        regularizers.OrthogonalRegularizer(mode="row")


# names and configs


@pytest.mark.parametrize(
    "regularizer, config",
    [
        # Keras keeps these two factors as float32 tensors.
        (regularizers.L1(), {"l1": 0.009999999776482582}),
        (regularizers.L1(None), {"l1": 0.009999999776482582}),
        (regularizers.OrthogonalRegularizer(mode="columns"), {"factor": 0.009999999776482582, "mode": "columns"}),
        (regularizers.L2(), {"l2": 0.01}),
        (regularizers.L2(None), {"l2": 0.01}),
        (regularizers.L2(1), {"l2": 1.0}),
        (regularizers.L1L2(), {"l1": 0.0, "l2": 0.0}),
        (regularizers.L1L2(None, 0.2), {"l1": 0.0, "l2": 0.2}),
        (regularizers.Regularizer(), {}),
    ],
)
def test_config_round_trip(regularizer: Any, config: dict[str, Any]) -> None:
    assert regularizer.get_config() == config
    described = regularizers.serialize(regularizer)
    assert described == {
        "module": "keras.regularizers",
        "class_name": type(regularizer).__name__,
        "config": config,
        "registered_name": None,
    }
    again = regularizers.deserialize(described)
    assert type(again) is type(regularizer)
    assert again.get_config() == config


def test_names() -> None:
    names = {"l1": "L1", "l2": "L2", "l1l2": "L1L2", "l1_l2": "L1L2", "regularizer": "Regularizer"}
    names["orthogonal_regularizer"] = "OrthogonalRegularizer"
    classes = {name: name for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer", "Regularizer")}
    assert {name: registry.find(name).__name__ for name in registry} == {**names, **classes}
    assert regularizers.l1 is regularizers.L1
    assert regularizers.l2 is regularizers.L2
    assert regularizers.l1_l2 is regularizers.L1L2
    assert regularizers.orthogonal_regularizer is regularizers.OrthogonalRegularizer


def test_get() -> None:
    made = regularizers.L2(0.3)
    assert regularizers.get(made) is made
    assert regularizers.get(None) is None
    assert regularizers.get("l2").get_config() == {"l2": 0.01}  # type: ignore[union-attr]
    assert type(regularizers.get(regularizers.L1)) is regularizers.L1
    assert type(regularizers.get({"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.1}})) is regularizers.L1L2
    assert regularizers.get(torch.sum) is torch.sum


@pytest.mark.parametrize(
    "given, message",
    [("l3", "unknown regularizer 'l3' .did you mean 'l"), (0.01, "regularizer 0.01 is neither a name")],
)
def test_get_refuses(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regularizers.get(given)


@pytest.mark.parametrize("name", list(registry.unique()))
def test_says_where_it_comes_from(name: str) -> None:
    assert f"Source: keras.regularizers.{name}, Keras 3.15" in (inspect.getdoc(getattr(regularizers, name)) or "")
