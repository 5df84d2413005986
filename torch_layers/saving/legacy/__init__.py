"""Keras 1 and 2, and what Keras 3 calls legacy: configs and weights read in the forms of their times, and written."""
