"""Configs in which one value is of another kind: each node of honest configs, replaced by each of a list."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.torch_layers.saving.hostile.corpus import Hostile
from tests.torch_layers.saving.hostile.honest import Config, as_json, old_small, small
from tests.torch_layers.saving.keras3.each_layer import NAMES, around

_ARRAY = {"class_name": "__numpy__", "config": {"value": [[1, 2]], "dtype": "float32"}}
_TENSOR = {"class_name": "__tensor__", "config": {"value": [float("inf")], "dtype": "int32"}}
_CONSTANT = {"module": "keras.initializers", "class_name": "Constant", "config": {"value": []}}
_EVAL = {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"}
WRONG: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        7,
        1.5,
        10**12,
        10**30,
        1e300,
        "",
        "x",
        "relu",
        "../x",
        [],
        {},
        [0],
        [[]],
        [None, 5],
        ["a", "b"],
    ),
    *(
        {"a": 1},
        [1, 2, 3, 4, 5, 6, 7],
        [10**10] * 3,
        {"class_name": "Dense", "config": {"units": 3}},
        {"class_name": "x"},
    ),
    *(
        "x" * 100_000,
        list(range(20_000)),
        {"class_name": [], "config": []},
        _ARRAY,
        _TENSOR,
        _CONSTANT,
        _EVAL,
    ),
)
# So many are drawn of all, some 60,000; the environment variable asks for another number, or "all".
DRAWN = os.environ.get("TORCH_LAYERS_HOSTILE_VALUES", "1500")


def files(traps: Path) -> Iterator[Hostile]:
    """Yield configs as JSON: all that have a wrong value in a small model, and some of each layer."""
    for name, config in {"small": small(), "old": old_small()}.items():
        for number, (path, value) in enumerate(_choices(config)):
            yield Hostile(f"{name}-{number}.json", as_json(_replaced(config, path, value)), _said(path, value))
    models = of_each_layer()
    choices = [(name, path, value) for name, model in models.items() for path, value in _choices(model)]
    generator = np.random.default_rng(3)
    count = len(choices) if DRAWN == "all" else int(DRAWN)
    for number in generator.permutation(len(choices))[:count]:
        name, path, value = choices[number]
        content = as_json(_replaced(models[name], path, value))
        yield Hostile(f"{name}-{number}.json", content, f"{name}: {_said(path, value)}")


def of_each_layer() -> dict[str, Config]:
    """Return the config of a model around each layer."""
    return {name: json.loads(around(name)[0].to_json()) for name in NAMES}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each node."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def _choices(config: Config) -> Iterator[tuple[tuple[Any, ...], Any]]:
    return ((path, value) for path in paths(config) if path for value in (*WRONG, _DROPPED))


_DROPPED = object()


def _replaced(config: Config, path: tuple[Any, ...], value: Any) -> Config:
    changed = copy.copy(config)
    at: Any = changed
    for key in path[:-1]:
        at[key] = copy.copy(at[key])
        at = at[key]
    if value is _DROPPED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


def _said(path: tuple[Any, ...], value: Any) -> str:
    shown = "nothing" if value is _DROPPED else f"{value!r}"[:60]
    return f"{shown} at {'/'.join(map(str, path))}"
