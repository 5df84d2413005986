"""JSON from a file that is not trusted: one object, no deeper, larger or stranger than a config can be."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from torch_layers.saving.errors import FileError
from torch_layers.serialization import are_plain

# A model in a model in a model takes four levels each; drawing a graph of this depth stays far from Python's limit.
_DEEPEST = 200
# Bytes or characters of a text: the largest config of keras.applications has 1 MB.
LARGEST = 16 << 20
# Values that a text may hold: the largest config of keras.applications has 64,000. A value takes 200 bytes at most.
_MOST_VALUES = 1_000_000


def read_json(content: bytes | str, place: str) -> dict[str, Any]:
    """Return the object that JSON text holds.

    Raises: FileError for what is no JSON, no object, larger than 16 MB, deeper than 200 levels, of more than a million
    values, has a key twice, NaN or a broken encoding.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            key, count = Counter(key for key, _ in pairs).most_common(1)[0]
            raise FileError(place, f"the key {key!r} stands there {count} times in one object")
        return found

    def constant(name: str) -> float:
        # Keras itself writes infinite bounds, as of a clip, in this way.
        if name == "NaN":
            raise FileError(place, "NaN is no JSON")
        return float(name)

    if len(content) > LARGEST:
        raise FileError(place, f"has the size {len(content)}, a config has {LARGEST} at most")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        values = sum(text.count(mark) for mark in ",[{")
        if values > _MOST_VALUES:
            raise FileError(place, f"the JSON holds about {values} values, {_MOST_VALUES} are allowed")
        found = json.loads(text, object_pairs_hook=unique, parse_constant=constant)
    except RecursionError:
        raise FileError(place, "the JSON is nested too deeply to be read") from None
    except FileError:
        raise
    except ValueError as error:  # broken UTF-8 and integers of more than 4,300 digits too
        raise FileError(place, f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise FileError(place, f"holds a JSON {type(found).__name__}, not an object")
    _check_depth(found, place)
    return found


def _check_depth(document: Any, place: str) -> None:
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict) or not are_plain(outer)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise FileError(place, f"the JSON is nested more than {_DEEPEST} levels deep")
