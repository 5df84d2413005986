"""Symbolic tensors: what `Input` returns and what layers, torch functions and operators return for them.

A symbol holds no values. It knows the call that makes it, and two meta tensors ("samples") that stand for it: they
agree in every known axis and differ in every unknown one. An operation runs on both, so that an axis of its result is
unknown (None) exactly where the two results differ, whatever the operation computes its shape from.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from torch_layers import dtypes
from torch_layers.graph.late_imports import run_lightly
from torch_layers.graph.meta_device import MetaDevice
from torch_layers.layers.weights import as_tensor

Shape = tuple["int | None", ...]

# The two sizes of an unknown axis: rich in divisors, for reshapes; apart by a factor, so that strides can't make them
# equal; beyond the receptive field of the deepest convolutional networks: of images, and of sequences, as of DNA, where
# many more steps cost nothing. Volumes with as many voxels along each axis would have more than torch can count.
_BATCH, _OTHER, _STEPS = (12, 24), (240, 480), (24000, 48000)
# torch computes with no more axes than these.
_MOST_AXES = 64
_serials = itertools.count()


class Call:
    """One recorded call: what was called, with what, and the symbols that it returned.

    `kind` is "input", "module", "mask" (a module's `compute_mask`), "function" or "method". `masks` are the arguments
    that nobody passed: the masks of the inputs, for a module that takes them. Calls sorted by `serial` are in the order
    in which they were written.
    """

    __slots__ = ("__weakref__", "args", "kind", "kwargs", "masks", "outputs", "serial", "target")

    def __init__(
        self, kind: str, target: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> None:
        self.kind, self.target, self.args, self.kwargs = kind, target, args, kwargs or {}
        self.masks: dict[str, Any] = {}
        self.outputs: Any = None
        self.serial = next(_serials)

    def sources(self) -> list[Symbol]:
        """Return the symbols among the arguments that were passed."""
        return symbols_in((self.args, self.kwargs))

    @property
    def name(self) -> str:
        """The name of what was called, for messages."""
        return getattr(self.target, "name", None) or getattr(self.target, "__name__", None) or str(self.target)


class Symbol:
    """What a recorded call returned: a leaf of its outputs, which lies at `path` in them."""

    __slots__ = ("__weakref__", "call", "hanging", "mask", "path", "samples")

    def __init__(self, call: Call, path: tuple[Any, ...], samples: tuple[Any, Any]) -> None:
        self.call, self.path, self.samples = call, path, samples
        self.mask: Symbol | None = None
        # The mask that hangs on it when Keras's model runs: layers may take it off, which `mask` doesn't know of.
        self.hanging: Symbol | None = None

    @property
    def name(self) -> str:
        """The name of the layer or function that returned it."""
        return self.call.name

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if torch.overrides.is_tensor_method_or_property(function):
            return record("method", function.__name__, args, kwargs)
        return record("function", function, args, kwargs)

    def __bool__(self) -> NoReturn:
        self._refuse("truth value, so it can't decide an `if`; torch.where chooses between tensors")

    def __int__(self) -> NoReturn:
        self._refuse("value yet")

    __float__ = __complex__ = __index__ = __int__

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("values yet: torch functions take it, numpy's can't")

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        self._refuse("values that could be changed in place; torch.where makes a changed tensor")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError(f"{self!r} can't be copied by itself; copy a Model of it")

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} can't be pickled by itself; pickle a Model of it")

    def _refuse(self, lacks: str) -> NoReturn:
        raise TypeError(f"{self!r} has no {lacks}")

    __hash__ = object.__hash__
    # Numpy leaves operators to this class.
    __array_ufunc__ = None


class SymbolicTensor(Symbol):
    """A tensor whose values come later: `shape` (None for an unknown size), `dtype` and `ndim` are known.

    Layers, torch functions, tensor methods, operators and indexing record what they do with it; `Model` makes a module
    of that. `mask` is the mask that came with it, or None.
    """

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """The sizes of the axes; None for one that is not known."""
        first, second = (sample.shape for sample in self.samples)
        return tuple(a if a == b else None for a, b in zip(first, second, strict=True))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype."""
        return self.samples[0].dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.samples[0].ndim  # type: ignore[no-any-return]

    def size(self, dim: int | None = None) -> Any:
        """Return the size of an axis, or of all: a number if it is known, else a symbol that torch functions take."""
        if dim is None:
            return tuple(self.size(axis) for axis in range(self.ndim))
        known = self.shape[dim]
        return record("method", "size", (self, dim)) if known is None else known

    def __len__(self) -> int:
        length = self.shape[0] if self.ndim else None
        if length is None:
            self._refuse("known length")
        return length

    def __iter__(self) -> Iterator[Any]:
        return iter([record("function", operator.getitem, (self, index)) for index in range(len(self))])

    def __getattr__(self, name: str) -> Any:
        found = None if name.startswith("__") else getattr(Tensor, name, None)
        if name.endswith("_") and found is not None:
            raise AttributeError(f"{self!r} can't be changed in place by {name}(); use {name[:-1]}()")
        if callable(found):
            return lambda *args, **kwargs: record("method", name, (self, *args), kwargs)
        if name in ("T", "mT", "H", "mH", "real", "imag"):
            return record("function", getattr, (self, name))
        raise AttributeError(f"{self!r} has no attribute {name!r}")

    @staticmethod
    def record_layer_call(
        symbol: SymbolicTensor, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record the call of a layer; layers find this method at the type of what they are called with."""
        from torch_layers.graph.layer_calls import record_layer

        return record_layer(layer, args, kwargs)

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape} dtype={dtypes.name_of(self.dtype)} from {self.name}>"


class SymbolicSize(Symbol):
    """A number that comes later, such as the size of an unknown axis; tensor methods and arithmetic take it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<SymbolicSize from {self.name}>"

    # As unhashable as it is unknown: einops then computes with it instead of looking it up.
    __hash__ = None  # type: ignore[assignment]


def _operator(function: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    def apply(self: Symbol, *others: Any) -> Any:
        return record("function", function, (*others, self) if swapped else (self, *others))

    return apply


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"):
    _magic = _name.rstrip("_")
    setattr(Symbol, f"__{_magic}__", _operator(getattr(operator, _name)))
    setattr(Symbol, f"__r{_magic}__", _operator(getattr(operator, _name), swapped=True))
for _name in ("lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"):
    setattr(Symbol, f"__{_name}__", _operator(getattr(operator, _name)))
for _name in ("eq", "ne", "getitem"):
    setattr(SymbolicTensor, f"__{_name}__", _operator(getattr(operator, _name)))


def map_structure(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to the leaves of nested tuples, lists, dicts and slices."""
    if isinstance(value, tuple):
        items = [map_structure(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return [map_structure(function, item) for item in value]
    if isinstance(value, dict):
        return {key: map_structure(function, item) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(map_structure(function, item) for item in (value.start, value.stop, value.step)))
    return function(value)


def flatten(structure: Any) -> list[Any]:
    """List the leaves of nested tuples, lists and dicts; a dict's in the order of its sorted keys, as Keras does."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    return [structure]


def pack(structure: Any, leaves: Iterator[Any]) -> Any:
    """Put leaves, in the order of `flatten`, into a structure like this one."""
    if isinstance(structure, (list, tuple)):
        items = [pack(item, leaves) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    if isinstance(structure, dict):
        packed = {key: pack(structure[key], leaves) for key in sorted(structure)}
        return {key: packed[key] for key in structure}
    return next(leaves)


def symbols_in(value: Any) -> list[Symbol]:
    """List the symbols in nested arguments."""
    found: list[Symbol] = []
    map_structure(lambda leaf: found.append(leaf) if isinstance(leaf, Symbol) else None, value)
    return found


def new_input(target: Any, shape: Shape, dtype: torch.dtype) -> SymbolicTensor:
    """Return the symbol of an input, `target` being its `InputLayer`, or a name. Raises: ValueError for over 64 axes."""
    if len(shape) > _MOST_AXES:
        raise ValueError(f"an input of {len(shape)} axes: torch computes with {_MOST_AXES} at most")
    other = _STEPS if len(shape) <= 3 else _OTHER
    sizes = [(size, size) if size is not None else other if axis else _BATCH for axis, size in enumerate(shape)]
    samples = tuple(torch.empty([pair[k] for pair in sizes], dtype=dtype, device="meta") for k in (0, 1))
    call = Call("input", target)
    call.outputs = SymbolicTensor(call, (), samples)  # type: ignore[arg-type]
    return call.outputs  # type: ignore[no-any-return]


def record(kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
    """Record the call of a function or tensor method, and return its symbols.

    Raises: TypeError for an argument that no graph can hold; ValueError if torch can't compute it for these shapes.
    """
    call = Call(kind, target, map_structure(constant, args), map_structure(constant, kwargs or {}))
    function = target if kind == "function" else lambda first, *rest, **named: getattr(first, target)(*rest, **named)

    def run(*args: Any, **kwargs: Any) -> Any:
        with MetaDevice():
            return function(*args, **kwargs)

    return finish(call, run, (call.args, call.kwargs))


def constant(value: Any) -> Any:
    """Return an argument as a graph holds it: arrays as tensors. Raises: TypeError for what it can't hold."""
    if isinstance(value, Tensor) and value.requires_grad:
        raise TypeError(
            f"a tensor of shape {tuple(value.shape)} that takes gradients meets a symbolic tensor: what uses weights, "
            "such as a torch.nn module, must be inside a Layer"
        )
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return as_tensor(value).clone()
    plain = (Symbol, Tensor, str, int, float, complex, torch.dtype, torch.device, torch.memory_format, range)
    if value is None or value is Ellipsis or isinstance(value, plain):
        return value
    raise TypeError(f"{value!r}, a {type(value).__name__}, can't be an argument of a call on a symbolic tensor")


def finish(call: Call, run: Callable[..., Any], arguments: tuple[Any, Any]) -> Any:
    """Run a call on both samples; return what it returns, with symbols for tensors and for numbers that vary."""
    found = []
    for k in (0, 1):
        args, kwargs = map_structure(partial(sample, k=k), arguments)
        try:
            with torch.no_grad():
                found.append(run_lightly(run, *args, **kwargs))
        except ValueError as error:
            raise ValueError(f"{error}{_stand_ins(str(error), k)}") from error
        except (RuntimeError, TypeError, IndexError, NotImplementedError) as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            message = f"{call.name}: not possible for {_described(arguments)}: {reason}{_stand_ins(reason, k)}"
            raise ValueError(message) from error
    leaves, structure = pytree.tree_flatten_with_path(found[0])
    others, other_structure = pytree.tree_flatten(found[1])
    if structure != other_structure:
        raise ValueError(f"{call.name}: the number of its results depends on a size that is not known")
    symbols = [_symbol(call, path, (a, b)) for (path, a), b in zip(leaves, others, strict=True)]
    call.outputs = pytree.tree_unflatten(symbols, structure)
    return call.outputs


def sample(value: Any, k: int) -> Any:
    """Return the k-th sample of a symbol; tensors as meta tensors."""
    if isinstance(value, Symbol):
        return value.samples[k]
    return value.to("meta") if isinstance(value, Tensor) else value


def _symbol(call: Call, path: tuple[Any, ...], pair: tuple[Any, Any]) -> Any:
    first, second = pair
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.ndim > _MOST_AXES:
            raise ValueError(f"{call.name}: its result has {first.ndim} axes, torch computes with {_MOST_AXES} at most")
        if first.ndim != second.ndim:
            raise ValueError(f"{call.name}: the rank of its result depends on a size that is not known")
        return SymbolicTensor(call, path, pair)
    if isinstance(first, (int, float)) and first != second:
        return SymbolicSize(call, path, pair)
    return first


def _described(arguments: tuple[Any, Any]) -> str:
    shapes = [str(tuple(v.shape)) for v in _leaves(arguments) if isinstance(v, (SymbolicTensor, Tensor))]
    return f"shape{'s' * (len(shapes) > 1)} {', '.join(shapes)}"


def _leaves(value: Any) -> list[Any]:
    found: list[Any] = []
    map_structure(found.append, value)
    return found


def _stand_ins(message: str, k: int) -> str:
    """Return what explains the sizes of samples in a message, if there are any."""
    found = [str(pair[k]) for pair in (_BATCH, _OTHER, _STEPS) if re.search(rf"\b{pair[k]}\b", message)]
    return f" ({' and '.join(found)} standing for unknown sizes)" if found else ""
