"""Honest files, changed at random: bytes of HDF5 and of archives, values of configs. For 10 seconds, or as long as
TORCH_LAYERS_FUZZ_SECONDS says; TORCH_LAYERS_FUZZ_SEED begins with other changes.
"""

from __future__ import annotations

import copy
import itertools
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py", reason="the hostile files are made with h5py")
pytest.importorskip("hypothesis", reason="draws the changes")

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.torch_layers.saving.hostile import damage, honest, values, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read as Linux tells it")

_files, _of_each_layer = cache(damage.honest_files), cache(values.of_each_layer)
SECONDS = float(os.environ.get("TORCH_LAYERS_FUZZ_SECONDS", "10"))

_SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)),
    st.sampled_from(
        ["relu", "same", "channels_first", "float16", "keras.layers", "Dense", "function", "__tensor__", "i"]
    ),
    st.sampled_from([0, -1, 10**6, 10**9, 10**12, 2**63]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["class_name", "config", "module"]), inner, max_size=4)
    ),
    max_leaves=8,
)
# (place, in parts of the whole; what is put there; how many bytes of before are lost)
_EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=8), st.integers(0, 8)), min_size=1, max_size=4
)


def edited(content: bytes, edits: list[tuple[float, bytes, int]]) -> bytes:
    """Return bytes with some replaced, lost or added."""
    for place, new, lost in edits:
        at = int(place * len(content))
        content = content[:at] + new + content[at + lost :]
    return content


@st.composite
def configs(draw: Any) -> honest.Config:
    """Draw a config of which some values are others, or each other's."""
    known = {"small": honest.small(), "old": honest.old_small(), **_of_each_layer()}
    config = copy.deepcopy(known[draw(st.sampled_from(sorted(known)))])
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in values.paths(config) if path]
        if not places:
            break
        path = places[draw(st.integers(0, len(places) - 1))]
        value: Any = draw(_VALUES)
        if draw(st.booleans()):
            value = config
            for key in places[draw(st.integers(0, len(places) - 1))]:
                value = value[key]
        at: Any = config
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = copy.deepcopy(value)
    return config


@st.composite
def files(draw: Any) -> tuple[str, bytes]:
    """Draw (name, content) of a file."""
    kind = draw(st.sampled_from(["bytes", "weights", "config", "json", "old"]))
    if kind == "bytes":
        name = draw(st.sampled_from(sorted(_files())))
        return name, edited(_files()[name], draw(_EDITS))
    if kind == "weights":  # in an archive whose checksum is right
        return "model.keras", honest.keras_file(honest.small(), edited(honest.h5(honest.small_weights()), draw(_EDITS)))
    text = honest.as_json(draw(configs()))
    if kind == "config":
        return "model.keras", honest.keras_file(text)
    return ("model.json", text) if kind == "json" else ("model.h5", honest.old_file(text[:60_000].replace(b"\0", b"")))


def test_changed_files_do_no_harm(watched: watching.Watched, tmp_path: Path) -> None:
    watched.judge(tmp_path)  # it starts before the time counts
    until, tried = time.monotonic() + SECONDS, 0

    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(files())
    def some(file: tuple[str, bytes]) -> None:
        nonlocal tried
        name, content = file
        path = tmp_path / name
        path.write_bytes(content)
        wrong = [verdict for verdict in watched.judge(path) if verdict.outcome == "failed"]
        tried += 1
        assert not wrong, f"{wrong}\n{content[:4000]!r}"

    rounds = itertools.count(int(os.environ.get("TORCH_LAYERS_FUZZ_SEED", "0")))
    while time.monotonic() < until:
        seed(next(rounds))(some)()
    assert tried
    print(f"{tried} files in {SECONDS:.0f} s")
