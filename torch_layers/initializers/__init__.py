"""Keras's initializers: what new weights hold. They see shapes in Keras's layout of the weight.

Source: keras/src/initializers, 3.15.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from torch_layers import serialization
from torch_layers.initializers.constants import STFT, Constant, Identity, Ones, Zeros
from torch_layers.initializers.initializer import Initializer
from torch_layers.initializers.sampling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from torch_layers.registry import initializers as _registry

# The other names under which keras.initializers exports them.
constant, identity, ones, stft, zeros = Constant, Identity, Ones, STFT, Zeros
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, orthogonal, variance_scaling = LecunNormal, LecunUniform, Orthogonal, VarianceScaling
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFT",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]


def get(
    identifier: Any, custom_objects: serialization.CustomObjects | None = None
) -> Initializer | Callable[..., Any] | None:
    """Return the initializer that a name, a config, a class or a function `(shape, dtype=None)` stands for.

    An array or tensor stands for itself: a weight of its shape takes its values. None stays None.
    Raises: ValueError for anything else, with the nearest name if an unknown name is given.
    Source: keras.initializers.get, Keras 3.15.
    """
    if isinstance(identifier, (Tensor, np.ndarray, np.generic)):
        constant = Constant(identifier)
        constant.only_shape = tuple(identifier.shape)
        return constant
    made: Initializer | Callable[..., Any] | None = serialization.get(identifier, _registry, custom_objects)
    return made


def serialize(initializer: Any) -> Any:
    """Return an initializer's config, as `keras.initializers.serialize` does, Keras 3.15.

    Raises: TypeError if it has none.
    """
    return serialization.serialize(initializer)


def deserialize(config: Any, custom_objects: serialization.CustomObjects | None = None) -> Any:
    """Return the initializer that a name or config stands for, as `keras.initializers.deserialize` does, Keras 3.15.

    Raises: ValueError for one that is neither Keras's nor in `custom_objects`.
    """
    return get(config, custom_objects)
