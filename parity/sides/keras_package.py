"""The package of Keras: its import with one backend, and what a case names in it."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import warnings
from collections import defaultdict
from collections.abc import Collection
from functools import cache
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary

import torch  # noqa: F401  (before TensorFlow, or the import of both in one process can crash)

from parity import draw
from parity.sides.base import Lacks, MissingSide
from parity.sides.process import quiet_stderr

INSTALL = {
    "tensorflow": "pip install keras tensorflow-cpu",
    "torch": "pip install keras torch",
    "jax": "pip install keras jax",
    "tf_keras": "pip install --no-deps tf-keras, beside tensorflow-cpu",
}


NAMESPACES = {
    "layer": "layers",
    "model": "",
    "merge_function": "layers",
    "loss": "losses",
    "loss_function": "losses",
    "activation": "activations",
    "initializer": "initializers",
    "regularizer": "regularizers",
    "constraint": "constraints",
}


def load(package: str, backend: str) -> Any:
    """Import Keras with a backend.

    Raises: MissingSide if a package is missing, or if this process holds Keras with another backend already.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = backend
    try:
        with quiet_stderr():
            importlib.import_module(backend)
            # Keras imports it lazily on its other backends, greeting on stderr then.
            with contextlib.suppress(ImportError):
                importlib.import_module("tensorflow")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            keras = importlib.import_module(package)
    except ImportError as error:
        hint = INSTALL["tf_keras" if package == "tf_keras" else backend]
        raise MissingSide(f"{package} on {backend} can't be imported here ({error}); {hint}") from error
    if package == "keras" and keras.backend.backend() != backend:
        raise MissingSide(
            f"this process holds Keras on {keras.backend.backend()} already; Keras on {backend} needs a process of its own"
        )
    return keras


def set_floatx(keras: Any, dtype: str) -> None:
    """Set the dtype of what has none of its own."""
    keras.backend.set_floatx(dtype)
    if keras.__name__ == "keras":
        # It takes the policy that Keras 3 made of its first floatx.
        keras.config.set_dtype_policy(dtype)


def names_from_the_start(keras: Any) -> contextlib.AbstractContextManager[Any]:
    """Return a context in which Keras numbers the layers that it names anew, and goes on after it where it was.

    So a case's names don't depend on those before it. And TensorFlow makes a kernel for each name and shape of a variable,
    which takes longer than to compute most layers: with the same names it has most of them.
    """
    if keras.__name__ == "tf_keras":
        backend = importlib.import_module("tf_keras.src.backend")
        return mock.patch.multiple(backend, PER_GRAPH_OBJECT_NAME_UIDS=WeakKeyDictionary(), OBSERVED_NAMES=set())
    state = importlib.import_module("keras.src.backend.common.global_state").GLOBAL_STATE_TRACKER
    return mock.patch.object(state, "object_name_uids", defaultdict(int), create=True)


def find(keras: Any, kind: str, name: str, arguments: Collection[str]) -> Any:
    """Return the class or function of Keras that a case names.

    Raises: Lacks if this Keras has none of that name, or none that takes the arguments.
    """
    namespace = getattr(keras, NAMESPACES[kind]) if NAMESPACES[kind] else keras
    found = getattr(namespace, name, None)
    version = f"{keras.__name__} {keras.__version__}"
    if found is None:
        raise Lacks(f"{version} has no {NAMESPACES[kind]}.{name}")
    unknown = set(arguments) - parameters(keras, found)
    if unknown:
        raise Lacks(f"{version}: {name} takes no {', '.join(sorted(unknown))}")
    return found


@cache
def parameters(keras: Any, found: Any) -> frozenset[str]:
    """List what a class or a function of Keras takes, `**kwargs` that a base class takes included."""
    if not inspect.isclass(found):
        return frozenset(inspect.signature(found).parameters)
    names: set[str] = set()
    if issubclass(found, keras.layers.Layer):
        names |= {"activity_regularizer", "trainable", "dtype", "autocast", "name", "input_shape", "batch_input_shape"}
        names |= {"input_dim", "weights"} if keras.__name__ == "tf_keras" else set()
    for cls in found.__mro__[:-1]:
        if "__init__" in vars(cls):
            names |= set(inspect.signature(vars(cls)["__init__"]).parameters)
    return frozenset(names)


class Building:
    """What the builder of a model sees: layers, `Input`, `Model`, `Sequential`."""

    input_dtype = staticmethod(draw.compute_dtype)

    def __init__(self, keras: Any) -> None:
        self._keras = keras

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keras.layers, name, None) or getattr(self._keras, name)
