"""The base of attention in heads: its projections, its masks, and how it is called with several tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torch_layers import constraints, initializers, regularizers
from torch_layers.layers.arguments import positive_int
from torch_layers.layers.attention.dot_product import attend, attend_stepwise, band
from torch_layers.layers.attention.projection import _Projection
from torch_layers.layers.base import Layer, _shapes
from torch_layers.layers.regularization.dropout import Dropout

Shape = Sequence["int | None"]
Sizes = Sequence[int]
_TENSORS = ("query", "value", "key")


class _HeadsAttention(Layer):
    """Projects query, key and value to heads, lets each head attend, and projects what they give to the output.

    Axes are attended together, as one, behind the axes that are not and the heads: (batch, *rest, heads, steps, size).
    """

    supports_masking = True
    takes_integers = False
    config_omits = frozenset({"flash_attention"})
    use_bias: bool
    use_gate: bool
    dropout: float
    flash_attention: bool | None
    sliding_window: int | None
    seed: int | None
    _scale: float
    # Axes of the inputs that are attended, once the layer is built.
    _attended: tuple[int, ...] = (1,)
    _rank: int

    def _set_common(self, given: dict[str, Any]) -> None:
        """Keep and check the arguments that these layers share."""
        cls = type(self).__name__
        rate, window = given["dropout"], given["sliding_window"]
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"{cls}: dropout={rate!r} is not a number from 0 to 1")
        self.dropout, self.use_bias, self.use_gate = rate, given["use_bias"], given["use_gate"]
        self.sliding_window = None if window is None else positive_int(self, "sliding_window", window)
        self.flash_attention, self.seed = given["flash_attention"], given["seed"]
        if self.flash_attention and rate > 0:
            raise ValueError(f"{cls}: dropout={rate!r} can't be combined with flash_attention=True")
        for prefix in ("kernel", "bias"):
            for kind, module in (
                ("initializer", initializers),
                ("regularizer", regularizers),
                ("constraint", constraints),
            ):
                setattr(self, f"{prefix}_{kind}", module.get(given[f"{prefix}_{kind}"]))
        self.activity_regularizer = regularizers.get(given["activity_regularizer"])

    def _make_projections(self, query: Sizes, key: Sizes, value: Sizes, output: Sizes = ()) -> None:
        """Make the layers inside, in the order of Keras's weights, for heads of these numbers and sizes.

        `output` is the shape behind the steps; empty for the features of the query.
        """
        common = {
            f"{prefix}_{kind}": getattr(self, f"{prefix}_{kind}")
            for prefix in ("kernel", "bias")
            for kind in ("initializer", "regularizer", "constraint")
        }
        common |= {
            "use_bias": self.use_bias,
            "activity_regularizer": self.activity_regularizer,
            "dtype": self.dtype_policy,
        }
        letters = "abcdefg"[: len(output) or 1]
        self.query = _Projection("d", "nh", query, name="query", **common)
        self.key = _Projection("d", "nh", key, name="key", **common)
        gated = (query[0], value[1])
        self.gate = _Projection("d", "nh", gated, True, name="gate", **common) if self.use_gate else None
        self.value = _Projection("d", "nh", value, name="value", **common)
        self.attention_output = _Projection("nh", letters, output, name="attention_output", **common)
        self._drop = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy) if self.dropout else None

    # --- called with several tensors -------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._direct and len(args) == 2 and self._rank == 3:
            query, value = args
            dtype = self.compute_dtype
            if (
                type(query) is Tensor
                and type(value) is Tensor
                and query.dtype is dtype
                and value.dtype is dtype
                # The kernel would broadcast it.
                and query.shape[0] == value.shape[0]
                and all(type(x) is bool or (type(x) is Tensor and x.dtype is torch.bool) for x in kwargs.values())
            ):
                try:
                    return nn.Module.__call__(self, query, value, **kwargs)
                except (RuntimeError, IndexError) as error:
                    self.explain(error, query, value)
                    raise
        return self._call_with_care(args, kwargs)

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = {
            **dict(zip(_TENSORS, args, strict=False)),
            **{name: kwargs.get(name) for name in _TENSORS[len(args) :]},
        }
        shapes = {f"{name}_shape": _shapes(x) for name, x in given.items() if x is not None}
        cls = type(self).__name__
        for name in _TENSORS[:2]:
            if shapes.get(f"{name}_shape") is None:
                raise ValueError(f"{cls}: {name} is a {type(given.get(name)).__name__}, not a tensor")
        self.check_shapes(**shapes)
        if not self.built:
            self._build_now(shapes)

    def explain(self, error: Exception, *args: Any) -> None:
        shapes = [_shapes(x) for x in args[:3]]
        if len(shapes) > 1 and all(isinstance(shape, tuple) for shape in shapes):
            try:
                self.check_shapes(*shapes)
            except ValueError as clear:
                raise clear from error

    def check_shapes(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Raise ValueError in one sentence if query, value and key of these shapes don't fit each other or the layer."""
        cls, key_shape = type(self).__name__, value_shape if key_shape is None else key_shape
        shapes = dict(zip(_TENSORS, map(tuple, (query_shape, value_shape, key_shape)), strict=True))
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        rank = len(query_shape)
        self.check_rank(rank, listed)
        if self.built and rank != self._rank:
            raise ValueError(f"{cls}: {listed} have rank {rank}, the layer was built for {self._rank}")
        if any(len(shape) != rank for shape in shapes.values()):
            raise ValueError(f"{cls}: {listed} differ in rank")
        attended = self.attended_axes(rank)
        for axis in range(rank - 1):
            if _differ(value_shape[axis], key_shape[axis]):
                raise ValueError(f"{cls}: {listed}: value and key differ in axis {axis}, not only in the last")
            if axis not in attended and _differ(query_shape[axis], value_shape[axis]):
                raise ValueError(f"{cls}: {listed}: query and value differ in axis {axis}, which is not attended")
        if self.built:
            for name, shape in shapes.items():
                size = getattr(self, name).weight.shape[-1]
                if _differ(shape[-1], size):
                    raise ValueError(f"{cls}: {listed}: the last axis of {name} is {shape[-1]}, built was {size}")

    def check_rank(self, rank: int, listed: str) -> None:
        """Raise ValueError if inputs may not have `rank`."""
        raise NotImplementedError

    def attended_axes(self, rank: int) -> tuple[int, ...]:
        """Return the axes that are attended in inputs of `rank`."""
        raise NotImplementedError

    def _set_axes(self, rank: int) -> None:
        attended = self.attended_axes(rank)
        rest = [axis for axis in range(rank) if axis not in attended]  # the heads come in the place of the features
        self._rank, self._attended = rank, attended
        self._order = (*rest, *attended, rank)
        self._back = tuple(self._order.index(axis) for axis in range(rank + 1))
        self._mask_order = (*rest[:-1], *attended)

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        """Give the weights sizes for inputs of these shapes; `key_shape` None is that of the value."""
        self.check_shapes(query_shape, value_shape, key_shape)
        self._set_axes(len(query_shape))
        self.query.build(query_shape)
        self.key.build(value_shape if key_shape is None else key_shape)
        if self.gate is not None:
            self.gate.build(query_shape)
        self.value.build(value_shape)
        if not self.attention_output.sizes:
            self.attention_output.sizes = (query_shape[-1],)
        self.attention_output.build((self.query.sizes[0], self.value.sizes[1]))

    # --- computing -------------------------------------------------------------------------------------------------

    def forward(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        if return_attention_scores and self.flash_attention:
            raise ValueError(
                f"{type(self).__name__}: return_attention_scores=True can't be combined with flash_attention=True"
            )
        gate = None if self.gate is None else self.gate(query)
        q = self._heads_first(self.query(query))
        k = self._heads_first(self.key(value if key is None else key))
        v = self._heads_first(self.value(value))
        sizes = [query.shape[axis] for axis in self._attended]
        mask, causal, window = None, use_causal_mask, self.sliding_window
        if self._attended[0] > 1 and len(sizes) == 1 and query.shape[1] == 1:
            # Keras counts the steps of axis 1, whichever is attended: a single one sees everything.
            causal, window = False, None
        if (
            query_mask is not None
            or value_mask is not None
            or key_mask is not None
            or attention_mask is not None
            or window is not None
            or (causal and len(sizes) > 1)
        ):
            others = [value.shape[axis] for axis in self._attended]
            masks = {"query": query_mask, "value": value_mask, "key": key_mask}
            mask, causal = self._mask(q, sizes, others, masks, attention_mask, causal, window), False
        y, scores = self._attend(q, k, v, mask, causal, return_attention_scores)
        if len(sizes) > 1:
            y = y.reshape(*y.shape[:-2], *sizes, y.shape[-1])
        y = y.permute(self._back)
        y = self.attention_output(y if gate is None else y * gate)
        if not return_attention_scores:
            return y
        assert scores is not None
        if len(sizes) > 1:
            others = [value.shape[axis] for axis in self._attended]
            scores = scores.reshape(*scores.shape[:-2], *sizes, *others)
        return y, scores

    def _heads_first(self, x: Tensor) -> Tensor:
        x = x.permute(self._order)
        return x if len(self._attended) == 1 else x.flatten(-1 - len(self._attended), -2)

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, wants_scores: bool
    ) -> tuple[Tensor, Tensor | None]:
        dropout = self.dropout if self.training else 0.0
        # Of a rate of 1, or with a generator of the layer's own, no kernel is fused; on the CPU none is with dropout.
        fuses = not dropout or (dropout < 1 and self.seed is None and q.device.type != "cpu")
        if fuses and not wants_scores:
            # Keras takes another way, with another result where all is masked, for images and once there is dropout.
            averages = not self.dropout and self._rank == 3
            return attend(q, k, v, mask, scale=self._scale, causal=causal, dropout=dropout, averages=averages), None
        if causal:
            mask = band(q.shape[-2], k.shape[-2], q.device, causal=True)
        return attend_stepwise(q, k, v, mask, scale=self._scale, drop=self._drop)

    # --- masks -----------------------------------------------------------------------------------------------------

    def _mask(
        self,
        q: Tensor,
        sizes: list[int],
        others: list[int],
        masks: dict[str, Tensor | None],
        attention_mask: Tensor | None,
        causal: bool,
        window: int | None,
    ) -> Tensor | None:
        """Return all masks as one, with the axes of the scores, or 1."""
        found = []
        batch = [*q.shape[:-3]]
        for name, mask in masks.items():
            if mask is not None:
                steps = self._steps(name, mask, batch, sizes if name == "query" else others)
                found.append(steps.unsqueeze(-1) if name == "query" else steps.unsqueeze(-2))
        if causal or window is not None:
            if len(sizes) > 1:
                argument = "use_causal_mask=True" if causal else f"sliding_window={window}"
                raise ValueError(
                    f"{type(self).__name__}: {argument} needs one attended axis, attention_axes={self._attended}"
                )
            found.append(band(sizes[0], others[0], q.device, causal=causal, window=window))
        if attention_mask is not None:
            found.append(self._of_scores(attention_mask, q, sizes, others))
        joined = found[0]
        for mask in found[1:]:
            joined = joined & mask
        return joined

    def _steps(self, name: str, mask: Tensor, batch: list[int], sizes: list[int]) -> Tensor:
        """Return the mask of a query, value or key as (batch, *rest, 1, steps)."""
        shape, count = mask.shape, len(sizes)
        if mask.ndim == self._rank - 1:
            mask = mask.permute(self._mask_order)
        elif mask.ndim == 2 and count == 1:  # of the attended axis only
            mask = mask.reshape(shape[0], *[1] * (self._rank - 3), shape[1])
        if mask.ndim != self._rank - 1 or not _fits(mask.shape, [*batch, *sizes]):
            expected = [0] * (self._rank - 1)
            for axis, size in zip(self._mask_order, [*batch, *sizes], strict=True):
                expected[axis] = size
            raise ValueError(
                f"{type(self).__name__}: {name}_mask has shape {tuple(shape)}, not {tuple(expected)}, the shape of the "
                f"{name} without its last axis"
            )
        mask = mask.to(torch.bool)
        if count > 1:
            mask = mask.expand(*mask.shape[:-count], *sizes).flatten(-count)
        return mask.unsqueeze(-2)

    def _of_scores(self, mask: Tensor, q: Tensor, sizes: list[int], others: list[int]) -> Tensor:
        """Return a mask of the scores with their rank, and one axis for all that are attended together."""
        count = len(sizes)
        full = [*q.shape[:-2], *sizes, *others]
        lead = mask.shape[: -2 * count]
        # Axes that are missing stand before the heads, and behind those that are there.
        shape = [*lead, *[1] * (len(full) - mask.ndim), *mask.shape[mask.ndim - 2 * count :]]
        if mask.ndim < 2 * count or len(shape) != len(full) or not _fits(shape, full):
            raise ValueError(
                f"{type(self).__name__}: attention_mask has shape {tuple(mask.shape)}, which doesn't broadcast to "
                f"{tuple(full)}, or that without the heads"
            )
        mask = mask.to(torch.bool).reshape(shape)
        if count > 1:
            mask = mask.expand(*shape[: -2 * count], *sizes, *others).flatten(-count).flatten(-1 - count, -2)
        return mask


def _differ(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and a != b


def _fits(shape: Sequence[int], full: Sequence[int]) -> bool:
    return all(size in (1, n) for size, n in zip(shape, full, strict=True))
