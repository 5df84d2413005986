"""Functions of TensorFlow about shapes and images, as `tf_functions` has the others.

Source: tensorflow/python/ops (array_ops.py, image_ops_impl.py), TensorFlow 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_layers import dtypes
from torch_layers.graph.symbols import Symbol, record
from torch_layers.layers.interpolation import resize as images_to
from torch_layers.saving.legacy.tf_functions import Axis, Sizes, axes_of, is_tensor, tensor_like, tf_functions


@tf_functions.alias("Shape")
def shape(input: Any, out_type: Any = None) -> Sizes:
    """The sizes of a tensor."""
    return Sizes(tuple(input.size(axis) if size is None else size for axis, size in enumerate(input.shape)))


def _sizes(value: Any) -> tuple[Any, ...]:
    return value.sizes if isinstance(value, Sizes) else tuple(value)


@tf_functions.alias("Reshape")
def reshape(tensor: Any, shape: Any) -> Any:
    """The same values, in the same order, in another shape."""
    return tensor.reshape(_sizes(shape))


@tf_functions.alias("BroadcastTo")
def broadcast_to(input: Any, shape: Any) -> Any:
    """x repeated along axes of size 1 and new ones, to a shape."""
    return input.broadcast_to(_sizes(shape))


@tf_functions.alias("Transpose")
def transpose(a: Any, perm: Sequence[int] | None = None, conjugate: bool = False) -> Any:
    """The axes in another order, reversed unless told."""
    return a.permute(tuple(range(a.ndim))[::-1] if perm is None else tuple(perm))


@tf_functions.add
def concat(values: list[Any], axis: int) -> Any:
    """Tensors one behind the other along an axis; sizes too."""
    if any(isinstance(value, Sizes) for value in values):
        return Sizes(tuple(size for value in values for size in _sizes(value)))
    like = next((value for value in values if is_tensor(value)), None)
    return torch.cat([tensor_like(value, like) for value in values], axis)


@tf_functions.add
def stack(values: list[Any], axis: int = 0) -> Any:
    """Tensors beside each other along a new axis; numbers make a shape."""
    like = next((value for value in values if getattr(value, "shape", None) is not None), None)
    return Sizes(tuple(values)) if like is None else torch.stack([tensor_like(value, like) for value in values], axis)


@tf_functions.add
def unstack(value: Any, num: int | None = None, axis: int = 0) -> Any:
    """The slices along an axis."""
    return value.sizes if isinstance(value, Sizes) else value.unbind(axis)


@tf_functions.add
def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None) -> Any:
    """Parts along an axis: so many equal ones, or of these sizes."""
    if isinstance(num_or_size_splits, int):
        return value.chunk(num_or_size_splits, axis)
    return value.split(list(num_or_size_splits), axis)


@tf_functions.alias("ExpandDims")
def expand_dims(input: Any, axis: int) -> Any:
    """A new axis of size 1."""
    return input.unsqueeze(axis)


@tf_functions.alias("Squeeze")
def squeeze(input: Any, axis: Axis = None) -> Any:
    """Without axes of size 1: all, or these."""
    return input.squeeze() if axis is None else input.squeeze(tuple(axes_of(input, axis)))


@tf_functions.alias("Tile")
def tile(input: Any, multiples: Sequence[int]) -> Any:
    """x several times behind itself, along each axis."""
    return tensor_like(input, None).tile(_sizes(multiples))


@tf_functions.add
def repeat(input: Any, repeats: int, axis: int | None = None) -> Any:
    """Each slice along an axis several times."""
    return input.repeat_interleave(repeats, axis)


@tf_functions.add
def reverse(tensor: Any, axis: Axis) -> Any:
    """x backwards along axes."""
    return tensor.flip(axes_of(tensor, axis))


@tf_functions.alias("Pad", "PadV2")
def pad(tensor: Any, paddings: Sequence[Sequence[int]], mode: str = "CONSTANT", constant_values: Any = 0) -> Any:
    """x with a border: of a constant, or what is reflected there. Raises: ValueError for a symmetric one."""
    flat = [n for pair in reversed(paddings) for n in pair]
    if mode.upper() == "CONSTANT":
        return F.pad(tensor, flat, value=constant_values)
    while flat[-2:] == [0, 0] and len(flat) > 2:
        flat = flat[:-2]
    if mode.upper() != "REFLECT" or len(flat) // 2 > tensor.ndim - 1:
        raise ValueError(f"tf.pad with mode={mode!r} and paddings={paddings} is not known to torch_layers")
    return F.pad(tensor, flat, mode="reflect")


@tf_functions.add
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: int | None = None, batch_dims: int = 0
) -> Any:
    """The slices of an axis with given numbers. Raises: ValueError for other numbers in each sample."""
    if batch_dims or is_tensor(indices):
        raise ValueError("tf.gather with indices that are computed is not known to torch_layers")
    numbers = torch.tensor(indices)
    axis = (axis or 0) % params.ndim
    return params[(slice(None),) * axis + (numbers,)]


@tf_functions.add
def one_hot(
    indices: Any, depth: int, on_value: Any = None, off_value: Any = None, axis: int | None = None, dtype: Any = None
) -> Any:
    """1 at the place that a number names, 0 elsewhere; all 0 for a number that is no place."""
    hit = (indices.unsqueeze(-1) == torch.arange(depth)).to(dtypes.resolve(dtype or "float32"))
    if on_value is not None or off_value is not None:
        low, high = off_value or 0, 1 if on_value is None else on_value
        hit = hit * (high - low) + low
    return hit if axis in (None, -1) else hit.movedim(-1, axis)


@tf_functions.add
def getitem(x: Any, slice_spec: Any) -> Any:
    """x[slice_spec], with slices as dicts of start, stop and step."""
    items = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    key = tuple(map(_key, items))
    if isinstance(x, Sizes):
        found = x.sizes[key[0]]
        return Sizes(found) if isinstance(found, tuple) else found
    return x[key]


def _key(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    if item.get("class_name") == "__ellipsis__":
        return ...
    return slice(item.get("start"), item.get("stop"), item.get("step"))


# --- images ---------------------------------------------------------------------------------------------------------


@tf_functions.add
def resize(
    images: Any,
    size: Sequence[int],
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
) -> Any:
    """Images (batch, height, width, channels) in another size. Raises: ValueError for one that keeps the aspect ratio."""
    if preserve_aspect_ratio:
        raise ValueError("tf.image.resize with preserve_aspect_ratio=True is not known to torch_layers")
    height, width = _sizes(size)
    given = images, (height, width), method, bool(antialias)
    return record("function", resized, given) if isinstance(images, Symbol) else resized(*given)


def resized(images: Tensor, size: tuple[int, int], method: str, antialias: bool) -> Tensor:
    """Return images (batch, height, width, channels) in another size, as torch computes it."""
    return images_to(images.movedim(-1, -3), size, method, antialias).movedim(-3, -1)


def _blocks(x: Any, block_size: int, data_format: str) -> int:
    if data_format != "NHWC":
        raise ValueError(f"tf.nn.depth_to_space and space_to_depth know data_format='NHWC' here, not {data_format!r}")
    return block_size


@tf_functions.add
def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC") -> Any:
    """Channels as blocks of pixels."""
    n = _blocks(input, block_size, data_format)
    _, height, width, channels = input.shape
    x = input.reshape((-1, height, width, n, n, channels // n**2)).permute((0, 1, 3, 2, 4, 5))
    return x.reshape((-1, height * n, width * n, channels // n**2))


@tf_functions.add
def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC") -> Any:
    """Blocks of pixels as channels."""
    n = _blocks(input, block_size, data_format)
    _, height, width, channels = input.shape
    x = input.reshape((-1, height // n, n, width // n, n, channels)).permute((0, 1, 3, 2, 4, 5))
    return x.reshape((-1, height // n, width // n, channels * n**2))
