"""Live Keras, for tests marked `keras`: made at the first test that asks, so that collecting needs no TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest

from parity import sides


@pytest.fixture(scope="session")
def keras_side() -> Any:
    """Keras on TensorFlow, as parity runs it. It imports torch first. Raises: MissingSide, with the install command."""
    return sides.make("keras")


@pytest.fixture(scope="session")
def keras(keras_side: Any) -> Any:
    return keras_side.keras
