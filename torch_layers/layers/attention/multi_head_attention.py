"""MultiHeadAttention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch_layers.layers.arguments import positive_int, positive_ints
from torch_layers.layers.attention.heads import _HeadsAttention


class MultiHeadAttention(_HeadsAttention):
    """y = concat(softmax(q @ k.T / sqrt(key_dim)) @ v for each head) @ attention_output.weight.T + bias.

    q, k and v are projections of `query`, `key` (None: of `value`) and `value`. `attention_axes` are the axes that are
    attended, together; None for all between batch and features. With `use_gate`, what the heads give is multiplied by
    sigmoid of another projection of `query` before the last one. `sliding_window` hides keys that are as far away.
    Masks are True where something is to be seen: `query_mask`, `value_mask` and `key_mask` have the shapes of their
    tensors without the last axis; `attention_mask` (batch, query steps, key steps), with the heads behind the batch or
    not. A query that may see nothing gives the mean of all values; but 0 for images, or if there is `dropout`, or if
    scores are returned. `flash_attention` is refused with what Keras refuses it for; torch chooses the kernel.

    Shape: query (batch, *steps, features), value and key (batch, *other steps, *) -> (batch, *steps, features), or
    (batch, *steps, *output_shape); scores (batch, *axes that are not attended, heads, *steps, *other steps).
    Raises: ValueError for sizes that are not positive ints, a `dropout` that is not from 0 to 1, attention axes other
    than those between batch and features; if query, value, key or a mask don't fit each other.
    Source: keras.layers.MultiHeadAttention, Keras 3.15.
    """

    takes_masks_off = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(**kwargs)
        self.num_heads = positive_int(self, "num_heads", num_heads)
        self.key_dim = positive_int(self, "key_dim", key_dim)
        self.value_dim = positive_int(self, "value_dim", value_dim) if value_dim is not None else key_dim
        self._set_common(given)
        self.output_shape: Any = output_shape
        if output_shape:
            sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
            count = len(sizes) if isinstance(sizes, (list, tuple)) else 1
            self.output_shape = positive_ints(self, "output_shape", sizes, count)
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        if axes is not None and (
            not isinstance(axes, (list, tuple)) or not axes or not all(isinstance(axis, int) for axis in axes)
        ):
            raise ValueError(
                f"MultiHeadAttention: attention_axes={attention_axes!r} is not None, an int or a list of ints"
            )
        self.attention_axes: Any = axes
        self._scale = 1 / math.sqrt(self.key_dim)
        head = (self.num_heads, self.key_dim)
        self._make_projections(head, head, (self.num_heads, self.value_dim), self.output_shape or ())

    def check_rank(self, rank: int, listed: str) -> None:
        if rank < 3:
            raise ValueError(f"MultiHeadAttention: {listed} have rank {rank}, allowed is at least 3")

    def attended_axes(self, rank: int) -> tuple[int, ...]:
        if self.attention_axes is None:
            return tuple(range(1, rank - 1))
        axes = tuple(axis if axis >= 0 else rank + axis for axis in self.attention_axes)
        if len(set(axes)) < len(axes) or not all(0 < axis < rank - 1 for axis in axes):
            raise ValueError(
                f"MultiHeadAttention: attention_axes={tuple(self.attention_axes)} names an axis twice or one that is not "
                f"among {tuple(range(1, rank - 1))}, those between batch and features of inputs of rank {rank}"
            )
        return axes

    def _set_axes(self, rank: int) -> None:
        super()._set_axes(rank)
        self.attention_axes = self._attended  # as in Keras's config of a layer that is built

    def _add_activity_losses(self, outputs: Any) -> None:
        """Do nothing: as in Keras, the activities that are penalized are those of the projections."""
