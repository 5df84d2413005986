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


# Cross-entropies


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


# Sequences


def _torch_ctc(labels: Tensor, logits: Tensor) -> Tensor:
    frames = torch.full((len(logits),), logits.shape[1])
    log_probs = logits.log_softmax(-1).transpose(0, 1)
    return F.ctc_loss(log_probs, labels, frames, (labels != 0).sum(-1), reduction="none")


@pytest.mark.parametrize("labels", [[[1, 2, 3, 0], [2, 2, 1, 1]], [[0, 0], [3, 0]], [[1], [2]]])
def test_ctc_of_targets_that_fit(labels: list[list[int]]) -> None:
    y_true, logits = torch.tensor(labels), 3 * torch.randn(2, 9, 4, dtype=FLOAT64)
    assert_close(losses.ctc(y_true, logits), _torch_ctc(y_true, logits), rtol=1e-12, atol=0)
    expected = gradient(_torch_ctc, y_true, logits)
    assert_close(gradient(losses.ctc, y_true, logits), expected, rtol=1e-10, atol=1e-12)
    assert_close(losses.CTC()(y_true, logits), _torch_ctc(y_true, logits).mean())


def test_ctc_without_labels_is_all_blank() -> None:
    logits = torch.randn(2, 5, 3, dtype=FLOAT64)
    expected = -logits.log_softmax(-1)[..., 0].sum(-1)
    assert_close(losses.ctc(torch.zeros(2, 0, dtype=torch.long), logits), expected)


def test_ctc_of_a_target_that_does_not_fit_is_finite() -> None:
    # Two equal labels need a blank between: F.ctc_loss gives inf and NaN.
    labels, logits = torch.tensor([[1, 1, 1], [1, 2, 0]]), torch.zeros(2, 3, 3)
    # What is left are the paths that TensorFlow lets end early, and 1e-307 of them.
    early = sum(_paths([1] * n) for n in range(3))
    expected = -math.log(1e-307) - math.log(early / 27)
    assert_close(losses.ctc(labels, logits)[0], torch.tensor(expected, dtype=torch.float32))
    assert gradient(losses.ctc, labels, logits).isfinite().all()


def _paths(labels: list[int], frames: int = 3, classes: int = 3) -> int:
    """Count the label sequences of so many frames that mean `labels`."""
    found = 0
    for code in range(classes**frames):
        path = [code // classes**i % classes for i in range(frames)]
        runs = [c for i, c in enumerate(path) if c and (i == 0 or path[i - 1] != c)]
        found += runs == labels
    return found


def test_ctc_stays_exact_over_many_frames() -> None:
    labels, logits = torch.randint(1, 20, (2, 40)), 3 * torch.randn(2, 300, 20)
    exact = losses.ctc(labels, logits.double())
    assert_close(losses.ctc(labels, logits).double(), exact, rtol=1e-6, atol=0)
    expected = gradient(losses.ctc, labels, logits.double())
    assert_close(gradient(losses.ctc, labels, logits).double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("shapes", [((2,), (2, 3, 4)), ((2, 2), (2, 3)), ((3, 2), (2, 3, 4))])
def test_ctc_refuses_other_shapes(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    true, pred = shapes
    with pytest.raises(ValueError, match=r"ctc: y_true of shape .* must be \(batch, max_length\) and y_pred of shape"):
        losses.CTC()(torch.zeros(true, dtype=torch.long), torch.zeros(pred))
