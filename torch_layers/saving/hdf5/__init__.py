"""HDF5 files, read with nothing but Python and numpy, and believed in nothing.

The HDF5 library follows what a file tells it: into other files, into devices, into memory that was never written. This
reader knows what Keras and h5py write by default and on request (the file format specification, version 3.0, but for
filters other than deflate, shuffle and Fletcher's checksum), takes only what lies in the file itself, and never more
memory and time than the file's size allows.
"""

from __future__ import annotations

from torch_layers.saving.hdf5.dataset import Dataset
from torch_layers.saving.hdf5.group import Group, open_hdf5

__all__ = ["Dataset", "Group", "open_hdf5"]
