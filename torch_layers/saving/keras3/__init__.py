"""Weights as Keras 3 keeps them in `.keras` and `.weights.h5`: groups named for the attributes of its objects."""
