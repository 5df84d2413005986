"""What a model does with files. The format is the business of torch_layers.saving, which knows models, not they it."""

from __future__ import annotations

import json
import os
from typing import Any, BinaryIO

from torch_layers.serialization import serialize


class Storable:
    """What a model has beyond a layer: `save` and `save_weights`, `load_weights`, `to_json`.

    `is_of_keras_2` says that the model was read from Keras 1 or 2: its `.h5` goes back to Keras 2 where it can't be both's.
    """

    is_of_keras_2 = False

    def load_weights(self, file: str | os.PathLike[str] | BinaryIO, by_name: bool = False) -> None:
        """Take the weights of a file: `.weights.h5` and `.keras` of Keras 3, `.h5` of Keras 1, 2 and 3, `.safetensors`.

        See `torch_layers.saving.load_weights`. Raises: FileError (a ValueError) that lists all that doesn't fit.
        """
        from torch_layers.saving.load import load_weights

        load_weights(self, file, by_name)  # type: ignore[arg-type]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file that Keras loads: `.keras`, or `.h5`.

        See `torch_layers.saving.save_model`. Raises: ValueError for another ending.
        """
        from torch_layers.saving.save import save_model

        save_model(self, path)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to a file that a model of Keras loads, `.weights.h5` or `.h5`; or to `.safetensors`.

        See `torch_layers.saving.save_weights`. Raises: ValueError for another ending.
        """
        from torch_layers.saving.save import save_weights

        save_weights(self, path)

    def to_json(self, **kwargs: Any) -> str:
        """Return the config as JSON, for `model_from_json` here and in Keras 3. `kwargs` go to `json.dumps`."""
        return json.dumps(serialize(self), **kwargs)
