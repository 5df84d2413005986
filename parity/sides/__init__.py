"""Sides: those who compute a case. A name or `package.module:attribute` says which."""

from __future__ import annotations

import importlib
import os
import sys
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
    made: Side = named(":".join(BUILT_IN[name]) if name in BUILT_IN else name)(device=device)
    return made


def named(name: str) -> Any:
    """Return what `package.module:attribute` names; modules of the working directory count.

    Raises: ValueError for another form; MissingSide if the module can't be imported or has no such attribute.
    """
    from torch_layers.registry import nearest

    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ValueError(f"{name!r} is not of the form package.module:attribute")
    sys.path.insert(0, os.getcwd())
    try:
        home = importlib.import_module(module)
    except ImportError as error:
        raise MissingSide(f"{name!r}: {module} can't be imported here ({error})") from error
    finally:
        sys.path.remove(os.getcwd())
    if not hasattr(home, attribute):
        raise MissingSide(f"{name!r}: {module} has no {attribute!r}{nearest(attribute, dir(home))}")
    return getattr(home, attribute)


__all__ = ["BUILT_IN", "Lacks", "MissingSide", "Side", "check_name", "make", "named"]
