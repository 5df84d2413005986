"""Who is timed: torch_layers, torch by hand, and Keras on torch and on TensorFlow. Each makes one row's work ready.

Frameworks other than torch come from `parity.sides`, as everywhere in parity.
"""

from __future__ import annotations

import ctypes
import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import torch_layers
from parity import draw
from parity.bench.rows import Row
from parity.case import Case
from parity.sides.base import leaves, rebuilt
from parity.sides.keras import Keras, KerasTorch, give_weights
from parity.sides.keras_package import NAMESPACES
from parity.sides.models import random_weights
from parity.sides.torch_layers import TorchLayers
from torch_layers.graph import from_keras
from torch_layers.layers.weights import Layout

POLICY = "float32"
# One sample is as many calls as take this long, so that reading the clock costs nothing.
SECONDS_PER_SAMPLE = 1e-3
# glibc's names of what mallopt sets
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4

Numbers = np.ndarray[Any, Any]


class Contestant(ABC):
    """Someone whose time for a row is taken: `prepare` a row, then measure `block`s of it."""

    _function: Callable[..., Any]
    _args: Sequence[Any] = ()
    _calls: int = 1

    @abstractmethod
    def ready(self, row: Row, size: str, mode: str) -> list[Numbers]:
        """Set `_function` and `_args`, whose call is the work, and return what it computes, in Keras's layout."""

    def prepare(self, row: Row, size: str, mode: str) -> list[Numbers]:
        """Make a row's work ready and warm; return what it computes: the output and, in training, the gradients."""
        values = self.ready(row, size, mode)
        gc.collect(0)
        with self.context(mode):
            for _ in range(3):
                once = self._time(1)
            self._calls = max(1, round(SECONDS_PER_SAMPLE / once))
        self._mode = mode
        return values

    def block(self, seconds: float) -> list[float]:
        """Return samples of the time of one call, taken for about so many seconds without garbage collection."""
        samples: list[float] = []
        gc.disable()
        try:
            with self.context(self._mode):
                self._time(1)
                end = time.perf_counter() + seconds
                while not samples or time.perf_counter() < end:
                    samples.append(self._time(self._calls))
                    # They were counted at a moment when the machine was quicker.
                    if samples[-1] * self._calls > 5 * SECONDS_PER_SAMPLE:
                        self._calls = max(1, self._calls // 2)
        finally:
            gc.enable()
        return samples

    def context(self, mode: str) -> AbstractContextManager[Any]:
        """Return what surrounds the calls of a mode."""
        return torch.no_grad() if mode == "forward" else nullcontext()

    def environment(self) -> dict[str, str]:
        """Name what the times depend on."""
        return {}

    def _time(self, calls: int) -> float:
        function, args = self._function, self._args
        start = time.perf_counter()
        for _ in repeat(None, calls):
            function(*args)
        return (time.perf_counter() - start) / calls


def keep_memory() -> None:
    """Let this process keep all memory that it frees.

    Else each large tensor costs page faults or none, by the luck of where the heap happens to end: up to three times
    the time of an elementwise kernel, for one of two contestants and a whole block.
    """
    with suppress(AttributeError, OSError):  # glibc alone has it
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def arguments(case: Case, tensor: Callable[[Numbers], Any]) -> tuple[list[Any], list[int]]:
    """Return the inputs of a case as tensors, and which of the flat ones take gradients: of a loss, the predictions."""
    inputs = draw.inputs(case, POLICY)
    flat = leaves(inputs)
    wanted = [i for i, x in enumerate(flat) if x.dtype.kind == "f"]
    return rebuilt(inputs, map(tensor, flat)), wanted[-1:] if case.kind == "loss" else wanted


def drawn_weights(case: Case, named_shapes: Sequence[tuple[str, Sequence[int]]]) -> list[Numbers]:
    """Draw weights by (Keras's name, shape), small enough that sums over a thousand inputs stay near 1."""
    named = [(name, shape, POLICY) for name, shape in named_shapes]
    drawn = draw.weights(case, named, POLICY)
    return [w / np.float32(np.sqrt(np.prod(w.shape[:-1]))) if w.ndim > 1 else w for w in drawn]


class _Torch(Contestant):
    """Works with torch tensors and autograd."""

    @abstractmethod
    def work(self, case: Case, row: Row, inputs: list[Any], mode: str) -> tuple[Callable[..., Any], list[Tensor]]:
        """Return what is called with the inputs and the weights that take gradients, in Keras's order."""

    def in_keras_layout(self, grads: list[Tensor]) -> list[Tensor]:
        """Return the gradients of the weights in Keras's layout."""
        return grads

    def arguments(self, case: Case) -> tuple[list[Any], list[int]]:
        """Return the inputs of a case, and which of the flat ones take gradients."""
        return arguments(case, torch.tensor)

    def ready(self, row: Row, size: str, mode: str) -> list[Numbers]:
        case = row.at(size)
        inputs, wanted = self.arguments(case)
        function, weights = self.work(case, row, inputs, mode)
        if isinstance(function, nn.Module):
            function.train(mode == "training")
        if mode == "forward":
            self._function, self._args = function, inputs
            with torch.no_grad():
                return [_numpy(function(*inputs))]
        flat = leaves(inputs)
        sources = [*(flat[i].requires_grad_() for i in wanted), *weights]
        y = function(*inputs)
        cotangent = torch.from_numpy(draw.cotangent(case, 0, y.shape, POLICY))

        def train() -> tuple[Tensor, ...]:
            return torch.autograd.grad(function(*inputs), sources, cotangent)

        self._function, self._args = train, ()
        grads = list(train())
        return [_numpy(x) for x in (y, *grads[: len(wanted)], *self.in_keras_layout(grads[len(wanted) :]))]

    def environment(self) -> dict[str, str]:
        return {"torch": torch.__version__, "threads": str(torch.get_num_threads())}


class OfTorchLayers(_Torch):
    """torch_layers."""

    def __init__(self) -> None:
        self._side = TorchLayers()
        self._drawn: tuple[str, tuple[list[Any], list[int]]] | None = None

    def arguments(self, case: Case) -> tuple[list[Any], list[int]]:
        """Return the same tensors for one case each time: where a tensor happens to lie can double a kernel's time."""
        if self._drawn is None or self._drawn[0] != case.id:
            self._drawn = case.id, super().arguments(case)
        return self._drawn[1]

    def work(self, case: Case, row: Row, inputs: list[Any], mode: str) -> tuple[Callable[..., Any], list[Tensor]]:
        if case.kind == "activation":
            return getattr(torch_layers.activations, case.name), []
        made = self._side.make(case, case, POLICY)
        if case.kind == "loss":
            return made, []
        self._entries = list(self._built(made, case, inputs).weight_entries())
        self._entries = [(layer, spec) for layer, spec in self._entries if spec.trainable]
        return _with_keywords(made, case), [getattr(layer, spec.name) for layer, spec in self._entries]

    def weights(self, case: Case) -> list[Numbers]:
        """Return the weights of a case's layer or model in Keras's layout."""
        if case.kind not in ("layer", "model"):
            return []
        inputs, _ = arguments(case, torch.tensor)
        weights: list[Numbers] = self._built(self._side.make(case, case, POLICY), case, inputs).get_weights()
        return weights

    def _built(self, layer: Any, case: Case, inputs: list[Any]) -> Any:
        with torch.no_grad():
            _with_keywords(layer, case)(*inputs)
        names = (spec.keras_name for _, spec in layer.weight_entries())
        layer.set_weights(drawn_weights(case, [(n, w.shape) for n, w in zip(names, layer.get_weights(), strict=True)]))
        return layer

    def in_keras_layout(self, grads: list[Tensor]) -> list[Tensor]:
        return [
            spec.layout.to_keras(grad, layer._keras_shapes[spec.name])
            for grad, (layer, spec) in zip(grads, self._entries if grads else (), strict=True)
        ]

    def environment(self) -> dict[str, str]:
        return {"torch_layers": torch_layers.__version__, **super().environment()}


class OfModule(_Torch):
    """A torch module of a whole model."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def work(self, case: Case, row: Row, inputs: list[Any], mode: str) -> tuple[Callable[..., Any], list[Tensor]]:
        return self._module, []


class ByHand(_Torch):
    """What a PyTorch engineer writes for the row."""

    def __init__(self, ours: OfTorchLayers) -> None:
        self._ours = ours

    def arguments(self, case: Case) -> tuple[list[Any], list[int]]:
        return self._ours.arguments(case)

    def work(self, case: Case, row: Row, inputs: list[Any], mode: str) -> tuple[Callable[..., Any], list[Tensor]]:
        weights = [torch.from_numpy(weight) for weight in self._ours.weights(case)]
        assert row.by_hand is not None, "a whole model has no hand-written one"
        made = row.by_hand(*weights)
        self._layouts = [Layout(pattern) for pattern in getattr(made, "layouts", ())]
        self._shapes = [tuple(weight.shape) for weight in weights]
        return made, list(made.parameters()) if isinstance(made, nn.Module) else []

    def in_keras_layout(self, grads: list[Tensor]) -> list[Tensor]:
        triples = zip(grads, self._layouts, self._shapes[: len(grads)], strict=True)
        return [layout.to_keras(grad, shape) for grad, layout, shape in triples]


def _keras_work(side: Keras, case: Case, inputs: list[Any], mode: str) -> tuple[Callable[..., Any], list[Any]]:
    """Return what Keras calls for a case, and the variables that take gradients."""
    if case.kind == "activation":
        return getattr(getattr(side.keras, NAMESPACES[case.kind]), case.name), []
    if case.kind == "application":
        return partial(_application(side, case), training=False), []
    made = side.make(case, case, POLICY)
    if case.kind == "loss":
        return made, []
    called = _with_keywords(made, case)
    if side.takes(made, "training"):
        called = partial(called, training=mode == "training")
    called(*inputs)
    give_weights(made, drawn_weights(case, [(w.name, w.shape) for w in made.weights]))
    return called, [weight.value for weight in made.trainable_weights]


def _application(side: Keras, case: Case) -> Any:
    """Return one of `keras.applications`, whole, with random weights."""
    made = getattr(side.keras.applications, case.name)(weights=None)
    give_weights(made, [drawn.astype(POLICY) for drawn in random_weights(made)])
    return made


class OfKerasTorch(_Torch):
    """Keras on its torch backend."""

    def __init__(self) -> None:
        self._side = KerasTorch()

    def work(self, case: Case, row: Row, inputs: list[Any], mode: str) -> tuple[Callable[..., Any], list[Tensor]]:
        return _keras_work(self._side, case, inputs, mode)

    def environment(self) -> dict[str, str]:
        return {**self._side.environment(), **super().environment()}


class OfKerasTensorFlow(Contestant):
    """Keras on TensorFlow, in the graph of a tf.function that was traced for the row's shapes."""

    def __init__(self) -> None:
        self._side = Keras()
        threading = self._side.engine.tf.config.threading
        threading.set_intra_op_parallelism_threads(torch.get_num_threads())
        threading.set_inter_op_parallelism_threads(torch.get_num_threads())

    def converted(self, row: Row) -> Any:
        """Return the torch module of a row's whole model."""
        return from_keras(_application(self._side, row.case))

    def ready(self, row: Row, size: str, mode: str) -> list[Numbers]:
        tf, case = self._side.engine.tf, row.at(size)
        inputs, wanted = arguments(case, tf.constant)
        function, variables = _keras_work(self._side, case, inputs, mode)
        if mode == "forward":
            self._function, self._args = tf.function(function, autograph=False), inputs
            return [np.asarray(self._function(*inputs))]
        cotangent = tf.constant(draw.cotangent(case, 0, function(*inputs).shape, POLICY))

        def train(cotangent: Any, *inputs: Any) -> Any:
            flat = leaves(list(inputs))
            sources = [*(flat[i] for i in wanted), *variables]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                y = function(*inputs)
            # The output is returned too, lest the graph leave out what gradients don't need.
            return y, tape.gradient(y, sources, cotangent)

        self._function, self._args = tf.function(train, autograph=False), (cotangent, *inputs)
        y, grads = self._function(*self._args)
        # A gradient of embeddings stays sparse, as TensorFlow trains with it.
        return [np.asarray(tf.convert_to_tensor(x)) for x in (y, *grads)]

    def context(self, mode: str) -> AbstractContextManager[Any]:
        return nullcontext()

    def environment(self) -> dict[str, str]:
        return self._side.environment()


def _with_keywords(layer: Callable[..., Any], case: Case) -> Callable[..., Any]:
    return partial(layer, **draw.call(case, POLICY)) if case.call else layer


def _numpy(tensor: Tensor) -> Numbers:
    numbers: Numbers = tensor.detach().numpy()
    return numbers
