"""Files that Keras 1.0 to 2.3 themselves wrote, read without any Keras: the models compute what they computed there.

`written/make.py` says how they were made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from torch_layers.saving.load import load_model

WRITTEN = Path(__file__).parent / "written"
MODELS = sorted(path.relative_to(WRITTEN).with_suffix("").as_posix() for path in WRITTEN.glob("*/*.h5"))
VERSIONS = {"keras-1.0.8", "keras-1.2.2", "keras-2.0.9", "keras-2.1.6", "keras-2.2.5", "keras-2.3.1"}


def test_every_version_wrote_something() -> None:
    assert {name.partition("/")[0] for name in MODELS} == VERSIONS


@pytest.mark.parametrize("name", MODELS)
def test_a_model_computes_what_it_did(name: str) -> None:
    arrays = np.load(WRITTEN / f"{name}.npz")
    inputs = [torch.from_numpy(arrays[f"input_{n}"]) for n in range(sum(key.startswith("input") for key in arrays))]
    expected = [arrays[f"output_{n}"] for n in range(len(arrays) - len(inputs))]
    with torch.no_grad():
        outputs = load_model(WRITTEN / f"{name}.h5")(inputs if len(inputs) > 1 else inputs[0])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for actual, wanted in zip(outputs, expected, strict=True):
        assert actual.shape == wanted.shape
        # In float32 both sides round, each in its own order.
        np.testing.assert_allclose(actual.numpy(), wanted, rtol=1e-5, atol=1e-5)
