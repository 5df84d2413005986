"""What a PyTorch engineer writes for one row of the bench: the same work, with torch alone and nothing around it.

A module takes the weights of its Keras namesake, as tensors in Keras's layout; `layouts` says, one pattern per
parameter, how it keeps them. A layer that torch.nn has under another name is not here: the row names torch.nn's.
"""
