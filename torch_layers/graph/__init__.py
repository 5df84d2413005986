"""Functional models: `Input`, `Model` and `Sequential` draw a `torch.fx` graph."""

import torch_layers.graph.einops_backend
from torch_layers.graph.conversion import from_keras, to_keras
from torch_layers.graph.functional import Functional
from torch_layers.graph.inference import InferenceModel, optimize_for_inference
from torch_layers.graph.input import Input
from torch_layers.graph.model import Model
from torch_layers.graph.sequential import Sequential
from torch_layers.graph.symbols import SymbolicTensor

__all__ = [
    "Functional",
    "InferenceModel",
    "Input",
    "Model",
    "Sequential",
    "SymbolicTensor",
    "from_keras",
    "optimize_for_inference",
    "to_keras",
]
