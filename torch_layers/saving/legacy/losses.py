"""Losses of live Keras 2: their configs in the form of Keras 3, and the two that compute something else.

Source: tf_keras/src/losses.py, backend.py (binary_crossentropy) and utils/losses_utils.py (ReductionV2), 2.21.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torch_layers import registry
from torch_layers.losses import binary
from torch_layers.losses.tensors import EPSILON, Array, check_axis, identical, tensors
from torch_layers.registry import Registry

legacy_losses = Registry("loss", "torch_layers.saving.legacy.losses")
_OF_KERAS_2 = {
    "BinaryCrossentropy": "BinaryCrossentropyOfKeras2",
    "BinaryFocalCrossentropy": "BinaryFocalCrossentropyOfKeras2",
    "binary_crossentropy": "binary_crossentropy_of_keras_2",
    "binary_focal_crossentropy": "binary_focal_crossentropy_of_keras_2",
}


def modern_loss(described: dict[str, Any]) -> dict[str, Any]:
    """Return what live tf-keras says of a loss, or of a loss function, in the form of Keras 3."""
    if described["class_name"] == "function":
        name = described["config"]
        found = legacy_losses if name in _OF_KERAS_2 else registry.losses
        return {"module": found.module, "class_name": "function", "config": _OF_KERAS_2.get(name, name)}
    name, config = described["class_name"], dict(described["config"])
    # The function that the class calls, as its name says.
    config.pop("fn", None)
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    if name in _OF_KERAS_2 and described["module"] == registry.losses.module and not config["from_logits"]:
        return {**described, "module": legacy_losses.module, "class_name": _OF_KERAS_2[name], "config": config}
    return {**described, "config": config}


def _terms(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return -y_true log(p + 1e-7) - (1 - y_true) log(1 - p + 1e-7), p clipped besides."""
    p = y_pred.clamp(EPSILON, 1.0 - EPSILON)
    return -binary._either(y_true, (p + EPSILON).log(), (1.0 - p + EPSILON).log())


@legacy_losses.add
def binary_crossentropy_of_keras_2(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """As `binary_crossentropy`; probabilities get 1e-7 inside the logarithm, after they are clipped.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes differ.
    Source: tf_keras.losses.binary_crossentropy, 2.21.
    """
    if from_logits:
        return binary.binary_crossentropy(y_true, y_pred, from_logits, label_smoothing, axis)
    y_true, y_pred = identical("binary_crossentropy", *tensors(y_true, y_pred))
    check_axis("binary_crossentropy", axis, y_pred)
    return _terms(binary._smooth(y_true, label_smoothing), y_pred).mean(axis)


@legacy_losses.add
def binary_focal_crossentropy_of_keras_2(
    y_true: Array,
    y_pred: Array,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """As `binary_focal_crossentropy`; probabilities get 1e-7 inside the logarithm, after they are clipped.

    Shape: (batch, *, size) twice -> (batch, *). Raises: ValueError if the shapes differ.
    Source: tf_keras.losses.binary_focal_crossentropy, 2.21.
    """
    if from_logits:
        options = apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis
        return binary.binary_focal_crossentropy(y_true, y_pred, *options)
    y_true, y_pred = identical("binary_focal_crossentropy", *tensors(y_true, y_pred))
    check_axis("binary_focal_crossentropy", axis, y_pred)
    y_true, balance = binary._smooth(y_true, label_smoothing), alpha if apply_class_balancing else None
    return binary._focused(_terms(y_true, y_pred), y_true, y_pred, balance, gamma).mean(axis)


class BinaryCrossentropyOfKeras2(binary.BinaryCrossentropy):
    """A BinaryCrossentropy whose probabilities get 1e-7 inside the logarithm, after they are clipped.

    Shape: (batch, *) twice. Raises: ValueError if the shapes differ.
    Source: tf_keras.losses.BinaryCrossentropy, 2.21.
    """

    registry = legacy_losses

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        options = self.from_logits, self.label_smoothing, self.axis
        return binary_crossentropy_of_keras_2(y_true, y_pred, *options)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> None:  # type: ignore[override]
        return None


class BinaryFocalCrossentropyOfKeras2(binary.BinaryFocalCrossentropy):
    """A BinaryFocalCrossentropy whose probabilities get 1e-7 inside the logarithm, after they are clipped.

    Shape: (batch, *) twice. Raises: ValueError if the shapes differ.
    Source: tf_keras.losses.BinaryFocalCrossentropy, 2.21.
    """

    registry = legacy_losses

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        options = self.apply_class_balancing, self.alpha, self.gamma, self.from_logits, self.label_smoothing, self.axis
        return binary_focal_crossentropy_of_keras_2(y_true, y_pred, *options)

    def fused_mean(self, y_true: Tensor, y_pred: Tensor) -> None:  # type: ignore[override]
        return None
