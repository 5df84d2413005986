"""Layers that no one but Keras's own applications use; found by their configs, not exported."""
