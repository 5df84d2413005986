"""Recurrent layers, their cells and the layers around them."""
