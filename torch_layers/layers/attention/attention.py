"""Attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers.layers.arguments import one_of
from torch_layers.layers.attention.dot_product import band
from torch_layers.layers.base import Layer, _shapes
from torch_layers.layers.regularization.dropout import Dropout
from torch_layers.tanh import tanh

Shape = Sequence["int | None"]


class Attention(Layer):
    """y = softmax(scores) @ value of a list [query, value] or [query, value, key]; the key is the value if it is missing.

    scores = scale * query @ key.T, or concat_score_weight * sum(tanh(scale * (query + key))) over the features if
    `score_mode` is "concat"; the learned `scale` is there if `use_scale`. `mask` is a list [query mask, value mask]: where
    that of the value is False, and with `use_causal_mask` after the query's own step, scores lose 1e9 (in float16,
    65504); where that of the query is False, y is 0. Dropout acts on the softmax, also on the scores that are returned.

    Shape: [(batch, steps, features), (batch, other steps, *), (batch, other steps, features)] -> (batch, steps, *);
    scores (batch, steps, other steps); `scale` and `concat_score_weight` are scalars.
    Raises: ValueError for an unknown `score_mode`, a `dropout` that is not from 0 to 1; if `inputs` or `mask` is not a
    list of two or three, or if query, value and key don't fit each other.
    Source: keras.layers.Attention, Keras 3.15.
    """

    supports_masking = True
    takes_integers = False
    # Whether scores are products, which a kernel computes together with all that follows, unless they are `concat`.
    _fuses: ClassVar[bool] = True
    scale: Tensor | None
    concat_score_weight: Tensor | None

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_scale, self.score_mode = use_scale, one_of(self, "score_mode", score_mode, ("dot", "concat"))
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(f"{type(self).__name__}: dropout={dropout!r} is not a number from 0 to 1")
        self.dropout, self.seed = dropout, seed
        self._drop = Dropout(dropout, seed=seed, dtype=self.dtype_policy) if dropout else None
        self._declare()

    def _declare(self) -> None:
        for name, wanted in (("scale", self.use_scale), ("concat_score_weight", self.score_mode == "concat")):
            if wanted:
                self.add_weight(name, initializer="ones")
            else:
                setattr(self, name, None)

    def build(self, input_shape: Any) -> None:
        self.create_weights(**dict.fromkeys(self._specs, ()))

    def __call__(self, inputs: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        if self._direct and type(inputs) is list and len(inputs) == 2 and not args:
            dtype = self.compute_dtype
            for x in inputs:
                if type(x) is not Tensor or x.dtype is not dtype:
                    break
            else:
                if "mask" not in kwargs:
                    try:
                        return nn.Module.__call__(self, inputs, **kwargs)
                    except (RuntimeError, IndexError) as error:
                        self.explain(error, inputs)
                        raise
        return self._call_with_care((inputs, *args), kwargs)

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        cls, inputs = type(self).__name__, args[0]
        if not isinstance(inputs, (list, tuple)) or not 1 < len(inputs) < 4:
            given = f"has {len(inputs)} items" if isinstance(inputs, (list, tuple)) else f"is a {type(inputs).__name__}"
            raise ValueError(f"{cls}: inputs {given}, not a list of [query, value] or [query, value, key]")
        super().prepare(args, kwargs)

    def check_input(self, shape: Any) -> None:
        """Raise ValueError in one sentence if query, value and key of these shapes don't fit each other."""
        cls = type(self).__name__
        query, value, key = (*shape, shape[1])[:3]
        listed = f"query {tuple(query)}, value {tuple(value)}, key {tuple(key)}"
        if min(map(len, (query, value, key))) < 2:
            raise ValueError(f"{cls}: {listed}: allowed are ranks of at least 2")
        if value[-2] is not None and key[-2] is not None and value[-2] != key[-2]:
            raise ValueError(f"{cls}: {listed}: value and key differ in axis -2, the steps")
        self.check_features(query[-1], key[-1], listed)
        for axis in range(3, min(map(len, (query, value, key))) + 1):
            for a, b in ((query[-axis], value[-axis]), (query[-axis], key[-axis]), (value[-axis], key[-axis])):
                if a is not None and b is not None and a != b and a != 1 and b != 1:
                    raise ValueError(f"{cls}: {listed} differ in axis {-axis}, where none is 1")

    def check_features(self, query: int | None, key: int | None, listed: str) -> None:
        """Raise ValueError if the last axes of query and key don't fit each other or the layer."""
        broadcasts = self.score_mode == "concat" and 1 in (query, key)
        if query is not None and key is not None and query != key and not broadcasts:
            raise ValueError(f"{type(self).__name__}: {listed}: query and key differ in the last axis, the features")

    def explain(self, error: Exception, *args: Any) -> None:
        shapes = _shapes(args[0])
        try:
            self.check_input(shapes)
        except ValueError as clear:
            raise clear from error

    def forward(
        self,
        inputs: Sequence[Tensor],
        mask: Sequence[Tensor | None] | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = self._checked_masks(mask)
        y: Tensor
        scores: Tensor | None = None
        # Not with a mask: where it hides all keys of a query, Keras computes with scores that 1e9 rounded.
        fuses = self._fuses and self.score_mode == "dot" and not (self.training and self.dropout)
        fuses = fuses and value_mask is None and not return_attention_scores
        if fuses and (use_causal_mask or not _goes_back_quicker(query, key)):
            y = self._attend_at_once(query, key, value, use_causal_mask)
        else:
            seen = None if value_mask is None else self._seen(query, key, value_mask, use_causal_mask)
            if use_causal_mask:
                causal = band(query.shape[-2], key.shape[-2], query.device, causal=True)
                seen = causal if seen is None else causal & seen
            y, scores = self._attend_stepwise(query, key, value, seen)
        if query_mask is not None:
            self._check_mask("query", query_mask, query_mask.shape, query.shape[:-1])
            y = y.masked_fill(~query_mask.to(torch.bool).unsqueeze(-1), 0)
        return (y, scores) if return_attention_scores else y

    def _seen(self, query: Tensor, key: Tensor, mask: Tensor, causal: bool) -> Tensor:
        """Return the mask of the value as one of the scores: of a sequence's steps, or as it is."""
        seen = mask.unsqueeze(-2) if mask.ndim in (1, 2) or causal else mask
        self._check_mask("value", mask, seen.shape, (*query.shape[:-1], key.shape[-2]))
        return seen.to(torch.bool)

    def _check_mask(self, name: str, mask: Tensor, shape: Sequence[int], full: Sequence[int]) -> None:
        sizes = zip(shape[::-1], full[::-1], strict=False)
        if len(shape) > len(full) or any(size != 1 and n != 1 and size != n for size, n in sizes):
            raise ValueError(
                f"{type(self).__name__}: the {name}'s mask has shape {tuple(mask.shape)}, which doesn't fit the {name}'s "
                "(batch, steps)"
            )

    def _checked_masks(self, mask: Any) -> tuple[Tensor | None, Tensor | None]:
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or not 1 < len(mask) < 4:
            given = f"has {len(mask)} items" if isinstance(mask, (list, tuple)) else f"is a {type(mask).__name__}"
            raise ValueError(f"{type(self).__name__}: mask {given}, not a list of [query mask, value mask]")
        return mask[0], mask[1]

    def _attend_stepwise(self, query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor]:
        scores = self.scores(query, key)
        if seen is not None:
            large = 65504.0 if scores.dtype is torch.float16 else 1e9
            scores = torch.where(seen, scores, scores - large)
        scores = scores.softmax(-1)
        if self._drop is not None:
            scores = self._drop(scores)
        return scores @ value, scores

    def _attend_at_once(self, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        if self.scale is not None:
            query = query * self.cast(self.scale)
        if query.ndim != 3:
            return F.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=1.0)
        # The fused kernel wants an axis of heads.
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=1.0).squeeze(1)

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """Return how much each query attends to each key, before masks and softmax."""
        scale = None if self.scale is None else self.cast(self.scale)
        if self.score_mode == "dot":
            return (query if scale is None else query * scale) @ key.transpose(-2, -1)
        total = query.unsqueeze(-2) + key.unsqueeze(-3)
        assert self.concat_score_weight is not None
        return self.cast(self.concat_score_weight) * tanh(total if scale is None else scale * total).sum(-1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the query."""
        return self._checked_masks(mask)[0]


def _goes_back_quicker(query: Tensor, key: Tensor) -> bool:
    """Tell whether the steps apart train quicker than the fused kernel, which computes all scores again on its way back.

    They do on the CPU, by a tenth, where a score is a sum of many products, and not so many scores must be kept.
    """
    return (
        not torch.compiler.is_compiling()  # which would fix the sizes
        and query.is_cpu
        and torch.is_grad_enabled()
        and (query.requires_grad or key.requires_grad)
        and query.shape[-1] >= 128
        and key.shape[-2] <= 4 * query.shape[-1]
    )
