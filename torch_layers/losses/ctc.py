"""Connectionist temporal classification: label sequences against frames that nobody aligned."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers.eager import is_readable
from torch_layers.losses.base import _MatchedLoss
from torch_layers.losses.tensors import Array, tensors
from torch_layers.registry import losses

# TensorFlow's log of zero, with which a path may start or end where it should not. F.ctc_loss has -inf there, so that
# one target longer than its frames makes the loss infinite and every gradient NaN; nor does it compile.
_LOG_ZERO = math.log(1e-307)

# Dtypes of labels that its kernel takes.
_IDS_OF_TORCH = (torch.int32, torch.int64)
# Below it, the paths that only TensorFlow knows, of probability 1e-307 at most, change no digit.
_LARGEST_OF_TORCH = 600.0


def _by_torch(labels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor | None] | None:
    """Return what `_forward_backward` does, by torch's kernel; None if any target is one where TensorFlow differs:
    labels that are no class, a label 0 inside a target, one that does not fit its frames or is all but impossible."""
    if not (is_readable(logits) and labels.numel() and logits.numel()):
        return None
    low, high = (extreme.item() for extreme in labels.aminmax())
    if low < 0 or high >= logits.shape[-1]:
        return None
    frames, lengths = ([size] * len(logits) for size in (logits.shape[1], labels.shape[1]))
    if not low:
        is_label = labels != 0
        if (is_label[:, 1:] > is_label[:, :-1]).any():
            return None
        lengths = is_label.sum(-1).tolist()
    # In float32 its loss is exact, but its gradient adds up the rounding of all frames.
    wide = logits.double() if torch.is_grad_enabled() else logits
    log_probs = wide.log_softmax(-1).transpose(0, 1)
    loss, alpha = torch._ctc_loss(log_probs, labels, frames, lengths)
    if not all(value < _LARGEST_OF_TORCH for value in loss.tolist()):
        return None
    if not torch.is_grad_enabled():
        return loss, None
    ones = torch.ones_like(loss)
    gradient = torch.ops.aten._ctc_loss_backward(ones, log_probs, labels, frames, lengths, loss, alpha, 0)
    return loss.to(logits.dtype), gradient.transpose(0, 1).to(logits.dtype)


def _forward_backward(labels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the loss of each sample and its gradient by the logits; None where no gradients are recorded.

    The states are blank, label 1, blank, label 2, ..., blank. From each frame to the next a path stays, goes one state
    on, or skips the blank between two different labels.
    """
    states = _between_blanks(labels)
    # As in TensorFlow, a label that is no class matches any frame.
    known = (states >= 0) & (states < logits.shape[-1])
    index = (states * known).unsqueeze(1).expand(-1, logits.shape[1], -1)
    log_probs = logits.log_softmax(-1)
    emissions = log_probs.gather(-1, index).where(known.unsqueeze(1), 0.0).unbind(1)
    # No label equals what comes in before the first one.
    differs = (labels != _shift(labels, 1, -(2.0**62))).long()
    skips = _log(_between_blanks(differs) == 1, -torch.inf, logits)
    position = torch.arange(1, states.shape[1] + 1, device=logits.device) // 2

    after = _log(position == (labels != 0).sum(-1, keepdim=True), _LOG_ZERO, logits)
    futures, shifts = [], []
    for emission in reversed(emissions):
        futures.append(after)
        now = after + emission
        after, shift = _merge(now, _shift(now, -1), _shift(now + skips, -2))
        shifts.append(shift)
    # The ways on from the start, before the first frame, are those from the first blank.
    loss = -(after.select(1, 0) + torch.cat(shifts, -1).sum(-1))
    if not torch.is_grad_enabled():
        return loss, None

    # The start itself comes in from the left, once. TensorFlow's gradient also knows paths that start elsewhere.
    now, left, paths = torch.full_like(after, _LOG_ZERO), 0.0, []
    for emission, future in zip(emissions, reversed(futures), strict=True):
        merged, _ = _merge(now, _shift(now, 1, left), _shift(now, 2, left) + skips)
        now, left = merged + emission, -torch.inf
        paths.append(now + future)
    # Nor does it count a label 0 inside a target as the blank that it is.
    counted = known & ((states != 0) | _between_blanks(torch.ones_like(labels)).eq(0))
    posterior = torch.stack(paths, 1).softmax(-1) * counted.unsqueeze(1)
    return loss, log_probs.exp() - torch.zeros_like(logits).scatter_add(-1, index, posterior)


def _between_blanks(labels: Tensor) -> Tensor:
    """Put a zero before each label and one at the end: (batch, n) -> (batch, 2 n + 1)."""
    return F.pad(torch.stack((torch.zeros_like(labels), labels), -1).flatten(1), (0, 1))


def _log(condition: Tensor, zero: float, like: Tensor) -> Tensor:
    return like.new_zeros(()).where(condition, zero)


def _shift(states: Tensor, by: int, fill: float = -torch.inf) -> Tensor:
    """Move every state by so many places to the right."""
    return F.pad(states, (by, -by), value=fill)


def _merge(stay: Tensor, step: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log of the sum of the three ways, less its maximum, which keeps float32 exact over many frames."""
    merged = torch.logaddexp(torch.logaddexp(stay, step), skip)
    shift = merged.amax(-1, keepdim=True)
    return merged - shift, shift


@losses.add
def ctc(y_true: Array, y_pred: Array) -> Tensor:
    """Return -log of the probability of all alignments of `y_true` with the frames of `y_pred`, which are logits.

    Class 0 is the blank and pads the targets: the length of a target is its number of other labels. All frames count.
    Half precision is computed, and returned, in float32; a second derivative is 0, as in TensorFlow. A target that
    doesn't fit its frames costs about 707, and hardly any costs more, as TensorFlow takes log(1e-307) for log(0).
    Compiled, each frame is a part of the graph.

    Shape: (batch, max_length) class ids and (batch, frames, classes) -> (batch,). Raises: ValueError for other ranks.
    Source: keras.losses.ctc, Keras 3.15.
    """
    y_true, y_pred = tensors(y_true, y_pred, class_ids=True)
    if y_true.ndim != 2 or y_pred.ndim != 3 or y_true.shape[0] != y_pred.shape[0]:
        raise ValueError(
            f"ctc: y_true of shape {tuple(y_true.shape)} must be (batch, max_length) and y_pred of shape "
            f"{tuple(y_pred.shape)} must be (batch, frames, classes)"
        )
    logits = y_pred.float() if y_pred.itemsize < 4 else y_pred
    if y_true.shape[1] == 0:
        y_true = y_true.new_zeros(y_true.shape[0], 1)
    labels, fixed = y_true if y_true.dtype in _IDS_OF_TORCH else y_true.long(), logits.detach()
    values, gradient = _by_torch(labels, fixed) or _forward_backward(labels.long(), fixed)
    if gradient is None:
        return values
    # Adds nothing but the gradient.
    return values + ((logits - fixed) * gradient).sum((1, 2))


class CTC(_MatchedLoss):
    """-log of the probability of all alignments of the targets with the frames; see `ctc`.

    Shape: (batch, max_length) class ids padded with 0 and (batch, frames, classes) logits, class 0 being the blank.
    Raises: ValueError for other ranks. Source: keras.losses.CTC, Keras 3.15.
    """

    class_ids: ClassVar[bool] = True

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ctc(y_true, y_pred)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.call(y_true, y_pred).mean()
