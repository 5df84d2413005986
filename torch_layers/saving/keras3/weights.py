"""Which array of a `.keras` or `.weights.h5` file is which weight of a model.

Source: keras/src/saving/saving_lib.py and the `save_own_variables` of keras/src/layers, 3.15.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.parameter import is_lazy

from torch_layers.layers.lora import _LoRA
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight, as_numpy
from torch_layers.registry import snake_case
from torch_layers.saving.assign import Assignment
from torch_layers.saving.errors import FileError
from torch_layers.saving.keras3.bfloat16 import as_numbers
from torch_layers.saving.keras3.quantization import dequantized, is_quantized
from torch_layers.saving.keras3.structure import DIALECTS, Dialect, Layout, walk
from torch_layers.saving.keras3.twins import Twins
from torch_layers.saving.stored import Computed

if TYPE_CHECKING:
    from torch_layers.saving.hdf5 import Dataset, Group

# Groups of what training needs: optimizers, losses, metrics and random seeds.
_LEFT_OUT = frozenset(
    {
        *("optimizer", "loss", "loss_tracker", "metrics", "compiled_loss", "compiled_metrics", "_compile_loss"),
        *("_compile_metrics", "_loss_tracker", "_metrics", "seed_generator", "_seed_generator", "_random_generator"),
    }
)
# Kinds of numpy's dtypes: truth values and integers too, which Keras casts.
_NUMBERS = "biuf"
_NUMBER = re.compile(r"_\d+$")
_ADAPTER = ("lora_a", "lora_b")


def plan(model: Weighted, group: Group, replaced: Collection[str] = ()) -> list[Assignment]:
    """Return the array that each weight of a model gets from a file of Keras 3, or of Keras 2.12 and later.

    What the file keeps for training is left out, and for layers of the classes `replaced`, if what stands for them takes
    no weights of Keras's. Layers that were never built, in the file and here, stay so.
    Raises: FileError that lists every array without a weight and every weight without an array.
    """
    plans = []
    for attempt in _attempts(model, group, {snake_case(name.rpartition(">")[2]) for name in replaced}):
        if not attempt.problems:
            return attempt.assignments
        plans.append(attempt)
    problems = min((found.problems for found in plans), key=len)
    lines = "".join(f"\n  {line}" for line in problems)
    raise FileError(group.place, f"its weights are not those of the model:{lines}")


def _attempts(model: Weighted, group: Group, replaced: set[str]) -> Iterator[_Plan]:
    """Read a file in each dialect; then as one with twins, which come last: layers of one name may well be two."""
    yield from (_Plan(model, group, dialect, replaced, None) for dialect in DIALECTS)
    twins = Twins(model)
    if twins.groups:
        yield from (_Plan(model, group, dialect, replaced, twins) for dialect in DIALECTS)


def kept_weights(module: Weighted) -> list[tuple[Weighted, Weight]]:
    """List the weights that Keras keeps at a layer. It merges those of LoRA into the kernel when it saves."""
    merged = _ADAPTER if isinstance(module, _LoRA) else ()
    return [(layer, weight) for layer, weight in module.own_weights() if weight.name not in merged]


class _FileLayout(Layout):
    """The groups of a file."""

    def __init__(self, root: Group, twins: Twins | None) -> None:
        self.root, self._twins = root, twins

    def group(self, path: str) -> Group | None:
        """Return the group of a path, or None."""
        found: Any = self.root
        for name in path.split("/"):
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else None  # type: ignore[return-value]

    def has(self, path: str) -> bool:
        return self.group(path) is not None

    def names(self, path: str) -> dict[str, str]:
        found = {}
        for key in self.group(path) or ():
            inner = self.group(f"{path}/{key}/vars")
            name = inner.attrs.get("name") if inner is not None else None
            if isinstance(name, str):
                found[name] = key
        return found

    def one_of(self, module: nn.Module) -> nn.Module:
        return module if self._twins is None else self._twins.one_of(module)


class _Plan:
    """What comes of reading a file in one dialect."""

    def __init__(
        self, model: Weighted, group: Group, dialect: Dialect, replaced: set[str], twins: Twins | None
    ) -> None:
        self._layout = _FileLayout(group, twins)
        self._planned: dict[tuple[Weighted, str], Assignment] = {}
        self._missing: dict[nn.Module, list[str]] = {}
        self._taken: set[str] = set()
        for path, module in walk(model, dialect, self._layout):
            self._take(f"{path}/vars" if path else "vars", module)
        for layers in twins.groups if twins is not None else ():
            self._share(layers)
        left = [
            f"{array.path} of shape {tuple(array.shape)}: no weight of the model is kept there"
            for array in _arrays(group)
            if array.path not in self._taken and not _is_left_out(array.path, replaced)
        ]
        self.problems = [*chain.from_iterable(self._missing.values()), *left]

    @property
    def assignments(self) -> list[Assignment]:
        return list(self._planned.values())

    def _take(self, path: str, module: nn.Module) -> None:
        """Assign the arrays of the group at `path` to the weights of one layer."""
        group = self._layout.group(path)
        arrays = {n: as_numbers(item) for n, item in (group or {}).items() if not isinstance(item, Mapping)}
        if not isinstance(module, Weighted):
            # What the caller put in a layer's place brings its own weights.
            self._taken |= {array.path for array in arrays.values()}
            return
        is_first = module not in self._missing
        if not is_first and not (self._missing[module] and arrays):
            # A layer of several models: one copy of its weights is enough.
            self._taken |= {array.path for array in arrays.values()}
            return
        self._missing[module] = []
        if is_quantized(module, list(arrays.values())):
            self._take_quantized(module, arrays, path)
        else:
            self._take_plain(module, arrays, path)
        if isinstance(module, _LoRA) and module.lora_enabled:
            for name in _ADAPTER:
                self._planned[module, name] = _fresh(module, name, path)

    def _share(self, layers: Sequence[Weighted]) -> None:
        """Give layers that were one the arrays of the only one that has some."""
        entries = [[(layer, weight.name) for layer, weight in twin.weight_entries()] for twin in layers]
        full = [keys for keys in entries if all(key in self._planned for key in keys)]
        if len(full) != 1:
            return
        for twin, keys in zip(layers, entries, strict=True):
            for (layer, name), known in zip(keys, full[0], strict=True):
                stored = self._planned[known].stored
                self._planned.setdefault((layer, name), Assignment(layer, layer._specs[name], stored))
            for module in twin.modules():
                self._missing.pop(module, None)

    def _take_plain(self, module: Weighted, arrays: Mapping[str, Any], path: str) -> None:
        for number, (layer, weight) in enumerate(kept_weights(module)):
            array = arrays.get(str(number))
            if array is not None and array.dtype.kind not in _NUMBERS:
                self._taken.add(array.path)
                self._missing[module].append(f"{array.path} holds {array.dtype}, no numbers")
            elif array is not None:
                self._taken.add(array.path)
                # A weight that is kept at two places, as SpectralNormalization's kernel, gets the array of the last one.
                self._planned[layer, weight.name] = Assignment(layer, weight, array)
            elif not is_lazy(getattr(layer, weight.name)) or arrays:
                self._missing[module].append(
                    f"{path}/{number} is missing: {weight.keras_name!r} of {type(layer).__name__} {layer.name!r}, "
                    f"of shape {layer._keras_shapes.get(weight.name, 'unknown')}"
                )

    def _take_quantized(self, layer: Weighted, arrays: Mapping[str, Any], path: str) -> None:
        ordered = [arrays[name] for name in map(str, range(len(arrays))) if name in arrays]
        self._taken |= {array.path for array in ordered}
        try:
            found = dequantized(layer, ordered, path)
        except FileError as error:
            self._missing[layer].append(str(error))
            return
        for name, stored in found.items():
            self._planned[layer, name] = Assignment(layer, layer._specs[name], stored)


def _fresh(layer: _LoRA, name: str, path: str) -> Assignment:
    """Give a weight of LoRA an initial value: the adapter changes nothing yet."""
    weight, shape = layer._specs[name], layer._keras_shapes[name]
    assert weight.initializer is not None
    initializer = weight.initializer
    return Assignment(
        layer, weight, Computed(f"{path}/{name}", shape, lambda: as_numpy(initializer(shape, dtype=weight.dtype)))
    )


def _is_left_out(path: str, replaced: set[str]) -> bool:
    parts = path.split("/")
    return not _LEFT_OUT.isdisjoint(parts) or any(_NUMBER.sub("", part) in replaced for part in parts)


def _arrays(group: Group) -> Iterator[Dataset]:
    for item in group.values():
        if isinstance(item, Mapping):
            yield from _arrays(item)
        else:
            yield item
