"""The cross-entropies against their formulas, and what a port gets wrong about them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from torch_layers import losses
from torch_layers.losses.categorical import _are_distributions, _plainly_picked

EPSILON = 1e-7
FLOAT64 = torch.float64


def f64(values: Any) -> Tensor:
    return torch.tensor(values, dtype=FLOAT64)


def gradient(function: Any, y_true: Tensor, y_pred: Tensor, **kwargs: Any) -> Tensor:
    y_pred = y_pred.detach().clone().requires_grad_()
    return torch.autograd.grad(function(y_true, y_pred, **kwargs).sum(), y_pred)[0]


def test_binary_crossentropy() -> None:
    t, p = f64([[1.0, 0.0, 0.25]]), f64([[0.75, 0.5, 0.125]])
    terms = -(t * p.log() + (1 - t) * (1 - p).log())
    assert_close(losses.binary_crossentropy(t, p), terms.mean(-1))
    assert_close(losses.binary_crossentropy(t, p.logit(), from_logits=True), terms.mean(-1))
    smooth = t * 0.8 + 0.1
    assert_close(losses.binary_crossentropy(t, p, label_smoothing=0.2), losses.binary_crossentropy(smooth, p))
    p_t = t * p + (1 - t) * (1 - p)
    assert_close(losses.binary_focal_crossentropy(t, p, gamma=1.5), ((1 - p_t) ** 1.5 * terms).mean(-1))
    weight = t * 0.25 + (1 - t) * 0.75
    balanced = losses.binary_focal_crossentropy(t, p, apply_class_balancing=True)
    assert_close(balanced, (weight * (1 - p_t) ** 2 * terms).mean(-1))


@pytest.mark.parametrize("name", ["binary_crossentropy", "categorical_crossentropy"])
def test_probabilities_are_clipped_and_have_no_gradient_beyond(name: str) -> None:
    function = getattr(losses, name)
    t, p = f64([[1.0, 0.0]]), f64([[0.0, 1.0]])
    assert_close(function(t, p), f64([-math.log(EPSILON)]))
    assert_close(gradient(function, t, p), torch.zeros(1, 2, dtype=FLOAT64))
    assert_close(function(p, p), f64([-math.log(1 - EPSILON)]), rtol=1e-8, atol=0)


def test_nan_probabilities_give_nan() -> None:
    # F.binary_cross_entropy raises instead.
    assert losses.BinaryCrossentropy()(torch.ones(2, 2), torch.full((2, 2), torch.nan)).isnan()


def test_focal_logits_are_not_clipped() -> None:
    values = losses.binary_focal_crossentropy(f64([[1.0]]), f64([[-40.0]]), from_logits=True)
    assert_close(values, f64([40.0]))


def test_categorical_crossentropy_normalizes_first() -> None:
    t, p = f64([[0.0, 1.0, 0.0]]), f64([[1.0, 2.0, 5.0]])
    assert_close(losses.categorical_crossentropy(t, p), f64([math.log(4)]))
    smooth = losses.categorical_crossentropy(t, p, label_smoothing=0.3)
    assert_close(smooth, losses.categorical_crossentropy(t * 0.7 + 0.1, p))
    focal = losses.categorical_focal_crossentropy(t, p, alpha=[0.1, 0.2, 0.3], gamma=3.0)
    assert_close(focal, f64([0.2 * 0.75**3 * math.log(4)]))
    loss = losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3], gamma=3.0)
    assert_close(loss(t, p), focal[0])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("from_logits", [False, True])
def test_classes_on_any_axis(axis: int, from_logits: bool) -> None:
    t, p = torch.rand(3, 4, 5, dtype=FLOAT64), torch.rand(3, 4, 5, dtype=FLOAT64)
    for name in ("categorical_crossentropy", "categorical_focal_crossentropy", "binary_crossentropy"):
        function = getattr(losses, name)
        expected = function(t.movedim(axis, -1), p.movedim(axis, -1), from_logits=from_logits)
        assert_close(function(t, p, from_logits=from_logits, axis=axis), expected)
        name = "".join(word.capitalize() for word in name.split("_"))
        assert_close(getattr(losses, name)(from_logits=from_logits, axis=axis)(t, p), expected.mean())
    loss = losses.SparseCategoricalCrossentropy(from_logits=from_logits, axis=axis, reduction="none")
    ids = torch.randint(p.shape[axis], expected.shape)
    expected = losses.sparse_categorical_crossentropy(ids, p.movedim(axis, -1), from_logits)
    assert_close(loss(ids, p), expected)
    assert_close(loss(ids.unsqueeze(axis), p), expected)
    assert_close(losses.SparseCategoricalCrossentropy(from_logits=from_logits, axis=axis)(ids, p), expected.mean())


@pytest.mark.parametrize("compiling", [False, True])
def test_gradient_of_logits_is_softmax_less_targets_whatever_they_sum_to(
    compiling: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: compiling)
    t, x = f64([[0.5, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), torch.randn(3, 3, dtype=FLOAT64)
    t.requires_grad_()
    values = losses.categorical_crossentropy(t, x, from_logits=True)
    assert_close(values, -(t * x.log_softmax(-1)).sum(-1))
    of_targets = torch.autograd.grad(values.sum(), t)[0]
    assert_close(of_targets, -x.log_softmax(-1))
    computed = gradient(losses.categorical_crossentropy, t.detach(), x, from_logits=True)
    assert_close(computed, x.softmax(-1) - t.detach())


@pytest.mark.parametrize("axis", [-1, 1, 0])
def test_mean_of_logits_is_the_same_without_gradients(axis: int) -> None:
    t, x = f64([[0.5, 2.0, 0.0], [0.0, 0.0, 0.0]]), torch.randn(2, 3, dtype=FLOAT64)
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, axis=axis)
    expected = loss(t, x)
    with torch.no_grad():
        assert_close(loss(t, x), expected)


def test_logits_may_be_large() -> None:
    t, x = f64([[1.0, 0.0]]), f64([[-1e5, 1e5]])
    assert_close(losses.categorical_crossentropy(t, x, from_logits=True), f64([2e5]))
    assert_close(losses.sparse_categorical_crossentropy([0], x, from_logits=True), f64([2e5]))
    assert_close(losses.binary_crossentropy(t, x, from_logits=True), f64([1e5]))


def test_one_class_warns() -> None:
    with pytest.warns(SyntaxWarning, match=r"y_pred of shape \(3, 1\) has one class"):
        losses.CategoricalCrossentropy()(torch.ones(3, 1), torch.ones(3, 1))


def test_sparse_crossentropy_clips_first_and_normalizes_then() -> None:
    p = f64([[0.0, 3.0, 0.5]])
    expected = math.log((EPSILON + 1 - EPSILON + 0.5) / EPSILON)
    assert_close(losses.sparse_categorical_crossentropy([0], p), f64([expected]))
    assert_close(losses.sparse_categorical_crossentropy([1], torch.zeros(1, 3, dtype=FLOAT64)), f64([math.log(3)]))


def test_class_ids_stay_exact_in_half_precision() -> None:
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    x = torch.zeros(1, 300)
    x[0, 257] = 40.0  # bfloat16 has no 257
    assert_close(loss([257], x), torch.tensor(0.0, dtype=torch.bfloat16))


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("ignore_class", [0, 2, -1, 255])
def test_ignored_classes_neither_count_nor_spoil(from_logits: bool, ignore_class: int) -> None:
    loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class)
    ids, p = torch.tensor([1, ignore_class, 1, ignore_class]), torch.rand(4, 3, dtype=FLOAT64)
    p[1], p[3, 0] = torch.nan, torch.inf
    expected = losses.SparseCategoricalCrossentropy(from_logits)(ids[::2], p[::2])
    assert_close(loss(ids, p), expected)
    assert_close(loss(ids.unsqueeze(-1), p, sample_weight=[1.0, 9.0, 1.0, 9.0]), expected)
    assert gradient(loss, ids, p)[1::2].eq(0).all()
    assert_close(loss(torch.full((4,), ignore_class), p), f64(0.0))
    assert loss(ids, p, mask=[True, True, False, False]) == losses.sparse_categorical_crossentropy(
        ids[:1], p[:1], from_logits
    )


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label", [3, -1, -100])
def test_refuses_a_class_that_is_not_there(from_logits: bool, label: int) -> None:
    # -100 is what F.cross_entropy passes over by default.
    for reduction in ("mean", "none"):
        loss = losses.SparseCategoricalCrossentropy(from_logits, reduction=reduction)
        with pytest.raises(ValueError, match=r"y_true holds a class that y_pred of shape \(2, 3\).* doesn't have"):
            loss([0, label], torch.ones(2, 3))


@pytest.mark.parametrize("shapes", [((4,), (5, 3)), ((5, 3), (5, 3)), ((5, 2), (5, 3)), ((5, 1), (5, 2, 3))])
def test_sparse_crossentropy_refuses_other_shapes(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    true, pred = shapes
    with pytest.raises(ValueError, match=r"y_true of shape .* must have the shape of y_pred, .* without axis"):
        losses.SparseCategoricalCrossentropy()(torch.zeros(true, dtype=torch.long), torch.ones(pred))


def test_sparse_crossentropy_refuses_an_axis_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"axis=2 is not an axis of the shape \(5, 3\)"):
        losses.SparseCategoricalCrossentropy(axis=2)(torch.zeros(5), torch.ones(5, 3))


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "CategoricalFocalCrossentropy"])
def test_refuses_a_bool_for_an_axis(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: axis=True is not an int"):
        getattr(losses, name)(axis=True)


def test_generalized_crossentropy_of_unknown_classes() -> None:
    p = f64([[0.25, 0.75]] * 4)
    values = losses.categorical_generalized_cross_entropy(torch.tensor([0, 1, 2, -1]), p, 0.5)
    assert_close(values, f64([(1 - 0.5) / 0.5, (1 - math.sqrt(0.75)) / 0.5, 2.0, 2.0]))


def test_generalized_crossentropy_refuses() -> None:
    for q in (0, 1, -0.5):
        with pytest.raises(ValueError, match=rf"CategoricalGeneralizedCrossEntropy: q={q} is not between 0 and 1"):
            losses.CategoricalGeneralizedCrossEntropy(q)
    with pytest.raises(ValueError, match=r"y_true of shape \(4, 1\) must have the shape of y_pred, \(4, 2\), without"):
        losses.CategoricalGeneralizedCrossEntropy()(torch.zeros(4, 1), torch.ones(4, 2))


def test_generalized_crossentropy_is_that_of_a_product_with_one_hot_rows() -> None:
    def product(ids: Tensor, y_pred: Tensor, q: float) -> Tensor:
        p = (y_pred * (ids.unsqueeze(-1) == torch.arange(4))).sum(-1)
        return (1 - p**q) / q

    inf, nan = torch.inf, torch.nan
    ids = torch.tensor([0, 3, 1, 2, 4, -1, 1])
    predictions = f64(
        [
            *([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.3, 0.0], [nan, 0.5, 0.2, 0.3], [0.1, 0.2, inf, 0.4]),
            *([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], [inf, 0.5, 0.2, 0.3]),
        ]
    )
    generalized = losses.categorical_generalized_cross_entropy
    assert_close(generalized(ids, predictions, 0.5), product(ids, predictions, 0.5), equal_nan=True)
    expected = gradient(product, ids, predictions, q=0.5)
    assert_close(gradient(generalized, ids, predictions, q=0.5), expected, equal_nan=True)
    with torch.no_grad():
        assert_close(generalized(ids, predictions, 0.5), product(ids, predictions, 0.5), equal_nan=True)
    assert torch.autograd.gradgradcheck(lambda p: generalized(ids[:1], p, 0.5), (predictions[:1].requires_grad_(),))


def test_gradients_of_logits_are_the_same_alone_batched_and_differentiable() -> None:
    labels, logits = f64([[0.2, 0.5, 0.9], [1.0, 0.0, 0.0]]), torch.randn(2, 3, dtype=FLOAT64, requires_grad=True)
    values = losses.categorical_crossentropy(labels, logits, from_logits=True)
    expected = logits.detach().softmax(-1) - labels
    kept = {"retain_graph": True}
    assert_close(torch.autograd.grad(values.sum(), logits, **kept)[0], expected)
    assert_close(torch.autograd.grad(values.sum(), logits, create_graph=True)[0].detach(), expected)
    rows = torch.autograd.grad(values, logits, torch.eye(2, dtype=FLOAT64), is_grads_batched=True)[0]
    assert_close(rows, torch.eye(2, dtype=FLOAT64).unsqueeze(-1) * expected)


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, 0.0, -1.0, 1e-42])
def test_only_what_indexing_alone_gives_is_picked_by_it(odd: float) -> None:
    ids, plain = torch.tensor([2, 0]), torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]], requires_grad=True)
    picked = _plainly_picked(ids, plain)
    assert picked is not None
    torch.testing.assert_close(picked, torch.tensor([0.5, 0.1]))
    other = plain.detach().clone()
    other[1, 0] = odd
    assert _plainly_picked(ids, other.requires_grad_()) is None
    assert _plainly_picked(ids + 1, plain) is None
    assert _plainly_picked(ids - 1, plain) is None


def test_torch_s_cross_entropy_takes_fixed_distributions_alone() -> None:
    logits, labels = torch.randn(3, 4, requires_grad=True), torch.rand(3, 4).softmax(-1)
    assert _are_distributions(labels, logits)
    assert not _are_distributions(labels * 1.001, logits)
    assert not _are_distributions(labels.clone().requires_grad_(), logits)
    assert not _are_distributions(labels * torch.nan, logits)
