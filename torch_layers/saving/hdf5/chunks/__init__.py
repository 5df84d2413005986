"""Data sets that lie in pieces: where the pieces are, how they were written, and how they come together."""
