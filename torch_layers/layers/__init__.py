"""Every layer, under its Keras name. A family is a folder; a module put into it joins by existing."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from torch_layers.registry import layer_functions
from torch_layers.registry import layers as _layers

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)


def _public() -> dict[str, Any]:
    return {name: _layers.find(name) for name in _layers} | {
        name: layer_functions.find(name) for name in layer_functions
    }


__all__ = sorted(name for name, thing in _public().items() if thing.__module__.startswith(f"{__name__}."))
globals().update({name: _public()[name] for name in __all__})


def __getattr__(name: str) -> Any:
    from torch_layers.registry import nearest

    raise AttributeError(f"torch_layers has no layer {name!r}{nearest(name, __all__)}")
