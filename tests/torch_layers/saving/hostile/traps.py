"""What no file may lead to: a text, an HDF5 file, a FIFO that keeps waiting whoever opens it."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

# The number in the HDF5 file.
SECRET = 1234.5


def laid(folder: Path) -> Path:
    """Make a folder of traps and return it."""
    folder.mkdir()
    (folder / "secret.txt").write_text("secret " * 100)
    with h5py.File(folder / "secret.h5", "w") as file:
        file["x"] = np.full((3, 4), SECRET, "f4")
    os.mkfifo(folder / "fifo")
    return folder
