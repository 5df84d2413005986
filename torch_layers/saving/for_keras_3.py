"""What is done to a config, whatever the format, so that Keras 3 can load it; and what is said where it can't."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

# The version whose form is written.
VERSION = "3.15.0"
# Arguments of 3.15 that earlier versions don't know, and the values under which those compute the same.
_NEWS = {
    "input_axes": None,
    "output_axes": None,
    "quantization_config": None,
    "sliding_window": None,
    "use_gate": False,
}


def without_news(config: Any) -> Any:
    """Leave out arguments that earlier Keras 3 refuses, as it does not know them, where they say what it does anyway."""
    if isinstance(config, Mapping):
        kept = {key: value for key, value in config.items() if key not in _NEWS or value is not _NEWS[key]}
        return {key: without_news(value) for key, value in kept.items()}
    return [without_news(item) for item in config] if isinstance(config, (list, tuple)) else config


def warn_of_older_meanings(text: str) -> None:
    """Warn if a model's description, as JSON, names layers or functions that only Keras 1 or 2 had."""
    if '"torch_layers.saving.legacy.' in text:
        warnings.warn(
            "the file holds layers or functions of Keras 1 or 2, not in their form: torch_layers reads it, no Keras",
            stacklevel=2,
        )
