"""All models of `keras.applications`, as torch_layers makes them from Keras's; each in a process of its own."""

from __future__ import annotations

import inspect
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from parity.sides.base import MissingSide
from parity.sides.keras_package import load
from parity.sides.models import KerasModel
from parity.sides.process import processes, quiet_stderr
from parity.whole.compare import Whole, compare_models
from torch_layers.graph import from_keras
from torch_layers.registry import nearest

# The smallest image that each accepts; 32 for the others.
SIZES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
# In these a training step is compared too, if no one says of which.
TRAINED = ("MobileNetV2", "ResNet50", "EfficientNetB0", "DenseNet121", "ConvNeXtTiny", "NASNetMobile")


@dataclass
class Application:
    """What came of one application: the comparison, or the `error` that stood against it.

    `ours` and `keras` are the best of some forward passes in float32 (seconds), `memory` the most bytes that its process
    held.
    """

    name: str
    whole: Whole | None = None
    ours: float = 0.0
    keras: float = 0.0
    memory: int = 0
    seconds: float = 0.0
    error: str | None = None

    @property
    def status(self) -> str:
        """One of "equal", "different" and "error"."""
        if self.whole is None:
            return "error"
        return "equal" if self.whole.equal else "different"


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
    # Not square: a swap of the axes must show. Logits: of large ones, a softmax makes 0 and 1, whatever their errors.
    size = max(SIZES.get(name, 32), least)
    return partial(make, weights=None, input_shape=(size, size + 7, 3), classes=10, classifier_activation=None)


def compare_all(chosen: Sequence[str], train: bool | None = None, threads: int = 1) -> Iterator[Application]:
    """Compare and time each application in turn, each in a process of its own, whose memory goes with it.

    `train` says whether a training step of each is compared too; None: of those in `TRAINED`.
    Raises: MissingSide if Keras can't run here.
    """
    context = processes()
    for name in chosen:
        start = time.perf_counter()
        ours, theirs = context.Pipe(duplex=False)
        training = name in TRAINED if train is None else train
        process = context.Process(target=_serve, args=(theirs, name, training, threads), daemon=True)
        process.start()
        theirs.close()
        try:
            found = ours.recv()
        except EOFError:
            process.join()
            found = Application(name, error=f"its process died with exit code {process.exitcode}")
        finally:
            process.kill()
            process.join()
            ours.close()
        if isinstance(found, MissingSide):
            raise found
        found.seconds = time.perf_counter() - start
        yield found


def _serve(connection: Any, name: str, training: bool, threads: int) -> None:
    """Compare one application and send what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends this one
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = str(threads)
    torch.set_num_threads(threads)
    with quiet_stderr():
        try:
            found = compare(name, training)
        except MissingSide as error:
            connection.send(error)
            return
        except Exception as error:  # whatever a framework raises for a model is what it says of it
            found = Application(name, error=f"{type(error).__name__}: {str(error).strip() or '(no message)'}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found.memory = peak if sys.platform == "darwin" else peak * 1024
    connection.send(found)


def compare(name: str, training: bool = False) -> Application:
    """Compare and time one application, in this process."""
    make = maker(name)
    whole = compare_models(make, name=name)
    if training:
        # Statistics over few values let rounding grow without bound: training wants larger images.
        larger = compare_models(maker(name, least=64), name=name, layerwise=False, training=True, batch=4)
        whole.verdicts["training"] = larger.verdicts["training"]
    return Application(name, whole, *_times(make))


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
