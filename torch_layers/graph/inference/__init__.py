"""A model made ready for inference alone: fewer, faster calls that compute the same."""

from torch_layers.graph.inference.optimize import InferenceModel, optimize_for_inference

__all__ = ["InferenceModel", "optimize_for_inference"]
