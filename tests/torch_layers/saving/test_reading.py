"""Arrays get into their tensors in pieces, by several threads, as they would at once; in little memory; damage is found."""

from __future__ import annotations

import io
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

import torch_layers as tl
from torch_layers.layers.weights import Layout
from torch_layers.saving import FileError, reading, workers
from torch_layers.saving.hdf5 import open_hdf5
from torch_layers.saving.reading import read_values
from torch_layers.saving.source import Source, in_memory, opened

h5py = pytest.importorskip("h5py", reason="the files are made with h5py")

DTYPES = {np.float32: torch.float32, np.float64: torch.float64, np.float16: torch.float16, np.int32: torch.int32}
# A pattern, and shapes in Keras's layout.
LAYOUTS = {
    "... -> ...": [(), (7,), (5, 3), (4, 3, 2, 2), (0, 3)],
    "i o -> o i": [(7, 5), (1, 5), (64, 70), (0, 3)],
    "i i+f+c+o -> i+f+c+o i": [(7, 12)],
    "i z+r+h -> r+z+h i": [(7, 12), (70, 66)],
    "z+r+h -> r+z+h": [(6,)],
    "h w i o -> o i h w": [(3, 2, 9, 5), (1, 1, 64, 65)],
    "h w o i -> i o h w": [(3, 2, 9, 5)],
    "t h w i o -> o i t h w": [(2, 3, 2, 9, 5)],
    "h w c m -> (c m) 1 h w": [(3, 2, 4, 2)],
}


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of a few rows, and threads for all."""
    monkeypatch.setattr(reading, "_STRAIGHT", 40)
    monkeypatch.setattr(reading, "_TURNED", 300)
    monkeypatch.setattr(reading, "_LARGE", 1)
    monkeypatch.setattr(workers, "_processors", lambda: 3)


@pytest.mark.parametrize("pattern", LAYOUTS)
@pytest.mark.parametrize("chunked", [False, True])
def test_values_are_those_of_the_array(pattern, chunked, tmp_path, small_pieces):
    layout, random = Layout(pattern), np.random.default_rng(0)
    arrays = {
        f"{number} {np.dtype(dtype)}": np.asarray(random.normal(size=shape) * 100, dtype)
        for number, shape in enumerate(LAYOUTS[pattern])
        for dtype in DTYPES
    }
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, chunks=True if chunked and array.size > 1 else None)
    wanted = [(name, dtype) for name in arrays for dtype in (*DTYPES.values(), torch.bfloat16)]
    with opened(tmp_path / "f.h5") as source:
        group = open_hdf5(source)
        values = read_values([(layout, group[name], dtype) for name, dtype in wanted], source)
    for (name, dtype), value in zip(wanted, values, strict=True):
        expected = layout.to_torch(torch.from_numpy(arrays[name])).to(dtype)
        assert value.dtype is dtype
        assert value.is_contiguous()
        assert torch.equal(value, expected)


@pytest.mark.parametrize("shape", [(1 << 10, 1 << 12), (3, 3, 1 << 8, 1 << 11)])
def test_little_memory_is_in_flight(shape, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_processors", lambda: 2)
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["a"] = array
    layout = Layout("i o -> o i" if len(shape) == 2 else "h w i o -> o i h w")
    with opened(tmp_path / "f.h5") as source:
        stored = open_hdf5(source)["a"]
        tracemalloc.start()  # it sees what numpy takes, not the tensor
        try:
            (value,) = read_values([(layout, stored, torch.float32)], source)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert torch.equal(value, layout.to_torch(torch.from_numpy(array)))
    assert 1 << 20 < peak < 5 << 20


def test_only_a_file_of_our_own_is_read_by_threads(tmp_path, monkeypatch, small_pieces):
    array = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["a"] = array
    met = set()

    class Seen(io.BytesIO):
        def readinto(self, target):
            met.add(threading.current_thread())
            return super().readinto(target)

    content = (tmp_path / "f.h5").read_bytes()
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread is started"))
    with opened(Seen(content)) as source:
        (value,) = read_values([(Layout("i o -> o i"), open_hdf5(source)["a"], torch.float32)], source)
    assert torch.equal(value, torch.from_numpy(array).t())
    assert met == {threading.main_thread()}
    assert not in_memory(content, "f").is_own


def model(width: int = 40) -> tl.Sequential:
    made = tl.Sequential([tl.Input((30,)), tl.Dense(width, name="a"), tl.Dense(50, name="b"), tl.Dense(2, name="c")])
    made.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in made.get_weights()])
    return made


def unbuilt() -> tl.Sequential:
    return tl.Sequential([tl.Dense(40, name="a"), tl.Dense(50, name="b"), tl.Dense(2, name="c")])


def damaged(path, member: str) -> None:
    """Change a bit of a weight in an archive."""
    content = bytearray(path.read_bytes())
    kernel = model().layers[1].weight.detach().numpy().T.tobytes()
    content[content.index(kernel) + len(kernel) // 2] ^= 1
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive, pytest.raises(zipfile.BadZipFile):
        archive.read(member)


@pytest.mark.parametrize("parts", [1, 1 << 30])
def test_a_damaged_weight_in_an_archive_changes_nothing(parts, tmp_path, monkeypatch, small_pieces):
    monkeypatch.setattr("torch_layers.saving.summed._SMALLEST", parts)
    path, before = tmp_path / "m.keras", threading.active_count()
    model().save(path)
    assert torch.equal(tl.load_model(path).layers[1].weight, model().layers[1].weight)
    damaged(path, "model.weights.h5")
    for load in (tl.load_model, tl.inspect, model().load_weights):
        with pytest.raises(FileError, match=r"m\.keras/model\.weights\.h5: is damaged: its checksum is"):
            load(path)
        with open(path, "rb") as file, pytest.raises(FileError, match="is damaged: its checksum is"):
            load(file)
    assert threading.active_count() == before
    given = model()
    given.set_weights([weight * 0 for weight in given.get_weights()])
    with pytest.raises(FileError, match="is damaged"):
        given.load_weights(path)
    assert not any(weight.any() for weight in given.get_weights())
    given = unbuilt()
    with pytest.raises(FileError, match="is damaged"):
        given.load_weights(path)
    assert all(torch.nn.parameter.is_lazy(weight) for weight in given.parameters())


@pytest.mark.parametrize("what", [b"TREE", b"dense", b"HEAP"])
def test_what_is_wrong_with_a_damaged_archive_is_its_checksum(what, tmp_path):
    path = tmp_path / "m.keras"
    tl.Sequential([tl.Input((3,)), tl.Dense(2, name="dense")]).save(path)
    with zipfile.ZipFile(path) as archive:
        start = archive.read("model.weights.h5")[:64]
    content = bytearray(path.read_bytes())
    content[content.index(what, content.index(start))] ^= 1
    path.write_bytes(content)
    for load in (tl.load_model, tl.inspect):
        with pytest.raises(FileError, match=r"m\.keras/model\.weights\.h5: is damaged: its checksum is"):
            load(path)


def test_a_file_that_fails_in_the_midst_changes_nothing(tmp_path, monkeypatch, small_pieces):
    path, before = tmp_path / "m.h5", threading.active_count()
    model().save(path)
    whole, reads, failing = Source._readinto, [0], 0

    def failing_readinto(self, offset, target):
        reads[0] += 1
        if reads[0] == failing:
            raise OSError("the disk fails")
        whole(self, offset, target)

    monkeypatch.setattr(Source, "_readinto", failing_readinto)
    tl.load_model(path)
    assert reads[0] > 20
    for failing in (reads[0] // 2, reads[0] - 1):  # noqa: B007
        for load in (tl.load_model, (given := unbuilt()).load_weights):
            reads[0] = 0
            with pytest.raises(OSError, match="the disk fails"):
                load(path)
        assert all(torch.nn.parameter.is_lazy(weight) for weight in given.parameters())
        assert threading.active_count() == before


def test_a_model_is_loaded_in_inference_mode(tmp_path, small_pieces):
    model().save(tmp_path / "m.keras")
    with torch.inference_mode():
        loaded = tl.load_model(tmp_path / "m.keras")
    assert torch.equal(loaded.layers[1].weight, model().layers[1].weight)
