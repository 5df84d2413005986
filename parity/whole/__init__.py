"""Whole models: a Keras model and a torch module for it, compared as one and layer by layer."""
