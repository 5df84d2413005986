"""Files that Keras 3 and tf-keras wrote, read where no Keras, TensorFlow or h5py is: they compute what they computed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from torch_layers.saving.load import load_model, load_weights, model_from_json

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(path.name for path in GOLDEN.iterdir() if path.suffix in (".keras", ".h5"))
WEIGHTS = [name for name in FILES if name.endswith(".weights.h5")]
# Keras 3 can't read its own .h5 of sequences: it writes operations, such as a mask's, without saying that they are some.
MODELS = [name for name in FILES if name not in WEIGHTS]
# In float32 both sides round: so far apart are they, relative to the largest value, at most.
CLOSE = 2e-6


def test_there_are_golden_files() -> None:
    kinds = {(name.rpartition("-")[0], name.rpartition("-")[2].partition(".")[2]) for name in FILES}
    newest, old = ("keras-3.15.1", "tf-keras-2.21.0"), "keras-3.14.0"
    assert kinds == {
        *((version, ending) for version in newest for ending in ("keras", "h5", "weights.h5")),
        (old, "keras"),
    }
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 1 << 20


def same_outputs(model: Any, name: str) -> None:
    arrays = np.load(GOLDEN / f"{name}.npz")
    inputs = [torch.from_numpy(arrays[key]) for key in arrays if key.startswith("input")]
    with torch.no_grad():
        outputs = model(inputs if len(inputs) > 1 else inputs[0])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    expected = [arrays[key] for key in arrays if key.startswith("output")]
    for actual, wanted in zip(outputs, expected, strict=True):
        assert actual.shape == wanted.shape
        assert np.abs(actual.numpy() - wanted).max() <= CLOSE * np.abs(wanted).max()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_computes_what_it_did(name: str) -> None:
    same_outputs(load_model(GOLDEN / name), name.rpartition(".")[0])


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_model_of_json_takes_the_weights(name: str) -> None:
    stem = name.removesuffix(".weights.h5")
    model = model_from_json((GOLDEN / f"{stem}.json").read_text())
    load_weights(model, GOLDEN / name)
    same_outputs(model.eval(), stem)


def test_reading_needs_no_other_library(tmp_path: Path) -> None:
    """Neither Keras, TensorFlow, h5py nor safetensors is imported, even where they are installed."""
    code = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tf_keras", "tensorflow", "h5py", "safetensors", "parity"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import torch_layers
for name in {MODELS}:
    torch_layers.load_model(f"{GOLDEN}/{{name}}")
    assert torch_layers.inspect(f"{GOLDEN}/{{name}}").parameters
print("all")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout == "all\n", done.stderr
