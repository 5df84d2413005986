"""CTC against torch's where targets fit, and TensorFlow's way out where they don't."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from torch_layers import losses
from torch_layers.losses.ctc import _by_torch, _forward_backward

FLOAT64 = torch.float64


def gradient(function: Any, y_true: Tensor, y_pred: Tensor, **kwargs: Any) -> Tensor:
    y_pred = y_pred.detach().clone().requires_grad_()
    return torch.autograd.grad(function(y_true, y_pred, **kwargs).sum(), y_pred)[0]


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


def test_torch_s_kernel_and_ours_agree_and_only_what_both_mean_alike_goes_to_torch_s() -> None:
    labels, logits = torch.tensor([[1, 2, 2, 3], [3, 1, 0, 0]]), torch.randn(2, 9, 4, dtype=FLOAT64)
    by_torch, by_us = _by_torch(labels, logits), _forward_backward(labels, logits)
    assert by_torch is not None
    for theirs, ours in zip(by_torch, by_us, strict=True):
        assert_close(theirs, ours, rtol=1e-10, atol=1e-12)
    for odd in ([[1, 0, 2, 0], [3, 1, 0, 0]], [[4, 1, 0, 0]] * 2, [[-1, 1, 0, 0]] * 2, [[1, 1, 1, 1]] * 2):
        assert _by_torch(torch.tensor(odd), logits[:, :5]) is None
    assert _by_torch(labels, 500 * logits) is None
    assert _by_torch(labels, logits * torch.nan) is None


def test_targets_of_any_length_have_an_exact_gradient_in_float32() -> None:
    labels, logits = torch.randint(1, 9, (4, 20)), 2 * torch.randn(4, 120, 10)
    for row, length in enumerate((20, 7, 1, 0)):
        labels[row, length:] = 0
    by_torch, exact = _by_torch(labels, logits), _forward_backward(labels, logits.double())
    assert by_torch is not None
    assert exact[1] is not None
    assert_close(by_torch[0].double(), exact[0], rtol=3e-7, atol=0)
    assert_close(by_torch[1].double(), exact[1], rtol=0, atol=1e-7)


@pytest.mark.parametrize("shapes", [((2,), (2, 3, 4)), ((2, 2), (2, 3)), ((3, 2), (2, 3, 4))])
def test_ctc_refuses_other_shapes(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    true, pred = shapes
    with pytest.raises(ValueError, match=r"ctc: y_true of shape .* must be \(batch, max_length\) and y_pred of shape"):
        losses.CTC()(torch.zeros(true, dtype=torch.long), torch.zeros(pred))
