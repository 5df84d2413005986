"""InputLayer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from torch_layers import dtypes
from torch_layers.layers.base import Layer


class InputLayer(Layer):
    """y = x: what a model says of one of its inputs. `Input` and `Sequential` make models with it.

    `shape` leaves out the batch axis, whose size `batch_size` may give; `batch_shape` has it. None is an unknown size.
    `dtype` is torch's default dtype if it is None. An `optional` input may be None.
    Shape: any -> the same.
    Raises: ValueError if the shape is missing, is given twice or holds anything but sizes and None; for sparse or
    ragged inputs and for `input_tensor`.
    Source: keras.layers.InputLayer, Keras 3.15.
    """

    supports_masking = True

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        *,
        input_shape: Sequence[int | None] | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
    ) -> None:
        super().__init__(name=name)
        # Keras 2's names.
        shape = input_shape if shape is None else shape
        batch_shape = batch_input_shape if batch_shape is None else batch_shape
        for argument, value in (("sparse", sparse), ("ragged", ragged), ("input_tensor", input_tensor)):
            if value is not None and value is not False:
                raise ValueError(f"InputLayer: {argument}={value!r} is not supported, inputs are dense tensors")
        if (shape is None) == (batch_shape is None):
            given = "neither shape nor batch_shape is" if shape is None else "both shape and batch_shape are"
            raise ValueError(f"InputLayer: {given} given, needed is one of them")
        if batch_size is not None and batch_shape is not None:
            raise ValueError(f"InputLayer: batch_size={batch_size!r} can't be given beside batch_shape")
        if shape is not None:
            self.batch_shape = (batch_size, *_sizes("shape", shape))
        else:
            self.batch_shape = _sizes("batch_shape", batch_shape)
        _sizes("batch_size", self.batch_shape[:1])
        self.optional = optional
        self.dtype = dtypes.name_of(dtypes.resolve(dtype) if dtype is not None else self.compute_dtype)

    def forward(self, x: Tensor) -> Tensor:
        return x

    def get_config(self) -> dict[str, Any]:
        config = {"batch_shape": self.batch_shape, "dtype": self.dtype, "sparse": False, "ragged": False}
        return {**config, "name": self.name, "optional": self.optional}

    def extra_repr(self) -> str:
        return f"batch_shape={self.batch_shape}, dtype={self.dtype!r}"


def _sizes(argument: str, shape: Any) -> tuple[int | None, ...]:
    if not isinstance(shape, (list, tuple)) or not all(
        size is None or (isinstance(size, int) and not isinstance(size, bool) and size >= 0) for size in shape
    ):
        raise ValueError(f"InputLayer: {argument}={shape!r} is not a tuple of sizes and None")
    return tuple(shape)
