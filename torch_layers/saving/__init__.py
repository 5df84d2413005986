"""Keras files of every age, read without Keras and without running what they carry; and written."""

from torch_layers.saving.converting import convert
from torch_layers.saving.errors import FileError
from torch_layers.saving.inspecting import InspectedLayer, Inspection, inspect
from torch_layers.saving.load import load_model, load_weights, model_from_config, model_from_json
from torch_layers.saving.save import save_model, save_weights

__all__ = [
    "FileError",
    "InspectedLayer",
    "Inspection",
    "convert",
    "inspect",
    "load_model",
    "load_weights",
    "model_from_config",
    "model_from_json",
    "save_model",
    "save_weights",
]
