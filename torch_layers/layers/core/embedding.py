"""Embedding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_layers import constraints, initializers, regularizers
from torch_layers.layers.arguments import positive_int
from torch_layers.layers.lora import _LoRA

_INDICES = (torch.int64, torch.int32)


class Embedding(_LoRA):
    """y = weight[x]: each integer becomes the row of that number. Negative ones count from the end; floats are cut off.

    With `mask_zero`, the mask of the output is x != 0. `weights` is the initial matrix, or a list of it. Weights exist
    from the start.
    Shape: any -> (*, output_dim); `weight` (input_dim, output_dim).
    Raises: ValueError if `input_dim` or `output_dim` is not a positive int; IndexError for an index that is not below
    input_dim, or below -input_dim (on CUDA, as always there, torch ends the process).
    Source: keras.layers.Embedding, Keras 3.15.
    """

    config_omits = frozenset({"weights"})

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("input_length", None)  # Keras 2's, without effect on what is computed
        super().__init__(**kwargs)
        self.input_dim = positive_int(self, "input_dim", input_dim)
        self.output_dim = positive_int(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        # Indices are no values to be rounded to the compute dtype.
        self.autocast = False
        self._set_lora(lora_rank, lora_alpha, quantization_config)
        self.add_weight(
            "weight",
            initializer=self.embeddings_initializer,
            keras_name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        if weights is not None:
            self._initial_weights = weights if isinstance(weights, list) and len(weights) == 1 else [weights]

    def _finish_init(self) -> None:
        self.build()
        super()._finish_init()

    def build(self, input_shape: Any = None) -> None:
        self.create_weights(weight=(self.input_dim, self.output_dim))

    def get_build_config(self) -> dict[str, Any]:
        # Keras builds at the first call, or by this; a wrapper says for which shape.
        return {"input_shape": (None, None) if self._built_shape is None else tuple(self._built_shape)}

    def get_config(self) -> dict[str, Any]:
        return {"activity_regularizer": None, **super().get_config()}

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if type(inputs) is Tensor and self._direct and not args and not kwargs:  # of any dtype: none is cast
            return nn.Module.__call__(self, inputs)
        return self._call_with_care((inputs, *args), kwargs)

    def forward(self, inputs: Tensor) -> Tensor:
        indices = inputs if inputs.dtype in _INDICES else inputs.to(torch.int32)
        if not indices.is_cpu or torch.compiler.is_compiling():
            # Nothing here tells whether there are negative ones: they are always looked for.
            rows = self._rows(self._counted_from_the_start(indices))
        else:
            try:
                rows = self._rows(indices)
            except IndexError:
                try:
                    rows = self._rows(self._counted_from_the_start(indices))
                except IndexError as error:
                    self.explain(error, indices)
                    raise
        return rows if rows.dtype is self.compute_dtype else rows.to(self.compute_dtype)

    def _rows(self, indices: Tensor) -> Tensor:
        rows = F.embedding(indices, self.weight)
        if self.lora_enabled:
            rows = rows + (self.lora_alpha / self.lora_rank) * (F.embedding(indices, self.lora_a) @ self.lora_b)
        return rows

    def _counted_from_the_start(self, indices: Tensor) -> Tensor:
        return torch.where(indices < 0, indices + self.input_dim, indices)

    def explain(self, error: Exception, *args: Any) -> None:
        if isinstance(error, IndexError) and args and isinstance(args[0], Tensor):
            for worst in (int(args[0].max()), int(args[0].min())):
                if not -self.input_dim <= worst < self.input_dim:
                    raise IndexError(
                        f"{type(self).__name__}: input holds the index {worst}, allowed are {-self.input_dim} to "
                        f"{self.input_dim - 1} for input_dim={self.input_dim}"
                    ) from error

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return where the input is not 0 if the layer was made with `mask_zero`, else None."""
        return inputs != 0 if self.mask_zero else None
