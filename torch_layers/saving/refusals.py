"""Everything in a config that can't be made, told at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from torch_layers.graph.conversion import refused_layers
from torch_layers.saving.content import WeightsFile
from torch_layers.saving.hdf5 import Dataset, Group
from torch_layers.serialization import CustomObjects

# A config that an error shows has this many characters at most.
_LONGEST = 300


def refusals(config: Mapping[str, Any], custom: CustomObjects | None, weights: WeightsFile | None) -> list[str]:
    """Say of each layer of a model's config that can't be made what it is: path, reason, config, shapes of its weights."""
    lines = []
    for found in refused_layers(config, custom):
        shown = json.dumps(found.config, default=str)
        shown = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
        shapes = "" if weights is None else f"; weights {dict(_shapes(weights.group, found.path)) or 'none'}"
        lines.append(f"{found.path}: {found.reason}; config {shown}{shapes}")
    return lines


def _shapes(group: Group, path: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield (path, shape) of the arrays of a layer, which legacy files keep under its name."""
    inner = group.get(path.rsplit("/", 1)[-1])
    waiting = [inner] if isinstance(inner, Group) else []
    while waiting:
        for found in waiting.pop().values():
            if isinstance(found, Dataset):
                yield found.path, found.shape
            else:
                waiting.append(found)
