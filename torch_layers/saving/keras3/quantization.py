"""Quantized layers of Keras 3 as plain ones: their kernels are dequantized, their policies become those they came from.

Only weights are: Keras also rounds the inputs of such layers to 8 bits (int8 always, int4 if it was told to) and, in float8,
inputs and kernels while it computes, so its outputs differ by that. A float8 file holds the whole kernel, which is taken.
Source: keras/src/quantizers/quantizers.py and quantize, `variable_serialization_spec` and `_int4_call` of
keras/src/layers/core/{dense,einsum_dense,embedding,reversible_embedding}.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from torch_layers.layers.attention.projection import _Projection
from torch_layers.layers.core.dense import Dense
from torch_layers.layers.core.einsum_dense import EinsumDense
from torch_layers.layers.core.embedding import Embedding
from torch_layers.layers.weighted import Weighted
from torch_layers.saving.errors import FileError
from torch_layers.saving.stored import Computed, Stored

if TYPE_CHECKING:
    from torch_layers.saving.hdf5 import Dataset
    from torch_layers.saving.keras3.bfloat16 import Widened

    Numbers = Dataset | Widened

Array = np.ndarray[Any, Any]
_POLICIES = frozenset(
    {"QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "Int4DTypePolicy", "GPTQDTypePolicy", "AWQDTypePolicy"}
)
# Two scales and two histories, of inputs, kernel and the outputs' gradients.
_FLOAT8 = 6


def without_quantization(entry: dict[str, Any]) -> Any:
    """Return an object of a config, of which the inner ones are plain, as it was before its layer was quantized."""
    inner = entry.get("config")
    if isinstance(inner, dict) and str(entry.get("class_name")) in _POLICIES:
        return _float_policy(inner.get("source_name") or str(inner.get("name", "")).rpartition("_from_")[2])
    if isinstance(inner, dict) and entry.get("class_name") == "DTypePolicyMap":
        return inner.get("default_policy") or _float_policy(None)
    plain = {key: value for key, value in entry.items() if key != "gptq_unpacked_column_size"}
    if isinstance(plain.get("dtype"), str) and "_from_" in plain["dtype"]:
        plain["dtype"] = plain["dtype"].rpartition("_from_")[2]
    if isinstance(plain.get("quantization_config"), dict):
        plain["quantization_config"] = None
    return plain


def _float_policy(name: Any) -> dict[str, Any]:
    config = {"name": name or "float32"}
    return {"module": "keras", "class_name": "DTypePolicy", "config": config, "registered_name": None}


def is_quantized(layer: Weighted, arrays: Sequence[Numbers]) -> bool:
    """Tell whether the arrays that a file keeps for a layer are a quantized kernel, with its scales and so on."""
    if not isinstance(layer, (Dense, EinsumDense, Embedding, _Projection)):
        return False
    has_bytes = any(array.dtype in (np.int8, np.uint8) for array in arrays)
    return has_bytes or len(arrays) > _FLOAT8


def dequantized(layer: Weighted, arrays: Sequence[Numbers], path: str) -> dict[str, Stored]:
    """Return the array of each weight of a layer, by its name, from what a file keeps of the quantized one.

    Raises: FileError if the arrays are those of no quantized layer of this kind and size.
    """
    if "weight" not in layer._keras_shapes:
        raise FileError(path, f"holds quantized weights of a {type(layer).__name__} whose size the file does not tell")
    if isinstance(layer, Embedding):
        return _of_embedding(layer, arrays, path)
    return _of_kernel(layer, arrays, path)


@dataclass(frozen=True)
class _Matrix:
    """One quantized matrix of `shape`, whose rows, or columns, along `axis` share the scales of their group.

    Numbers of 4 bits lie two in a byte along `packing`. Without `zero`, all of `axis` is one group.
    """

    path: str
    shape: tuple[int, int]
    axis: int
    packing: int
    values: Numbers
    scale: Numbers
    zero: Numbers | None = None
    groups: Numbers | None = None  # the group of each place along `axis`
    divisor: Numbers | None = None  # for each place along `axis`

    def __post_init__(self) -> None:
        """Raise FileError unless the arrays have the shapes and dtypes that those of one matrix must have."""
        along: tuple[int, ...] = (self.shape[self.axis],)
        across: tuple[int, ...] = (self.shape[1 - self.axis],)
        if self.zero is not None:
            across = across[: self.axis] + self._group_count() + across[self.axis :]
        values = self._packed_shape() if self._has_packed_shape() else self.shape
        needed = [(self.values, values), (self.scale, across), (self.zero, across)]
        needed += [(self.groups, along), (self.divisor, along)]
        wrong = [
            f"{array.path} has shape {tuple(array.shape)}, expected is {shape}"
            for array, shape in needed
            if array is not None and tuple(array.shape) != shape
        ]
        wrong += [
            f"{array.path} holds {array.dtype}, expected are {expected}"
            for array, kinds, expected in (
                (self.values, ("i1", "u1"), "bytes"),
                (self.scale, ("f2", "f4", "f8"), "floats"),
                (self.zero, ("i1", "u1", "f2", "f4", "f8"), "bytes or floats"),
                (self.groups, ("f4", "i4"), "numbers of groups"),
                (self.divisor, ("f2", "f4", "f8"), "floats"),
            )
            if array is not None and array.dtype.str[1:] not in kinds
        ]
        if wrong:
            raise FileError(self.path, f"its quantized weights don't fit the layer: {'; '.join(wrong)}")

    def _group_count(self) -> tuple[int, ...]:
        return tuple(self.scale.shape)[self.axis : self.axis + 1]

    def _packed_shape(self) -> tuple[int, ...]:
        return tuple(ceil(size / 2) if axis == self.packing else size for axis, size in enumerate(self.shape))

    def _has_packed_shape(self) -> bool:
        return tuple(self.values.shape) == self._packed_shape()

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")
    def read(self) -> Array:
        """Return the matrix in floats. Raises: FileError if a group's number is none."""
        values, scale = self.values.read(), self.scale.read()
        found: Array
        # A single number of 4 bits fills a byte, too; of 8 bits, the largest is 127, or all are 0.
        if self._has_packed_shape() and (
            self._packed_shape() != self.shape or not (values.view(np.uint8) & 0xF0).any()
        ):
            values = _unpacked(values, self.packing, self.shape[self.packing])
        if self.zero is None:
            found = values / np.expand_dims(scale, self.axis)
            return found
        assert self.groups is not None
        numbers = self.groups.read().astype(np.float64)
        if not np.isin(numbers, np.arange(scale.shape[self.axis])).all():
            raise FileError(self.groups.path, f"holds other numbers than those of {scale.shape[self.axis]} groups")
        scale, zero = (
            a.take(numbers.astype(np.int64), self.axis) for a in (scale, self.zero.read().astype(scale.dtype))
        )
        found = (values - zero) * scale
        return found if self.divisor is None else found / np.expand_dims(self.divisor.read(), 1 - self.axis)


def _unpacked(values: Array, axis: int, size: int) -> Array:
    """Return the halves of bytes along an axis, the lower one first: numbers of 4 bits, signed if the bytes are."""
    halves = np.stack([values & 0x0F, (values >> 4) & 0x0F], axis=axis + 1)
    shape = list(values.shape)
    shape[axis] *= 2
    found: Array = halves.reshape(shape).take(np.arange(size), axis=axis)
    return np.where(found > 7, found - 16, found) if values.dtype.kind == "i" else found


# --- Dense, EinsumDense and the projections of attention -----------------------------------------------------------------


def _of_kernel(layer: Any, arrays: Sequence[Numbers], path: str) -> dict[str, Stored]:
    rest = list(arrays)
    shape: tuple[int, ...] = layer._keras_shapes["weight"]
    biased = layer.bias is not None
    # GPTQ and AWQ alone keep the bias before the kernel, whose bytes are unsigned.
    is_unsigned = any(array.dtype == np.uint8 for array in rest[: 1 + biased])
    found: dict[str, Stored] = {}
    if biased and len(rest) > 1:
        found["bias"] = rest.pop(0 if is_unsigned else 1)
    if len(rest) == 1 + _FLOAT8 and rest[0].dtype.kind == "f":
        return {**found, "weight": rest[0]}
    if is_unsigned and not any(array.dtype == np.uint8 for array in rest[1:]):
        raise FileError(
            path, "holds a kernel of GPTQ or AWQ without its zero points, which Keras 3.14 and 3.15 don't write"
        )
    names = {
        (False, 2): ("values", "scale"),
        (False, 4): ("values", "scale", "zero", "groups"),
        (True, 4): ("values", "scale", "zero", "groups"),
        (True, 5): ("values", "scale", "zero", "divisor", "groups"),
    }.get((is_unsigned, len(rest)))
    if names is None or rest[0].dtype.itemsize != 1:
        raise _unknown(layer, arrays, path)
    parts = dict(zip(names, rest, strict=True))
    rows, columns = _flattened(layer, shape)
    if is_unsigned:  # the matrix lies transposed
        read = _Matrix(path, (columns, rows), axis=1, packing=0, **parts).read
        return {**found, "weight": _float(parts["values"], shape, lambda: read().T)}
    if not isinstance(layer, Dense) and _has_output_scale(parts, shape, (rows, ceil(columns / 2))):
        values, scale = parts["values"], _kernel_scale(layer, parts["scale"], shape, path)
        return {**found, "weight": _float(values, shape, lambda: values.read() / scale())}
    return {**found, "weight": _float(parts["values"], shape, _Matrix(path, (rows, columns), 0, 1, **parts).read)}


def _has_output_scale(parts: Mapping[str, Numbers], shape: tuple[int, ...], packed: tuple[int, int]) -> bool:
    """Tell EinsumDense's int8, whose kernel keeps its shape and whose scale has the output's rank, from its int4."""
    may_be_packed = shape == packed and len(parts["scale"].shape) == 1
    return len(parts) == 2 and tuple(parts["values"].shape) == shape and not may_be_packed


def _float(values: Numbers, shape: tuple[int, ...], read: Callable[[], Array]) -> Computed:
    return Computed(values.path, shape, lambda: read().reshape(shape).astype(np.float32))


def _unknown(layer: Weighted, arrays: Sequence[Numbers], path: str) -> FileError:
    described = ", ".join(f"{array.dtype} {tuple(array.shape)}" for array in arrays)
    return FileError(path, f"holds ({described}), the arrays of no known way to quantize a {type(layer).__name__}")


def _flattened(layer: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how Keras flattens a kernel: what is summed over, what is not."""
    if isinstance(layer, EinsumDense):
        sizes = dict(zip(layer._equation.kernel, shape, strict=True))
        rows = prod(sizes[letter] for letter in layer._equation.summed)
    else:
        rows = prod(shape[: layer._summed if isinstance(layer, _Projection) else 1])
    return rows, prod(shape) // max(rows, 1)


def _kernel_scale(layer: Any, scale: Numbers, shape: tuple[int, ...], path: str) -> Callable[[], Array]:
    """Return what reads a scale of EinsumDense: it has the axes of the output, and gets those of the kernel."""
    given = tuple(scale.shape)
    if isinstance(layer, _Projection):
        kernel = ".abcdefghijklmnopqrstuvwxyz"[1 : len(shape) + 1]
        output = kernel[layer._summed :]
    else:
        equation = layer._equation
        kernel = equation.kernel
        output = equation.y + "." * (layer.input_spec.min_ndim - len(equation.x) if equation.right else 0)
    if scale.dtype.kind != "f":
        raise FileError(path, f"{scale.path} holds {scale.dtype}, expected are floats")
    sizes = dict(zip(kernel, shape, strict=True))
    letters = output.rjust(len(given), ".")[-len(given) :] if given else ""
    if any(size != sizes.get(letter, 1) for letter, size in zip(letters, given, strict=True)):
        raise FileError(path, f"its scale of shape {given} does not fit a kernel of shape {shape}")
    kept = [letter for letter in letters if letter in sizes]
    order = [kept.index(letter) for letter in kernel if letter in kept]

    def read() -> Array:
        found = scale.read().reshape([sizes[letter] for letter in kept]).transpose(order)
        return found.reshape([sizes[letter] if letter in kept else 1 for letter in kernel])

    return read


# --- Embedding and ReversibleEmbedding ------------------------------------------------------------------------------------


def _of_embedding(layer: Any, arrays: Sequence[Numbers], path: str) -> dict[str, Stored]:
    rows, size = layer._keras_shapes["weight"]
    is_untied = "reverse_weight" in layer._specs
    names = {
        (False, 2): ("values", "scale"),
        (False, 4): ("values", "scale", "zero", "groups"),
        (True, 4): ("values", "scale", "values", "scale"),
        (True, 7): ("values", "scale", "zero", "groups", "values", "scale", "zero"),
    }.get((is_untied, len(arrays)))
    if names is None:
        raise _unknown(layer, arrays, path)
    half = len(arrays) if not is_untied else 4 if len(arrays) == 7 else 2
    table = dict(zip(names[:half], arrays[:half], strict=True))
    read = _Matrix(path, (rows, size), axis=1, packing=1, **table).read
    found: dict[str, Stored] = {"weight": _float(table["values"], (rows, size), read)}
    if is_untied:
        # The groups of the features are those of the table.
        reverse = {**table, **dict(zip(names[half:], arrays[half:], strict=True))}
        read = _Matrix(path, (size, rows), axis=0, packing=0, **reverse).read
        found["reverse_weight"] = _float(reverse["values"], (size, rows), read)
    return found
