"""Files that HDF5 libraries of different age wrote, read where no HDF5 library is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import samples, walking
from torch_layers.saving.hdf5 import Dataset, Group, open_hdf5
from torch_layers.saving.source import opened

FILES = sorted(samples.GOLDEN.glob("*.h5"))


def test_there_are_golden_files() -> None:
    assert len(FILES) >= 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_is_read(path: Path) -> None:
    expected = samples.expected(checksums="checksums" in path.name)
    with opened(path) as source:
        found = walking.content(open_hdf5(source))
    assert sorted(found) == sorted(expected)
    different = {name: value for name, value in found.items() if not walking.same(value, expected[name])}
    assert not different


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_members_come_in_the_order_of_their_names(path: Path) -> None:
    with opened(path) as source:
        for member in walking.members(open_hdf5(source)):
            assert list(member.attrs) == sorted(member.attrs)
            if isinstance(member, Group):
                assert list(member) == sorted(member)
                assert len(member) == len(list(member))


@pytest.fixture
def root():
    with opened(samples.GOLDEN / "hdf5-1.14-default.h5") as source:
        yield open_hdf5(source)


def test_a_path_leads_through_groups(root: Group) -> None:
    scalar = root["scalar"]
    assert isinstance(scalar, Dataset)
    assert root["numbers/bool"] is root["numbers"]["bool"]  # type: ignore[index]
    assert "numbers/bool" in root
    assert "numbers/nothing" not in root
    assert "scalar/more" not in root
    assert root.get("nothing/there") is None
    assert scalar.path == "/scalar"
    assert scalar.nbytes == 4


def test_a_name_that_is_missing_is_told_with_its_place(root: Group) -> None:
    with pytest.raises(KeyError, match=r"default\.h5:/numbers: has no member 'i3'"):
        root["numbers/i3"]
    with pytest.raises(ValueError, match=r"default\.h5:/scalar: is a data set and has no member 'i3'"):
        root["scalar/i3"]
    with pytest.raises(KeyError, match=r"default\.h5:/attributes: has no attribute 'absent'"):
        root["attributes"].attrs["absent"]


def test_reading_into_needs_an_array_of_the_same_kind(root: Group) -> None:
    table = root["chunks/fixed/plain"]
    assert isinstance(table, Dataset)
    with pytest.raises(ValueError, match=r"holds float32 of shape \(9, 10\), not float64 of shape \(9, 10\)"):
        table.read_into(np.zeros((9, 10)))
    with pytest.raises(ValueError, match=r"not float32 of shape \(10, 9\)"):
        table.read_into(np.zeros((10, 9), np.float32))
    with pytest.raises(ValueError, match="C-contiguous and writeable"):
        table.read_into(np.zeros((10, 9), np.float32).T)
    texts = root["texts/variable"]
    assert isinstance(texts, Dataset)
    with pytest.raises(ValueError, match="holds object"):
        texts.read_into(np.empty(5, object))


def test_numbers_are_read_straight_into_place(root: Group) -> None:
    """Each byte goes from the file into the array, in the array's byte order."""
    for order in ("little", "big"):
        values = root[f"numbers/{order} f8"]
        assert isinstance(values, Dataset)
        target = np.zeros((3, 5))
        values.read_into(target)
        assert target.dtype.byteorder == "="
        assert np.array_equal(target, samples.numbers("f8"))
