"""Every Keras layer, loss and activation as a plain PyTorch module: same arguments, same numbers.

Neither Keras nor TensorFlow is needed or imported.
"""

from __future__ import annotations

from typing import Any

from torch_layers import activations, constraints, graph, initializers, layers, losses, regularizers
from torch_layers.graph import Input, Model, Sequential, from_keras, optimize_for_inference, to_keras
from torch_layers.layers import *  # noqa: F403
from torch_layers.layers import __all__ as _layer_names
from torch_layers.layers.base import InputSpec, Layer
from torch_layers.layers.weighted import apply_constraints, penalties
from torch_layers.serialization import deserialize, serialize

__version__ = "0.1.0"

__all__ = sorted(
    [
        *("Input", "InputSpec", "Model", "Sequential", "activations", "apply_constraints", "constraints"),
        *("deserialize", "from_keras", "graph", "initializers", "layers", "losses", "penalties", "regularizers"),
        *("optimize_for_inference", "serialize", "to_keras"),
        *_layer_names,
    ]
)


def __getattr__(name: str) -> Any:
    from torch_layers.registry import nearest

    raise AttributeError(f"torch_layers has no {name!r}{nearest(name, __all__)}")
