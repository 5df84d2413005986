"""Honest files that were cut short, or have a wrong bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import h5, keras_file, old_file, small, small_weights

FLIPS = 500


def honest_files() -> dict[str, bytes]:
    """Return an honest file of each format."""
    return {
        "model.keras": keras_file(small()),
        "deflated.keras": keras_file(small(), compressed=True),
        "model.h5": old_file(),
        "model.weights.h5": h5(small_weights()),
    }


def files(traps: Path) -> Iterator[Hostile]:
    """Yield each file cut at every tenth, and with each of 500 bits turned."""
    for name, content in honest_files().items():
        stem, _, ending = name.partition(".")
        for tenth in range(10):
            cut = content[: len(content) * tenth // 10]
            yield Hostile(f"cut-{stem}-{tenth}.{ending}", cut, f"{name} cut at {tenth} tenths")
        generator = np.random.default_rng(5)
        for flip in range(FLIPS):
            at, bit = generator.integers([len(content), 8])
            flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
            yield Hostile(f"flip-{stem}-{flip}.{ending}", flipped, f"{name} with bit {bit} of byte {at} turned")
