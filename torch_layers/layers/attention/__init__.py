"""Attention layers: of many heads and of one, by products and by sums."""
