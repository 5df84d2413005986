"""By hand: core, activation, merging and reshaping layers, and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.layers.weights import Layout

EPSILON = 1e-7

Inputs = Sequence[Tensor]


def _parameter(pattern: str, keras_weight: Tensor) -> nn.Parameter:
    return nn.Parameter(Layout(pattern).to_torch(keras_weight).contiguous())


class _Linear(nn.Module):
    """Holds an nn.Linear."""

    layouts: ClassVar[Sequence[str]] = ("i o -> o i", "o -> o")

    def __init__(self, kernel: Tensor, bias: Tensor) -> None:
        super().__init__()
        weight, bias = (_parameter(p, w) for p, w in zip(self.layouts, (kernel, bias), strict=True))
        self.linear = nn.Linear(weight.shape[1], weight.shape[0])
        self.linear.weight, self.linear.bias = weight, bias


class Linear(_Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)  # type: ignore[no-any-return]


class LinearReLU(_Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.linear(x))


class Heads(_Linear):
    """A projection to several heads: one nn.Linear, its output cut."""

    layouts: ClassVar[Sequence[str]] = ("i h o -> (h o) i", "h o -> (h o)")

    def __init__(self, kernel: Tensor, bias: Tensor) -> None:
        super().__init__(kernel, bias)
        self.heads = tuple(bias.shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(-1, self.heads)  # type: ignore[no-any-return]


class Embedding(nn.Module):
    layouts: ClassVar[Sequence[str]] = ("i o -> i o",)

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.embedding = nn.Embedding(*embeddings.shape)
        self.embedding.weight = _parameter(self.layouts[0], embeddings)

    def forward(self, x: Tensor) -> Tensor:
        return self.embedding(x)  # type: ignore[no-any-return]


class TiedLogits(Embedding):
    """The way back of tied embeddings, as language models write it."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.embedding.weight)


class PReLU(nn.Module):
    layouts: ClassVar[Sequence[str]] = ("o -> o",)

    def __init__(self, alpha: Tensor) -> None:
        super().__init__()
        self.weight = _parameter(self.layouts[0], alpha)

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)


# --- merging, reshaping -----------------------------------------------------------------------------------------------


class Add(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return a + b


class Subtract(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return a - b


class Multiply(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return a * b


class Average(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return (a + b) / 2


class Maximum(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return torch.maximum(a, b)


class Minimum(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return torch.minimum(a, b)


class Concatenate(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        return torch.cat(inputs, -1)  # type: ignore[arg-type]


class Dot(nn.Module):
    def forward(self, inputs: Inputs) -> Tensor:
        a, b = inputs
        return torch.bmm(a, b.transpose(1, 2))


class Reshape(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], -1, 8)


class Permute(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class RepeatVector(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1).expand(-1, 16, -1)


class Masking(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * (x != 0).any(-1, keepdim=True)


# --- losses: y_true, y_pred -> one number -----------------------------------------------------------------------------


def _probabilities(y_pred: Tensor) -> Tensor:
    return (y_pred / y_pred.sum(-1, keepdim=True)).clamp(EPSILON, 1 - EPSILON)


class MeanSquaredError(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.mse_loss(y_pred, y_true)


class MeanAbsoluteError(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.l1_loss(y_pred, y_true)


class MeanAbsolutePercentageError(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 100 * ((y_true - y_pred).abs() / y_true.abs().clamp(min=EPSILON)).mean()


class MeanSquaredLogarithmicError(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.mse_loss(y_pred.clamp(min=EPSILON).log1p(), y_true.clamp(min=EPSILON).log1p())


class Huber(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.huber_loss(y_pred, y_true)


class LogCosh(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = y_pred - y_true
        return (error + F.softplus(-2 * error)).mean() - 0.6931471805599453


class CosineSimilarity(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return -F.cosine_similarity(y_true, y_pred, dim=-1).mean()


class KLDivergence(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y_true, y_pred = y_true.clamp(EPSILON, 1), y_pred.clamp(EPSILON, 1)
        return (y_true * (y_true / y_pred).log()).sum(-1).mean()


class Poisson(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.poisson_nll_loss(y_pred, y_true, log_input=False, eps=EPSILON)


def _signs(y_true: Tensor) -> Tensor:
    """Return labels of -1 and 1; those that are 0 and 1 throughout are made so, as in Keras."""
    if ((y_true == 0) | (y_true == 1)).all():
        return 2 * y_true - 1
    return y_true


class Hinge(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return (1 - _signs(y_true) * y_pred).clamp(min=0).mean()


class SquaredHinge(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return (1 - _signs(y_true) * y_pred).clamp(min=0).square().mean()


class CategoricalHinge(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        right = (y_true * y_pred).sum(-1)
        wrong = ((1 - y_true) * y_pred).amax(-1)
        return F.relu(wrong - right + 1).mean()


class BinaryCrossentropy(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(y_pred, y_true)


class BinaryFocalCrossentropy(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        p = y_pred.sigmoid()
        missed = p + y_true - 2 * p * y_true
        return (missed**2 * F.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none")).mean()


class CategoricalCrossentropy(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return -(y_true * _probabilities(y_pred).log()).sum(-1).mean()


class LogitsCrossentropy(nn.Module):
    """For one-hot targets; F.cross_entropy takes class ids too."""

    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return F.cross_entropy(y_pred, y_true)


class CategoricalFocalCrossentropy(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        p = _probabilities(y_pred)
        return -(0.25 * (1 - p) ** 2 * y_true * p.log()).sum(-1).mean()


class CategoricalGeneralizedCrossEntropy(nn.Module):
    """The prediction of the class plus 0 times those of the others, as which NaN anywhere shows in Keras's sum."""

    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        p = y_pred.gather(-1, y_true.unsqueeze(-1)).squeeze(-1) + 0 * y_pred.sum(-1)
        return ((1 - p**0.5) / 0.5).mean()


class CTC(nn.Module):
    """F.ctc_loss, whose inputs have the frames first and log probabilities."""

    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        batch, frames, _ = y_pred.shape
        log_probabilities = y_pred.log_softmax(-1).transpose(0, 1)
        lengths = (y_true != 0).sum(-1)
        of_frames = torch.full((batch,), frames, device=y_pred.device)
        return F.ctc_loss(log_probabilities, y_true, of_frames, lengths, reduction="none").mean()


class Dice(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 1 - 2 * (y_true * y_pred).sum() / (y_true.sum() + y_pred.sum() + EPSILON)


class Tversky(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        shared = (y_true * y_pred).sum()
        missed, invented = (y_true * (1 - y_pred)).sum(), ((1 - y_true) * y_pred).sum()
        return 1 - shared / (shared + 0.5 * missed + 0.5 * invented + EPSILON)


class Circle(nn.Module):
    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        distance = (1 - y_pred @ y_pred.T).clamp(min=0)
        same = y_true.unsqueeze(1) == y_true.unsqueeze(0)
        itself = torch.eye(len(y_true), dtype=torch.bool, device=y_pred.device)
        positive = (-80 * (distance + 0.4) * (0.4 - distance)).masked_fill(~same | itself, -torch.inf)
        negative = (80 * (1.4 - distance).clamp(min=0) * (0.6 - distance)).masked_fill(same, -torch.inf)
        losses = F.softplus(positive.logsumexp(1) + negative.logsumexp(1))
        counted = losses > 0
        return (losses * counted).sum() / counted.sum().clamp(min=1)
