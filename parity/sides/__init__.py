"""Sides: those who compute a case. A name or `package.module:attribute` says which."""

from __future__ import annotations

import importlib
from typing import Any

from parity.sides.base import Lacks, MissingSide, Side

# Each name's module is imported only when its side is made: one Keras backend fits in one process.
BUILT_IN = {
    "keras": ("parity.sides.keras", "Keras"),
    "keras-torch": ("parity.sides.keras", "KerasTorch"),
    "keras-jax": ("parity.sides.keras", "KerasJax"),
    "tf-keras": ("parity.sides.keras", "TfKeras"),
    "torch_layers": ("parity.sides.torch_layers", "TorchLayers"),
}


def check_name(name: str) -> None:
    """Raise ValueError if `name` is neither a built-in side nor of the form `package.module:attribute`."""
    from torch_layers.registry import nearest

    if name not in BUILT_IN and ":" not in name:
        raise ValueError(
            f"side {name!r} is not one of {', '.join(BUILT_IN)} or 'package.module:attribute'{nearest(name, list(BUILT_IN))}"
        )


def make(name: str, device: str = "cpu") -> Side:
    """Make the side called `name`.

    Raises: ValueError for an unknown name; MissingSide if its framework, its module or the device is missing.
    """
    check_name(name)
    module, attribute = BUILT_IN[name] if name in BUILT_IN else name.split(":", 1)
    try:
        factory: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise MissingSide(f"side {name!r} can't be loaded: {error}") from error
    made: Side = factory(device=device)
    return made


__all__ = ["BUILT_IN", "Lacks", "MissingSide", "Side", "check_name", "make"]
