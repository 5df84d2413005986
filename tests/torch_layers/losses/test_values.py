"""Each loss against its formula, and what a port gets wrong about it. Keras itself is asked by parity."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from torch_layers import losses

EPSILON = 1e-7
FLOAT64 = torch.float64


def f64(values: Any) -> Tensor:
    return torch.tensor(values, dtype=FLOAT64)


def gradient(function: Any, y_true: Tensor, y_pred: Tensor, **kwargs: Any) -> Tensor:
    y_pred = y_pred.detach().clone().requires_grad_()
    return torch.autograd.grad(function(y_true, y_pred, **kwargs).sum(), y_pred)[0]


# Regression


def test_regression_formulas() -> None:
    t, p = f64([[1.0, -2.0, 0.0]]), f64([[3.0, -2.5, 1.0]])
    for name, expected in {
        "mean_squared_error": (4 + 0.25 + 1) / 3,
        "mean_absolute_error": (2 + 0.5 + 1) / 3,
        "mean_absolute_percentage_error": 100 * (2 + 0.25 + 1 / EPSILON) / 3,
        "huber": (1.5 + 0.125 + 0.5) / 3,
        "log_cosh": sum(math.log(math.cosh(e)) for e in (2, 0.5, 1)) / 3,
        "mean_squared_logarithmic_error": (math.log(2) ** 2 + (math.log(2) - math.log1p(EPSILON)) ** 2) / 3,
    }.items():
        assert_close(getattr(losses, name)(t, p), f64([expected]), rtol=1e-14, atol=0, msg=name)


@pytest.mark.parametrize("delta", [0.5, 1.0, 0.0, -1.0])
def test_huber_takes_any_delta(delta: float) -> None:
    t, p = torch.zeros(1, 5, dtype=FLOAT64), f64([[-2.0, -delta, 0.0, delta, 3.0]])
    e = p.abs()
    expected = torch.where(e <= delta, e * e / 2, delta * e - delta**2 / 2).mean(-1)
    assert_close(losses.huber(t, p, delta), expected)
    assert_close(losses.Huber(delta)(t, p), expected.mean())


def test_log_cosh_of_large_errors_keeps_float64() -> None:
    # F.softplus is linear from 20 on: 2e-9 too little there.
    e = f64([[-10.5, 10.5, 300.0, -300.0]])
    values = losses.log_cosh(torch.zeros_like(e).T, e.T)
    assert_close(values, e[0].abs() - math.log(2) + torch.log1p(torch.exp(-2 * e[0].abs())), rtol=1e-15, atol=0)


# Margins


def test_hinge_takes_zeros_and_ones_throughout_the_batch_for_signs() -> None:
    p = f64([[0.5, -0.25], [2.0, 0.0]])
    signs = f64([[-1.0, 1.0], [1.0, -1.0]])
    expected = f64([(1.5 + 1.25) / 2, (0.0 + 1.0) / 2])
    assert_close(losses.hinge(signs, p), expected)
    assert_close(losses.hinge((signs + 1) / 2, p), expected)
    # One other value, and 0 is 0.
    assert_close(losses.hinge(f64([[0.0, 1.0], [2.0, 0.0]]), p), f64([(1 + 1.25) / 2, (0 + 1) / 2]))
    assert_close(losses.squared_hinge(signs, p), f64([(1.5**2 + 1.25**2) / 2, 0.5]))


def test_gradient_of_hinge_at_the_margin_is_that_of_the_slope() -> None:
    assert_close(gradient(losses.hinge, f64([[1.0]]), f64([[1.0]])), f64([[-1.0]]))
    assert_close(gradient(losses.categorical_hinge, f64([[1.0, 0.0]]), f64([[2.0, 1.0]])), f64([[-1.0, 1.0]]))


def test_gradient_of_categorical_hinge_is_shared_by_equals() -> None:
    assert_close(losses.categorical_hinge(f64([[1.0, 0, 0]]), f64([[0.5, 0.25, 0.125]])), f64([0.75]))
    assert_close(
        gradient(losses.categorical_hinge, f64([[1.0, 0, 0]]), f64([[0.5, 0.25, 0.25]])), f64([[-1.0, 0.5, 0.5]])
    )


# Distributions


def test_divergences() -> None:
    t, p = f64([[0.5, 0.5, 0.0]]), f64([[0.25, 0.75, 0.0]])
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert_close(losses.kl_divergence(t, p), f64([expected]))
    assert_close(losses.poisson(t, p), (p - t * torch.log(p + EPSILON)).mean(-1))
    assert_close(losses.kl_divergence(f64([[2.0, 1.0]]), f64([[2.0, 0.5]])), f64([math.log(2)]))
    assert_close(gradient(losses.kl_divergence, f64([[0.5, 0.5]]), f64([[0.0, 1.0]])), f64([[0.0, -0.5]]))


# Overlaps


def test_overlaps() -> None:
    t, p = f64([[[1.0, 0.0], [1.0, 1.0]]]), f64([[[0.5, 0.25], [1.0, 0.0]]])
    shared, missed, invented = 1.5, 0.5 + 0 + 1, 0.25
    assert_close(losses.dice(t, p), f64(1 - 2 * shared / (3 + 1.75 + EPSILON)))
    expected = 1 - shared / (shared + 0.2 * missed + 0.7 * invented + EPSILON)
    assert_close(losses.tversky(t, p, alpha=0.2, beta=0.7), f64(expected))
    for axis in (1, -1, (1, 2), [0, 1]):
        kept = [losses.dice(*pair) for pair in zip(_split(t, axis), _split(p, axis), strict=True)]
        assert_close(losses.Dice(reduction="none", axis=axis)(t, p).flatten(), torch.stack(kept))
        kept = [losses.tversky(*pair) for pair in zip(_split(t, axis), _split(p, axis), strict=True)]
        assert_close(losses.Tversky(reduction="none", axis=axis)(t, p).flatten(), torch.stack(kept))
    assert losses.Dice(reduction="none")(t, p).shape == ()


def _split(x: Tensor, axis: Any) -> list[Tensor]:
    """Return the parts of `x` that a sum over `axis` sums up."""
    axes = {a % x.ndim for a in ([axis] if isinstance(axis, int) else axis)}
    rest = [a for a in range(x.ndim) if a not in axes]
    return list(x.permute(*rest, *sorted(axes)).flatten(0, len(rest) - 1).unbind())


# Directions


def test_cosine_similarity() -> None:
    t, p = f64([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]]), f64([[30.0, 40.0], [0.0, 2.0], [1.0, 1.0]])
    assert_close(losses.cosine_similarity(t, p), f64([-1.0, 0.0, 0.0]))
    assert_close(losses.CosineSimilarity(axis=0, reduction="none")(t.T, p.T), f64([-1.0, 0.0, 0.0]))
    assert_close(losses.cosine_similarity(t * 1e200, p), f64([-0.0, 0.0, 0.0]))


def test_the_norm_of_cosine_similarity_is_at_least_epsilon() -> None:
    unit = f64([[0.6, 0.8]])
    assert_close(losses.cosine_similarity(unit, 1e-9 * unit), f64([-1e-2]))
    for y_pred in (0 * unit, 1e-9 * unit):
        assert_close(gradient(losses.cosine_similarity, unit, y_pred), -unit / EPSILON)


def test_circle() -> None:
    angles = f64([0.0, 0.5, 1.5, 3.0])
    vectors, labels = torch.stack([angles.cos(), angles.sin()], -1), torch.tensor([0, 0, 1, 2])
    distance = (1 - (angles[:, None] - angles).cos()).clamp(min=0)
    gamma, margin = 8.0, 0.25
    positive = -gamma * (margin + distance) * (margin - distance)
    negative = gamma * (1 + margin - distance).clamp(min=0) * (1 - margin - distance)
    expected = f64([0.0] * 4)
    for i, j, others in ((0, 1, [2, 3]), (1, 0, [2, 3])):
        expected[i] = (positive[i, j] + negative[i, others].logsumexp(0)).exp().log1p()
    assert_close(losses.circle(labels, vectors, gamma=gamma, margin=margin), expected)
    loss = losses.Circle(gamma, margin)
    # Samples without positives give 0 and don't count.
    assert_close(loss(labels, vectors), expected[:2].mean())
    assert_close(loss(labels[:, None], vectors), expected[:2].mean())
    assert gradient(loss, labels, vectors).isfinite().all()
    with_self = losses.circle(labels, vectors, gamma=gamma, margin=margin, remove_diagonal=False)
    both = torch.stack([positive[0, 0], positive[0, 1]]).logsumexp(0) + negative[0, [2, 3]].logsumexp(0)
    assert_close(with_self[0], F.softplus(both))
    given = losses.circle(labels, vectors, labels[1:], vectors[1:], remove_diagonal=False, gamma=gamma, margin=margin)
    assert_close(given[0], expected[0])


def test_circle_of_large_losses_keeps_float64() -> None:
    # One positive at distance 0.4, which weighs nothing, one negative at 0: the sum is gamma (1 + margin) (1 - margin).
    vectors = f64([[1.0, 0.0], [0.6, 0.8], [1.0, 0.0]])
    values = losses.circle(torch.tensor([0, 0, 1]), vectors, gamma=25.0)
    assert_close(values[0], f64(math.log1p(math.exp(25 * 1.4 * 0.6))), rtol=1e-14, atol=0)


def test_circle_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"circle: y_true of shape \(3,\) must hold one class for each embedding"):
        losses.Circle()(torch.zeros(3), torch.ones(4, 2))
    with pytest.raises(ValueError, match=r"circle: ref_labels of shape \(4,\) must hold one class for each embedding"):
        losses.circle(torch.zeros(4), torch.ones(4, 2), ref_embeddings=torch.ones(3, 2))
