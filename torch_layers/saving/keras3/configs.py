"""Configs of Keras 3 in the form that torch_layers reads: layers without quantization, operations told by a module."""

from __future__ import annotations

from typing import Any

from torch_layers.saving.keras3.operations import with_operation
from torch_layers.saving.keras3.quantization import without_quantization
from torch_layers.serialization import are_plain


def plain_config(config: Any) -> Any:
    """Return a config of Keras 3 with the policies that its quantized layers had before they were quantized, and with
    operations between layers told by a module, as in `.keras` files; in `.h5` files they are not."""
    if isinstance(config, (list, tuple)):
        return list(config if are_plain(config) else map(plain_config, config))
    if not isinstance(config, dict):
        return config
    return without_quantization(with_operation({key: plain_config(value) for key, value in config.items()}))
