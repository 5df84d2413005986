"""Low-rank adaptation of one kernel, for the layers that take `lora_rank`."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from torch_layers import initializers
from torch_layers.layers.base import Layer
from torch_layers.serialization import CustomObjects

Self = TypeVar("Self", bound="_LoRA")


class _LoRA(Layer):
    """A layer with one kernel, `weight`, which `lora_rank` freezes and replaces by weight + scale * (lora_a @ lora_b).

    `lora_a` and `lora_b` are float32, in Keras's layout; scale is `lora_alpha / lora_rank`.
    """

    # Keras's Dense and Embedding drop the constructor's `lora_alpha` when they are built: the scale is 1 then.
    keeps_lora_alpha = False
    weight: Tensor
    lora_a: Tensor
    lora_b: Tensor
    lora_rank: Any
    lora_alpha: Any

    def _set_lora(self, rank: int | None, alpha: float | None, quantization_config: Any) -> None:
        if rank is not None and (not isinstance(rank, int) or rank < 0):
            raise ValueError(f"{type(self).__name__}: lora_rank={rank!r} is neither a positive int nor None")
        self.lora_rank, self.lora_alpha = rank, alpha if alpha is not None else rank
        self.quantization_config = quantization_config
        self.lora_enabled = False

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.lora_rank:
            del config["lora_rank"], config["lora_alpha"]
        return config

    @classmethod
    def from_config(cls: type[Self], config: dict[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        """Make a layer from its config. Its `quantization_config` is kept as it is: only quantized dtypes use it."""
        known = config.get("quantization_config")
        if known is None:
            return super().from_config(config, custom_objects)
        made = super().from_config({**config, "quantization_config": None}, custom_objects)
        made.quantization_config = known
        return made

    def create_weights(self, **keras_shapes: Any) -> None:
        super().create_weights(**keras_shapes)
        if self.lora_rank and not self.lora_enabled:
            self.enable_lora(self.lora_rank, self.lora_alpha if self.keeps_lora_alpha else None)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the kernel and train a low-rank change of it instead.

        Raises: ValueError if the layer is not built, adapted already, or has a constraint on its kernel.
        """
        cls, kernel = type(self).__name__, self._specs["weight"]
        if kernel.constraint is not None:
            raise ValueError(f"{cls}: lora_rank={rank!r} can't be combined with a constraint on {kernel.keras_name!r}")
        shape = self._keras_shapes.get("weight")
        if shape is None:
            raise ValueError(f"{cls}: enable_lora needs a built layer: call it once or pass input_shape=")
        if self.lora_enabled:
            raise ValueError(f"{cls}: enable_lora was called already, with rank {self.lora_rank}")
        for name, initializer in (("lora_a", a_initializer), ("lora_b", b_initializer)):
            self.add_weight(
                name,
                initializer=initializers.get(initializer),
                keras_name=f"lora_{kernel.keras_name}_{name[-1]}",
                regularizer=kernel.regularizer,
                dtype=torch.float32,  # as in Keras, whatever the policy
            )
        super().create_weights(lora_a=(*shape[:-1], rank), lora_b=(rank, shape[-1]))
        self.weight.requires_grad_(False)
        if not self.trainable:
            self.lora_a.requires_grad_(False)
            self.lora_b.requires_grad_(False)
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else rank

    def kernel(self) -> Tensor:
        """Return the kernel in PyTorch's layout and the compute dtype, with its low-rank change if there is one."""
        if not self.lora_enabled:
            return self.cast(self.weight)
        mixed = self.compute_dtype is not self.variable_dtype
        a, b = (self.cast(w) if mixed else w for w in (self.lora_a, self.lora_b))
        delta = self._specs["weight"].layout.to_torch((self.lora_alpha / self.lora_rank) * (a @ b))
        # A view would leave the sum with odd strides along axes of size 1, which backward kernels of convolutions refuse.
        delta = delta.contiguous()
        return self.cast(self.cast(self.weight) + delta)

    @torch.no_grad()
    def merge_lora(self) -> None:
        """Make the kernel what it is with its low-rank change, which goes."""
        kernel = self.kernel()
        self.lora_enabled, self.lora_rank = False, None
        for name in ("lora_a", "lora_b"):
            delattr(self, name)
            del self._specs[name], self._keras_shapes[name]
        self.weight = nn.Parameter(kernel, requires_grad=self._trainable)
