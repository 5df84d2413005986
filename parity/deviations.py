"""Where torch_layers and Keras really differ: each with its reason and its measured size. Must be exact.

A case whose differences no row covers is different. A row that covers nothing, or that selects a case which is equal after
all, fails the run too: the table never holds more than what is true. Only rows that say so hold on some processors alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.case import Case
from parity.judge import Check

# The sides that the table is about; other pairs are judged without it.
REFERENCE, IMPLEMENTATION = "keras", "torch_layers"


@dataclass(frozen=True)
class Deviation:
    """A difference that stays: in which cases (of `names`, with all of `case` in their id), gate and values, and why.

    `gate` is how the check's gate begins, `what` a part of its value's name. `measured` is the largest error that was
    seen, or the number of elements where NaN or infinity stands on one side alone; more is a new difference.
    `on_some_processors` is for the rounding of a kernel that has another form for other vector units: where the cases
    are equal, nothing is wrong with the row.
    """

    names: tuple[str, ...]
    case: tuple[str, ...]
    gate: str
    what: str
    measured: float
    reason: str
    on_some_processors: bool = False

    def selects(self, case: Case) -> bool:
        """Tell whether this row is about a case."""
        named = case.name in self.names and case.kind != "file"
        return named and all(part in case.id for part in self.case)

    def covers(self, case: Case, check: Check) -> bool:
        """Tell whether this row is about a failed check of a case, and large enough for it."""
        about = self.selects(case) and check.gate.startswith(self.gate) and self.what in check.what
        return about and check.error <= self.measured


_FUSED = "torch's fused attention rounds exponentials, and so small gradients, more than TensorFlow's single steps do"

DEVIATIONS: Sequence[Deviation] = (
    Deviation(
        names=("celu",),
        case=("(((0.0, -0.0",),
        gate="",
        what="gradient of input 0",
        measured=2.26,
        reason="Keras adds the slopes of both sides at exactly 0 and gives 2; celu is smooth there, with slope 1",
    ),
    Deviation(
        names=("selu",),
        case=("(((1e-30",),
        gate="semantics of gradients",
        what="gradient of input 0",
        measured=0.416,
        reason="TensorFlow computes exp(x) - 1, which is 0 for a tiny negative x, and takes x for a positive one",
    ),
    Deviation(
        names=("MeanAbsoluteError", "mean_absolute_error", "Huber", "huber"),
        case=("(((inf,), (1.0,), (-inf,)",),
        gate="structure",
        what="gradient of input",
        measured=3,
        reason="TensorFlow's gradient of |x| is NaN at NaN, torch's 0; the loss itself is NaN on both sides",
    ),
    Deviation(
        names=("MeanAbsolutePercentageError", "mean_absolute_percentage_error"),
        case=("(((inf,), (1.0,), (-inf,)",),
        gate="structure",
        what="gradient of input 1",
        measured=3,
        reason="TensorFlow's gradient of |x| is NaN at NaN, torch's 0; the loss itself is NaN on both sides",
    ),
    Deviation(
        names=("BinaryFocalCrossentropy", "binary_focal_crossentropy"),
        case=("gamma=0.0", "(((1.0, 1.0, 1.0, 1.0)"),
        gate="structure",
        what="gradient of input",
        measured=4,
        reason="TensorFlow differentiates 0 to the power 0 as 0 times infinity, NaN; torch as 0",
    ),
    Deviation(
        names=("KLDivergence", "kl_divergence"),
        case=("(((0.0, 1.0, 0.5, 0.0, 0.5)", " float16"),
        gate="structure",
        what="",
        measured=5,
        reason="Keras's epsilon of 1e-7 and its quotients leave float16's range: infinities and NaN where ours stays finite",
    ),
    Deviation(
        names=("Poisson", "poisson"),
        case=("(((0.0, 2.0, 0.0, 1.0),), ((0.0, 0.0", " float16"),
        gate="structure",
        what="gradient of input 1",
        measured=1,
        reason="the quotient 0 / epsilon of Keras's gradient is NaN in float16, where epsilon is nearly 0",
    ),
    Deviation(
        names=("CosineSimilarity", "cosine_similarity"),
        case=("(((0.0, 0.0), (0.0003, 0.0)", " float16"),
        gate="structure",
        what="",
        measured=2,
        reason="Keras squares its epsilon, which is 0 in float16: a vector of zeros gives NaN, ours 0",
    ),
    Deviation(
        names=("BatchNormalization",),
        case=("() (0x3) training",),
        gate="structure",
        what="",
        measured=3,
        reason="an empty batch turns Keras's moving statistics, and gamma's gradient, into NaN; here it moves nothing",
    ),
    Deviation(
        names=("BatchNormalization",),
        case=("(axis=1) (5x3 int32",),
        gate="semantics",
        what="",
        measured=1e-6,
        reason="Keras computes integers in float32, in float64 models too",
    ),
    Deviation(
        names=("Conv2D",),
        case=("(filters=4, kernel_size=2, data_format='channels_first') (2x3x6x5)",),
        gate="",
        what="",
        measured=20.0,
        reason="Keras on TensorFlow adds the bias of channels_first images along the width, if that is as long as filters",
    ),
    Deviation(
        names=("MultiHeadAttention",),
        case=("(num_heads=3, key_dim=4, dropout=0.3) (2x5x7*0.5, 2x4x8*0.5) masks=(2x5 mask, 2x4 mask) float32",),
        gate="accuracy of gradients",
        what="gradient",
        measured=8e-07,
        reason=_FUSED,
        on_some_processors=True,
    ),
    Deviation(
        names=("MultiHeadAttention",),
        case=("sliding_window=2, dropout=0.3) (2x5x7*0.5, 2x4x8*0.5) use_causal_mask=True masks=(2x5 mask, 2x4 mask)",),
        gate="accuracy of gradients",
        what="gradient",
        measured=7e-07,
        reason=_FUSED,
        on_some_processors=True,
    ),
    Deviation(
        names=("MultiHeadAttention",),
        case=("(num_heads=3, key_dim=4) (2x5x7*4, 2x4x7*4) float32",),
        gate="accuracy of gradients",
        what="gradient",
        measured=6e-05,
        reason=_FUSED,
    ),
    Deviation(
        names=("GroupQueryAttention",),
        case=("(head_dim=5, num_query_heads=6, num_key_value_heads=2) (2x5x7*4, 2x4x7*4) float32",),
        gate="accuracy of gradients",
        what="gradient",
        measured=0.0023,
        reason=_FUSED,
        on_some_processors=True,
    ),
    Deviation(
        names=("MultiHeadAttention",),
        case=("(num_heads=3, key_dim=4, output_shape=6) (2x5x7*0.5, 2x4x8*0.5) float32",),
        gate="accuracy of gradients",
        what="gradient",
        measured=2e-06,
        reason=_FUSED,
        on_some_processors=True,
    ),
    Deviation(
        names=("GroupQueryAttention",),
        case=("sliding_window=2, dropout=0.3) (2x5x7*0.5, 2x4x8*0.5) use_causal_mask=True masks=(2x5 mask, 2x4 mask)",),
        gate="accuracy of gradients",
        what="gradient",
        measured=1.1e-06,
        reason=_FUSED,
        on_some_processors=True,
    ),
    Deviation(
        names=("Attention",),
        case=("(use_scale=True) ([2x5x7, 2x4x7]) use_causal_mask=True masks=([2x5 mask, None])",),
        gate="accuracy of gradients",
        what="gradient",
        measured=1.3e-06,
        reason=_FUSED,
        on_some_processors=True,
    ),
)
