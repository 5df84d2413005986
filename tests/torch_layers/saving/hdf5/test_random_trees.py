"""Random trees of groups, arrays and attributes, written by h5py and read back equal."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import walking
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.source import in_memory

h5py = pytest.importorskip("h5py", reason="needs h5py")
hypothesis = pytest.importorskip("hypothesis", reason="needs hypothesis")
st = hypothesis.strategies
pytestmark = pytest.mark.keras

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name != "."
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
DTYPES = st.sampled_from(["i1", "<u2", ">i4", "<i8", "<f2", ">f2", "<f4", ">f4", "<f8", "?"])
SHAPES = st.lists(st.integers(0, 7), max_size=3).map(tuple)


@st.composite
def arrays(draw: Any) -> np.ndarray[Any, Any]:
    kind, shape = np.dtype(draw(DTYPES)), draw(SHAPES)
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).integers(-120 if kind.kind in "if" else 0, 120, shape)
    return (values % 2 if kind.kind == "b" else values).astype(kind)


ATTRIBUTES = st.one_of(TEXTS, st.lists(TEXTS, min_size=1, max_size=5), st.integers(-(2**63), 2**63 - 1), arrays())
CHUNKING = st.fixed_dictionaries(
    {"chunked": st.booleans(), "grows": st.booleans(), "compression": st.sampled_from([None, 0, 4, 9])}
    | {"shuffle": st.booleans(), "fletcher32": st.booleans()}
)
LEAVES = st.tuples(arrays(), CHUNKING, st.dictionaries(NAMES, ATTRIBUTES, max_size=3))
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(inner, LEAVES), max_size=12),
    max_leaves=20,
)


def write(group: Any, tree: dict[str, Any]) -> None:
    for name, member in tree.items():
        if isinstance(member, dict):
            write(group.create_group(name), member)
            continue
        values, how, attributes = member
        options: dict[str, Any] = {}
        if values.size and values.ndim and how["chunked"]:
            options = {key: how[key] for key in ("compression", "shuffle", "fletcher32")}
            options |= {"chunks": tuple(-(-n // 2) for n in values.shape)}
            options |= {"maxshape": (None, *values.shape[1:]) if how["grows"] else None}
        dataset = group.create_dataset(name, data=values, **options)
        for key, value in attributes.items():
            dataset.attrs[key] = value


@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
@hypothesis.given(
    tree=TREES,
    attributes=st.dictionaries(NAMES, ATTRIBUTES, max_size=12),
    libver=st.sampled_from(["earliest", "v108", "v110", "latest"]),
    userblock=st.sampled_from([0, 512]),
)
def test_read_back_equal(tree: dict[str, Any], attributes: dict[str, Any], libver: str, userblock: int) -> None:
    file = io.BytesIO()
    with h5py.File(file, "w", libver=libver, userblock_size=userblock) as made:
        write(made, tree)
        for key, value in attributes.items():
            made.attrs[key] = value
    with h5py.File(file) as made:
        walking.check_equal(open_hdf5(in_memory(file.getvalue(), "made.h5")), made, h5py)
