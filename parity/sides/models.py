"""Whole Keras models, on the TensorFlow backend: made in a dtype, given random weights, run and watched."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from parity import draw
from parity.case import Case
from parity.record import Numbers, Value
from parity.sides.backends import TensorFlow
from parity.sides.base import leaves, numbered, rebuilt
from parity.sides.keras import give_weights
from parity.sides.keras_package import load, names_from_the_start, set_floatx


@dataclass
class LayerCall:
    """One call of one layer: what it was given and what it returned, as numpy arrays (masks and None included).

    `masks` are those that its inputs carry, if its call takes none; `inactive` is what its activation, if it has one, was
    given.
    """

    args: list[Any]
    kwargs: dict[str, Any]
    masks: list[Any]
    outputs: list[Value]
    inactive: list[Value]


class KerasModel:
    """A Keras model that `make` returns, in `dtype`, on TensorFlow; `package` is keras (Keras 3) or tf_keras (Keras 2)."""

    def __init__(self, make: Callable[[], Any], dtype: str, package: str = "keras") -> None:
        self.keras = load(package, "tensorflow")
        self.engine = TensorFlow()
        self.dtype = dtype
        floatx = self.keras.backend.floatx()
        set_floatx(self.keras, dtype)
        try:
            with self._exactly(), names_from_the_start(self.keras):  # or the second model has other names
                self.model = make()
        finally:
            set_floatx(self.keras, floatx)
        for layer in self.layers():
            if "Dropout" in type(layer).__name__:
                layer.rate = 0.0  # two frameworks' random numbers can't be compared; single layers' distributions are

    def layers(self) -> list[Any]:
        """The layers, those of nested models too."""
        return list(self.model._flatten_layers())

    def random_weights(self) -> list[Numbers]:
        """Draw weights that leave nothing at 0 or 1 and let activations neither vanish nor explode; rounded to float32."""
        return random_weights(self.model)

    def set_weights(self, arrays: list[Numbers]) -> None:
        """Set all weights."""
        give_weights(self.model, [a.astype(v.dtype) for a, v in zip(arrays, self.model.weights, strict=True)])

    def input_shapes(self, batch: int, size: int) -> list[tuple[int, ...]]:
        """Return the shapes of the inputs, with sizes for those that the model leaves open."""
        return [(batch, *(n or size for n in x.shape[1:])) for x in self.model.inputs]

    def run(self, inputs: list[Numbers]) -> dict[str, Value]:
        """Compute the outputs, in inference mode."""
        outputs = self._call([self.engine.tensor(x) for x in inputs], training=False)
        return numbered("output", (self.engine.value(y) for y in leaves(outputs)))

    def graph(self) -> Callable[[Any], Any]:
        """Return the inference of the model as a graph of TensorFlow's."""
        graph: Callable[[Any], Any] = self.engine.tf.function(partial(self.model, training=False))
        return graph

    def step(self, inputs: list[Numbers], case: Case) -> dict[str, Value]:
        """Compute outputs, gradients and new statistics in training mode."""
        weights, model = self.model.weights, self.model
        tensors = [self.engine.tensor(x) for x in inputs]
        trained = [(i, w) for i, w in enumerate(weights) if any(w is t for t in model.trainable_weights)]

        places = [i for i, x in enumerate(tensors) if self.engine.is_float(x)]

        def call(given: list[Any], _: list[Any]) -> tuple[list[Any], Any]:
            floats = dict(zip(places, given, strict=True))
            outputs = self._call([floats.get(i, x) for i, x in enumerate(tensors)], training=True)
            return leaves(outputs), outputs

        floating = [tensors[i] for i in places]
        flat, _, grads = self.engine.differentiate(call, floating, [w.value for _, w in trained], case)
        found = numbered("output", map(self.engine.value, flat))
        found |= numbered("gradient of input", grads[: len(places)])
        for (index, _), grad in zip(trained, grads[len(places) :], strict=True):
            found[f"gradient of weight {index}"] = grad
        kept = [w for w in weights if not any(w is t for t in model.trainable_weights)]
        return found | numbered("state", (self.engine.value(self.engine.plain(w)) for w in kept))

    def _exactly(self) -> contextlib.AbstractContextManager[Any]:
        return self.engine.oracle() if self.dtype == "float64" else contextlib.nullcontext()

    def _call(self, tensors: list[Any], training: bool) -> Any:
        with self._exactly():
            return self.model(tensors if len(tensors) > 1 else tensors[0], training=training)

    @contextlib.contextmanager
    def watched(self, layers: list[tuple[str, Any]]) -> Iterator[list[tuple[str, LayerCall]]]:
        """Note each call of layers that are named here, in the order in which they end."""
        calls: list[tuple[str, LayerCall]] = []
        for path, layer in layers:
            object.__setattr__(layer, "call", self._noting(path, layer, calls))
        try:
            yield calls
        finally:
            for _, layer in layers:
                object.__delattr__(layer, "call")

    def _noting(self, path: str, layer: Any, calls: list[tuple[str, LayerCall]]) -> Callable[..., Any]:
        call = layer.call
        takes_masks = "mask" in inspect.signature(call).parameters

        def noted(*args: Any, **kwargs: Any) -> Any:
            masks = [] if takes_masks else [getattr(x, "_keras_mask", None) for x in leaves(list(args))]
            with self._noting_activation(layer) as inactive:
                outputs = call(*args, **kwargs)
            values = [self.engine.value(y) for y in leaves(outputs) if y is not None]
            by_name = {key: value for key, value in kwargs.items() if key != "training"}
            arguments, named, masks = (self._numpy(nested) for nested in (list(args), by_name, masks))
            calls.append((path, LayerCall(arguments, named, masks, values, inactive)))
            return outputs

        return noted

    @contextlib.contextmanager
    def _noting_activation(self, layer: Any) -> Iterator[list[Value]]:
        given: list[Value] = []
        # A recurrent layer has its cell's, as a property: what its many steps are given is of no use here.
        activation = vars(layer).get("activation")
        if not callable(activation):
            yield given
            return

        def noted(x: Any, *args: Any, **kwargs: Any) -> Any:
            given.append(self.engine.value(x))
            return activation(x, *args, **kwargs)

        object.__setattr__(layer, "activation", noted)
        try:
            yield given
        finally:
            object.__setattr__(layer, "activation", activation)

    def _numpy(self, nested: Any) -> Any:
        flat = (leaf.numpy() if hasattr(leaf, "numpy") else leaf for leaf in leaves(nested))
        return rebuilt(nested, flat)


def with_dtype(config: Any, compute: str, policy: str) -> Any:
    """Return a Keras config with every floating dtype and policy in it replaced."""
    if isinstance(config, (list, tuple)):
        return type(config)(with_dtype(item, compute, policy) for item in config)
    if not isinstance(config, dict):
        return config
    changed = {key: with_dtype(value, compute, policy) for key, value in config.items()}
    dtype = config.get("dtype")
    if isinstance(dtype, dict) or (isinstance(dtype, str) and ("float" in dtype)):
        changed["dtype"] = policy if isinstance(dtype, dict) or "batch_shape" not in config else compute
    return changed


def random_weights(model: Any) -> list[Numbers]:
    """Draw the weights of a Keras model on any backend, as `KerasModel.random_weights` says."""
    owners = {
        id(v): layer
        for layer in model._flatten_layers()
        for v in layer._trainable_variables + layer._non_trainable_variables
    }
    return [
        _weight(variable, type(owners.get(id(variable))).__name__, np.random.default_rng([index, 7]))
        for index, variable in enumerate(model.weights)
    ]


def _weight(variable: Any, layer: str, rng: np.random.Generator) -> Numbers:
    shape, name = tuple(variable.shape), variable.name
    raw = rng.standard_normal(shape)
    if not str(variable.dtype).startswith("float"):
        return np.asarray(variable)
    if "variance" in name:
        drawn = 0.5 + np.abs(raw)
    elif "mean" in name or "bias" in name or "beta" in name:
        drawn = raw * 0.1
    elif len(shape) < 2:
        drawn = 1 + raw * 0.2
    else:
        fan_in = np.prod(shape[:2]) if "depthwise" in layer.lower() or "depthwise" in name else np.prod(shape[:-1])
        # With more, a thousand layers make values of hundreds, and the gates of squeeze-and-excite amplify all rounding.
        drawn = raw * np.sqrt(1.25 / fan_in)
    return draw.rounded(drawn, "float32", "float64")
