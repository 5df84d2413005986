"""All models of `keras.applications`, as torch_layers makes them from Keras's."""

from __future__ import annotations

import gc
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from parity.sides.keras import load
from parity.sides.models import KerasModel
from parity.whole.compare import Whole, compare_models
from torch_layers.graph import from_keras
from torch_layers.registry import nearest

# The smallest image that each accepts; 32 for the others.
SIZES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
# In these a training step is compared too.
TRAINED = ("MobileNetV2", "ResNet50", "EfficientNetB0", "DenseNet121", "ConvNeXtTiny", "NASNetMobile")


@dataclass
class Application:
    """One application: the comparison, and the best of some forward passes in float32 (seconds)."""

    whole: Whole
    ours: float
    keras: float


def names(chosen: Sequence[str] = ()) -> list[str]:
    """Return the names of all applications of the installed Keras, or the chosen ones, checked."""
    applications = load("keras", "tensorflow").applications
    known = [name for name, thing in inspect.getmembers(applications, inspect.isfunction) if name[0].isupper()]
    for name in chosen:
        if name not in known:
            raise ValueError(f"keras.applications has no {name!r}{nearest(name, known)}")
    return list(chosen) or known


def maker(name: str, least: int = 32) -> Callable[[], Any]:
    """Return a function that makes an application without weights, for the smallest images it takes, or larger ones."""
    make = getattr(load("keras", "tensorflow").applications, name)
    # Not square: a swap of the axes must show.
    size = max(SIZES.get(name, 32), least)
    return partial(make, weights=None, input_shape=(size, size + 7, 3), classes=10)


def compare_all(chosen: Sequence[str] = ()) -> Iterator[Application]:
    """Compare and time each application in turn."""
    for name in names(chosen):
        make = maker(name)
        training = name in TRAINED
        # Statistics over few values let rounding grow without bound: training wants larger images.
        whole = compare_models(make, name=name, layerwise=True)
        if training:
            larger = maker(name, least=64)
            whole.verdicts["training"] = compare_models(
                larger, name=name, layerwise=False, training=True, batch=4
            ).verdicts["training"]
        gc.collect()
        yield Application(whole, *_times(make))
        gc.collect()


def _times(make: Callable[[], Any], batch: int = 2, rounds: int = 5) -> tuple[float, float]:
    """Return the best time of a forward pass of ours and of Keras's as a graph of TensorFlow's, taken in turns."""
    keras = KerasModel(make, "float32")
    keras.set_weights(keras.random_weights())
    module = from_keras(keras.model)
    (shape,) = keras.input_shapes(batch, 32)
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    graph = keras.graph()
    theirs, ours = keras.engine.tensor(x), torch.from_numpy(x)
    calls: tuple[Callable[[], Any], ...] = (partial(module, ours), partial(graph, theirs))
    best = [float("inf"), float("inf")]
    with torch.no_grad():
        for number in range(rounds + 1):
            for side, call in enumerate(calls):
                start = time.perf_counter()
                call()
                if number:  # the first one traces and warms up
                    best[side] = min(best[side], time.perf_counter() - start)
    return best[0], best[1]
