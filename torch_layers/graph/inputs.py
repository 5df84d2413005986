"""What a functional model expects of its inputs, and how it makes that of whatever it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_layers.graph.drawing import unique_names
from torch_layers.graph.symbols import Shape, flatten
from torch_layers.layers.core.input_layer import InputLayer
from torch_layers.layers.weights import as_tensor


@dataclass(frozen=True)
class Inputs:
    """The inputs of a model, in order. `keys` are those of the dict that they were given as, if it was one.

    `dtypes` follow `.half()` and the like, `declared` are those of the symbols; None takes any.
    """

    names: list[str]
    keys: list[str] | None
    shapes: list[Shape]
    dtypes: list[torch.dtype | None]
    declared: list[torch.dtype | None]
    optional: list[bool]

    @staticmethod
    def of(structure: Any) -> Inputs:
        """Return what symbols, in their structure, say of the inputs."""
        symbols = flatten(structure)
        names = unique_names(((symbol, symbol.name, False) for symbol in symbols), lambda name: False)
        dtypes = [symbol.dtype for symbol in symbols]
        targets = [symbol.call.target for symbol in symbols]
        return Inputs(
            [names[symbol] for symbol in symbols],
            sorted(structure) if isinstance(structure, dict) else None,
            [symbol.shape for symbol in symbols],
            dtypes,
            dtypes,
            [isinstance(target, InputLayer) and target.optional for target in targets],
        )

    def applied(self, function: Callable[[Tensor], Tensor]) -> Inputs:
        """Return the same after `.half()` or another function of the weights."""
        dtypes = [dtype and function(torch.empty(0, dtype=dtype)).dtype for dtype in self.dtypes]
        return replace(self, dtypes=dtypes)

    def direct(self) -> tuple[torch.dtype | None, torch.Size | None]:
        """Return the dtype and the sizes behind the batch axis of a lone input, if they are all known; else None."""
        lone = len(self.shapes) == 1 and len(self.shapes[0]) > 0 and None not in self.shapes[0][1:]
        return (self.dtypes[0], torch.Size(self.shapes[0][1:])) if lone else (None, None)  # type: ignore[arg-type]

    def in_order(self, given: Any) -> list[Any]:
        """List what the model is called with in the order of its inputs. Raises: ValueError if it is something else."""
        if isinstance(given, Mapping):
            keys = self.keys or self.names
            if all(key in given for key in keys):
                values = [leaf for key in keys for leaf in flatten(given[key])]
                if len(values) == len(self.names):
                    return values
            raise ValueError(f"called with the inputs {sorted(given)}, needed are {sorted(keys)}")
        values = flatten(given) if isinstance(given, (list, tuple)) else [given]
        if len(values) != len(self.names):
            count = f"{len(values)} input{'s' * (len(values) != 1)}"
            raise ValueError(f"called with {count}, needed are {len(self.names)}: {', '.join(self.names)}")
        return values

    def check(self, given: Any) -> None:
        """Raise ValueError if symbols have not the shapes of the inputs."""
        for index, value in enumerate(self.in_order(given)):
            if value is not None:
                self.adjusted(index, value.shape)

    def converted(self, given: Any, device: torch.device) -> list[Any]:
        """List the inputs as tensors of the dtypes and ranks that the model expects; arrays on `device`."""
        return [self._convert(index, value, device) for index, value in enumerate(self.in_order(given))]

    def _convert(self, index: int, value: Any, device: torch.device) -> Any:
        if value is None:
            if not self.optional[index]:
                raise ValueError(f"input {self.names[index]!r} is None, but not optional")
            return None
        if isinstance(value, (np.ndarray, np.generic, int, float)):
            value = as_tensor(np.asarray(value)).to(device)
        elif not isinstance(value, Tensor):
            return value  # such as a proxy of torch.fx
        # Integers become what was declared, whatever `.half()` did: half precision would round large ones.
        floating = value.is_floating_point() or value.is_complex()
        dtype = self.dtypes[index] if floating else self.declared[index]
        if dtype is not None and value.dtype is not dtype:
            # The meta device, on which the model is drawn inside another one, knows no autocast.
            by_autocast = floating and not value.is_meta and torch.is_autocast_enabled(value.device.type)
            value = value if by_autocast else value.to(dtype)
        axes = self.adjusted(index, value.shape)
        return value if axes == 0 else value.unsqueeze(-1) if axes > 0 else value.squeeze(-1)

    def adjusted(self, index: int, shape: Any) -> int:
        """Return how many last axes of size 1 an input of `shape` gets, -1 if it loses one, as Keras allows it.

        Raises: ValueError if it doesn't fit.
        """
        expected = self.shapes[index]
        if _fits(shape, expected):
            return 0
        if expected[-1:] == (1,) and _fits((*shape, 1), expected):
            return 1
        if shape[-1:] == (1,) and _fits(shape[:-1], expected):
            return -1
        raise ValueError(f"input {self.names[index]!r} has shape {tuple(shape)}, the model takes {expected}")


def _fits(shape: Any, expected: Any) -> bool:
    """Tell whether sizes agree where both are known, the batch axis left out."""
    if len(shape) != len(expected):
        return False
    for axis in range(1, len(expected)):
        if shape[axis] != expected[axis] and expected[axis] is not None and shape[axis] is not None:
            return False
    return True
