"""`parity verify`: whole models that are named as package.module:callable."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from parity.sides import named
from parity.sides.keras_package import load
from parity.transfer import pairings, send
from parity.whole.compare import Whole, compare_models
from torch_layers.graph import from_keras
from torch_layers.registry import nearest

WEIGHTS = ("random", "own")


def verify(keras: str, torch: str | None, weights: str) -> Whole:
    """Compare the Keras model that `keras` names with the torch module that `torch` names, or with from_keras's.

    Raises: ValueError for a name that leads nowhere, for what is no model, and for unknown `weights`; MissingSide if
    what a name needs can't be imported.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"--weights {weights!r} is not one of {WEIGHTS}{nearest(weights, list(WEIGHTS))}")
    load("keras", "tensorflow")
    found = _callable(keras)
    # What could download weights gets none when they are drawn anyway.
    has_weights = weights == "random" and "weights" in inspect.signature(found).parameters
    make = partial(found, weights=None) if has_weights else found
    convert = from_keras if torch is None else _own(_callable(torch))
    return compare_models(make, name=keras, convert=convert, own_weights=weights == "own")


def _callable(name: str) -> Callable[..., Any]:
    found = named(name)
    if not callable(found):
        raise ValueError(f"{name!r} is a {type(found).__name__}, not something to call")
    return found  # type: ignore[no-any-return]


def _own(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """Return a conversion that makes a user's module and gives it Keras's weights, where both agree on how."""

    def convert(model: Any) -> Any:
        dtype = model.weights[0].dtype if model.weights else "float32"
        module = make()
        module = module.double() if dtype == "float64" else module.float()
        arrays = model.get_weights()
        named = [(weight.path, array) for weight, array in zip(model.weights, arrays, strict=True)]
        send(arrays, module, pairings(named, module))
        return module.eval()

    return convert
