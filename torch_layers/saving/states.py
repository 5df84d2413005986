"""The states that stateful layers of a new model begin with: files keep none."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.utils import _pytree as pytree

from torch_layers.layers.recurrent.rnn import RNN
from torch_layers.saving.errors import FileError

# In bytes: the batch size, which a config may say as it likes, is in no proportion to the file.
_LARGEST = 64 << 20


def begin_states(model: nn.Module, place: str) -> None:
    """Give the stateful layers that were built without memory the states that they begin with.

    Raises: FileError if these take more than 64 MiB.
    """
    layers: list[Any] = [layer for layer in model.modules() if isinstance(layer, RNN) and layer.states is not None]
    waiting = [layer for layer in layers if any(state.is_meta for state in pytree.tree_leaves(layer.states))]
    size = sum(state.numel() * state.element_size() for layer in waiting for state in pytree.tree_leaves(layer.states))
    if size > _LARGEST:
        raise FileError(place, f"its stateful layers keep {size} bytes of states, allowed are {_LARGEST}")
    for layer in waiting:
        layer._create_states(layer._built_shape)
