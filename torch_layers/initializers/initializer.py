"""The base of all initializers: what a new weight holds, given in Keras's layout of the weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from torch_layers import dtypes
from torch_layers.registry import initializers
from torch_layers.serialization import Configurable, CustomObjects

Self = TypeVar("Self", bound="Initializer")
DType = str | torch.dtype | None
Device = str | torch.device | None


def dtype_of(dtype: DType) -> torch.dtype:
    """Return the dtype that an initializer's `dtype` argument means: None is torch's default dtype at this moment."""
    return torch.get_default_dtype() if dtype is None else dtypes.resolve(dtype)


class Initializer(Configurable):
    """A function of a shape that gives a new weight's values; subclasses define `__call__`.

    Source: keras.initializers.Initializer, Keras 3.15.
    """

    registry = initializers
    aliases: ClassVar[tuple[str, ...]] = ("initializer",)

    def __call__(self, shape: Sequence[int], dtype: DType = None, *, device: Device = None) -> Tensor:
        """Return a new tensor. `shape` is that of Keras's weight, such as (inputs, units) for a kernel of Dense."""
        raise NotImplementedError(f"{type(self).__name__} doesn't define __call__(shape, dtype=None)")

    @classmethod
    def from_config(cls: type[Self], config: dict[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        """Make an initializer from its config. A `dtype` in it, which Keras 2 wrote, changes nothing."""
        config = {name: value for name, value in config.items() if name != "dtype"}
        return super().from_config(config, custom_objects)

    def clone(self: Self) -> Self:
        """Return a new initializer with the same config."""
        return self.from_config(self.get_config())
