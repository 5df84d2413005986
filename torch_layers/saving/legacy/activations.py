"""Activations that Keras 1 and 2 computed in another way than Keras 3 does under the same name."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_layers.registry import Registry

legacy_activations = Registry("activation", "torch_layers.saving.legacy.activations")


@legacy_activations.add
def legacy_hard_sigmoid(x: Tensor) -> Tensor:
    """y = min(max(0.2x + 0.5, 0), 1): the `hard_sigmoid` of Keras 1 and 2. That of Keras 3 has the slope 1/6.

    Keras 3 has no function that computes this one. A config names it as a function of the module
    "torch_layers.saving.legacy.activations"; Keras 3 loads it with `custom_objects={"legacy_hard_sigmoid": lambda x:
    keras.ops.clip(0.2 * x + 0.5, 0, 1)}`, Keras 2 under its own name "hard_sigmoid".
    Source: keras/backend/tensorflow_backend.py, Keras 2.3; tf_keras/src/backend.py, 2.21.
    """
    return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)


HARD_SIGMOID = {
    "module": legacy_activations.module,
    "class_name": "function",
    "config": "legacy_hard_sigmoid",
    "registered_name": "legacy_hard_sigmoid",
}
