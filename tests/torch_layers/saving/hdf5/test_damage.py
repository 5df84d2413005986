"""Files that were cut short or have a wrong bit: they are read as they were, or refused with a sentence, soon."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.torch_layers.saving.hdf5 import samples, walking
from torch_layers.saving.errors import FileError
from torch_layers.saving.hdf5 import storage
from torch_layers.saving.hdf5.chunks import decoding

CHECKED = sorted(samples.GOLDEN.glob("*checksums.h5"))
FILES = sorted(samples.GOLDEN.glob("*.h5"))
FLIPS = 500 // len(FILES)
# Each of so many flips also has its memory traced, which takes ten times as long as reading does.
TRACED = 10


@pytest.fixture(autouse=True, scope="module")
def _checksums_are_remembered() -> Iterator[None]:
    """One wrong bit changes a checksum or two, and to compute the others again would take longest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "lookup3", cache(storage.lookup3))
        patch.setattr(decoding, "fletcher32", cache(decoding.fletcher32))
        yield


def read_or_refused(file: bytes, *, traced: bool = False) -> dict[str, object] | str:
    """Return all that is in a file, or why it is refused, in at most 10 s and little memory."""
    if traced:
        tracemalloc.start()
    start = time.process_time()
    try:
        found: dict[str, object] | str = walking.content_of(file)
    except (FileError, NotImplementedError, OSError) as error:
        found = str(error)
        assert "made.h5" in found
    assert time.process_time() - start < 10
    if traced:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < (1 << 20) + 4 * len(file)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cut_short(path: Path) -> None:
    file = path.read_bytes()
    for tenth in range(10):
        refusal = read_or_refused(file[: len(file) * tenth // 10])
        assert isinstance(refusal, str)
        assert "is truncated" in refusal or "is not an HDF5 file" in refusal


def flipped(file: bytes, seed: int) -> tuple[bytes, str]:
    at, bit = np.random.default_rng(seed).integers([len(file), 8])
    return file[:at] + bytes([file[at] ^ 1 << bit]) + file[at + 1 :], f"bit {bit} of byte {at}"


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_a_wrong_bit_is_found_by_the_checksums(path: Path) -> None:
    """Where all metadata and data have checksums, what is read is what was written."""
    file = path.read_bytes()
    expected = samples.expected(checksums=True)
    refused = 0
    for seed in range(FLIPS):
        damaged, where = flipped(file, seed)
        found = read_or_refused(damaged, traced=seed % TRACED == 0)
        if isinstance(found, str):
            refused += 1
        else:
            assert sorted(found) == sorted(expected), where
            assert all(walking.same(value, expected[name]) for name, value in found.items()), where
    # The rest of the bits lie in parts of the file that nothing uses.
    assert refused > FLIPS // 4


@pytest.mark.parametrize("path", [path for path in FILES if path not in CHECKED], ids=lambda path: path.stem)
def test_a_wrong_bit_does_no_harm(path: Path) -> None:
    """Without checksums a number can come out changed; but nothing that was never written, and no other error."""
    file = path.read_bytes()
    found = [read_or_refused(flipped(file, seed)[0], traced=seed % TRACED == 0) for seed in range(FLIPS)]
    assert any(isinstance(one, str) for one in found)


def test_wrong_bytes_in_the_metadata_do_no_harm() -> None:
    """Bytes that say how large, how many or where, one by one, in a file whose metadata has no checksums."""
    file = (samples.GOLDEN / "hdf5-1.14-default.h5").read_bytes()
    for start in (b"TREE", b"SNOD", b"HEAP", b"GCOL"):
        at = file.find(start)
        for i in range(4, 40):
            for value in (1, 0xFF):
                read_or_refused(file[: at + i] + bytes([value]) + file[at + i + 1 :])
