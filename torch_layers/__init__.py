"""Every Keras layer, loss and activation as a plain PyTorch module: same arguments, same numbers.

Neither Keras nor TensorFlow is needed or imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch_layers import activations, constraints, graph, initializers, layers, losses, regularizers
from torch_layers.graph import Input, Model, Sequential, from_keras, optimize_for_inference, to_keras
from torch_layers.layers import *  # noqa: F403
from torch_layers.layers import __all__ as _layer_names
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.weighted import apply_constraints, penalties
from torch_layers.registry import nearest as _nearest
from torch_layers.serialization import deserialize, serialize

if TYPE_CHECKING:
    from torch_layers import saving
    from torch_layers.saving import inspect, load_model, model_from_config, model_from_json

__version__ = "0.1.0"

# What reads files takes a while to import: it waits until it is asked for.
_OF_SAVING = ("inspect", "load_model", "model_from_config", "model_from_json")

__all__ = sorted(
    [
        *("Input", "InputSpec", "Model", "Sequential", "activations", "apply_constraints", "constraints"),
        *("deserialize", "from_keras", "graph", "initializers", "layers", "losses", "penalties", "regularizers"),
        *("optimize_for_inference", "saving", "serialize", "to_keras"),
        *_OF_SAVING,
        *_layer_names,
    ]
)


def __getattr__(name: str) -> Any:
    if name == "saving" or name in _OF_SAVING:
        saving = import_module("torch_layers.saving")
        return saving if name == "saving" else getattr(saving, name)
    raise AttributeError(f"torch_layers has no {name!r}{_nearest(name, __all__)}")
