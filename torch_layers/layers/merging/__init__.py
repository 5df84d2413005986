"""Layers that make one tensor of a list of tensors."""
