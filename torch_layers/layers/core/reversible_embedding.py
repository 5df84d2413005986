"""ReversibleEmbedding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers import dtypes
from torch_layers.layers.core.embedding import Embedding


class ReversibleEmbedding(Embedding):
    """An Embedding that also leads back: `layer(x, reverse=True)` gives x @ weight.T, one score for each index.

    Without `tie_weights` the way back has a weight of its own, `reverse_weight`. It is computed in `reverse_dtype`, if
    that is given, and `logit_soft_cap` turns a score s into cap * tanh(s / cap). There is no mask on the way back.
    Shape: any -> (*, output_dim), in reverse (*, output_dim) -> (*, input_dim); both weights (input_dim, output_dim).
    Raises: as Embedding, and ValueError for a `reverse_dtype` that is no dtype and for an input in reverse whose last
    axis is not output_dim.
    Source: keras.layers.ReversibleEmbedding, Keras 3.15.
    """

    reverse_weight: Tensor

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights, self.logit_soft_cap = tie_weights, logit_soft_cap
        try:
            self._reverse_dtype = None if reverse_dtype is None else dtypes.resolve(reverse_dtype)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: reverse_{error}") from None
        self.reverse_dtype = None if self._reverse_dtype is None else dtypes.name_of(self._reverse_dtype)
        if not tie_weights:
            self.add_weight(
                "reverse_weight", "o i -> i o", self.embeddings_initializer, keras_name="reverse_embeddings"
            )

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.create_weights(reverse_weight=(self.output_dim, self.input_dim))

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if type(inputs) is Tensor and self._direct and not args and kwargs.keys() == {"reverse"}:
            try:
                return nn.Module.__call__(self, inputs, **kwargs)
            except RuntimeError as error:
                self.explain(error, inputs)
                raise
        return super().__call__(inputs, *args, **kwargs)

    def forward(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        if not reverse:
            return super().forward(inputs)
        weight, cap = self.kernel() if self.tie_weights else self.reverse_weight, self.logit_soft_cap
        if weight.dtype is not self.compute_dtype:
            weight = weight.to(self.compute_dtype)
        if self._reverse_dtype is not None or inputs.dtype is not weight.dtype:
            dtype = self._reverse_dtype or torch.promote_types(inputs.dtype, weight.dtype)
            inputs, weight = inputs.to(dtype), weight.to(dtype)
        scores = F.linear(inputs, weight)
        return scores if cap is None else torch.tanh(scores / cap) * cap

    def explain(self, error: Exception, *args: Any) -> None:
        x = args[0] if args else None
        if isinstance(x, Tensor) and x.is_floating_point() and (not x.ndim or x.shape[-1] != self.output_dim):
            raise ValueError(
                f"{type(self).__name__}: input of shape {tuple(x.shape)} in reverse, its last axis must be "
                f"output_dim={self.output_dim}"
            ) from error
        super().explain(error, *args)

    def compute_mask(self, inputs: Any, mask: Any = None, reverse: bool = False) -> Any:
        """Return where the input is not 0 if the layer was made with `mask_zero` and is not called in reverse."""
        return None if reverse else super().compute_mask(inputs, mask)
