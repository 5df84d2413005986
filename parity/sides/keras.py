"""Keras as a side: Keras 3 on its TensorFlow, torch or JAX backend, and Keras 2 (tf-keras). One backend per process."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from parity import draw
from parity.case import Case, Object
from parity.record import Record, Value
from parity.sides import files as trip_files
from parity.sides.backends import BACKENDS
from parity.sides.base import Lacks, Side, leaves, machine, numbered, rebuilt, said
from parity.sides.keras_package import Building, find, load, names_from_the_start, parameters, set_floatx
from parity.trips import made_of


class Keras(Side):
    """Keras on one backend, on the CPU."""

    package = "keras"
    backend = "tensorflow"
    name = "keras"
    # In which formats it takes part in round trips of files.
    formats: tuple[str, ...] = (".keras", ".h5", ".weights.h5")
    # Whether gradients of weights are asked for.
    watches_weights = True

    def __init__(self, device: str = "cpu") -> None:
        self.keras = load(self.package, self.backend)
        self.engine = BACKENDS[self.backend]()

    def environment(self) -> dict[str, str]:
        return {
            "side": self.name,
            "framework": f"{self.package} {self.keras.__version__}",
            "backend": self.backend,
            self.backend: importlib.import_module(self.backend).__version__,
            "device": "cpu",
            **self.engine.environment(),
            **machine(),
        }

    def run(self, case: Case, policy: str) -> dict[str, Value]:
        floatx = self.keras.backend.floatx()
        set_floatx(self.keras, "float64" if policy == "float64" else "float32")
        self.seed(case)
        oracle = self.engine.oracle() if policy == "float64" else contextlib.nullcontext()
        try:
            with warnings.catch_warnings(), oracle, names_from_the_start(self.keras):
                warnings.simplefilter("ignore")
                found: dict[str, Value] = getattr(self, f"_run_{case.kind}", self._run_function)(case, policy)
                return found
        except Exception as error:
            # In float64 it is the oracle: without that nothing is compared, which must not pass.
            lacks_kernel = type(error).__name__ == "NotFoundError" and "Could not find device" in str(error)
            if lacks_kernel and policy != "float64":
                raise Lacks(f"{self.backend} has no CPU kernel for {case.name} in {policy}") from error
            raise
        finally:
            set_floatx(self.keras, floatx)

    def seed(self, case: Case) -> None:
        """Let a case draw the same numbers whatever other cases ran before it."""
        with self.engine.kept_kernels():
            self.keras.utils.set_random_seed(case.seed("keras") % 2**31)

    # --- round trips of files ---------------------------------------------------------------------------------------

    def travel(self, case: Case, files: Mapping[str, bytes], record: Record) -> None:
        if not self.formats:
            raise Lacks(f"side {self.name!r} takes no part in round trips of files")
        case = made_of(case)
        self.seed(case)
        logging.getLogger("absl").setLevel(logging.ERROR)  # Keras calls .h5 old there, each time
        uncompiled = self.engine.uncompiled()  # TensorFlow's: others have no formats
        with warnings.catch_warnings(), uncompiled, names_from_the_start(self.keras):
            warnings.simplefilter("ignore")
            if not files:
                model = self._saved_model(case)
                record.values = self._found(model, case)
                for format in self.formats:
                    try:
                        record.files[format] = trip_files.written(model, format)
                    except Exception as error:  # what Keras says of saving it so
                        record.refusals[format] = said(error)
            first = None
            for format, content in files.items():
                try:
                    if trip_files.is_of_weights(format):
                        model = trip_files.emptied(self._saved_model(case) if first is None else first)
                        trip_files.read(model.load_weights, format, content)
                    else:
                        load = partial(self.keras.models.load_model, compile=False)
                        model = trip_files.read(load, format, content)
                        first = model if first is None else first
                    record.values |= trip_files.of_format(format, self._found(model, case))
                except Exception as error:  # what Keras says of the file
                    record.refusals[format] = said(error)

    def _saved_model(self, case: Case) -> Any:
        layer = self.make(case, case, trip_files.POLICY)
        if case.kind == "layer":
            args, kwargs, inputs = trip_files.symbols(case, self.keras.Input)
            model = self.keras.Model(inputs if len(inputs) > 1 else inputs[0], layer(*args, **kwargs))
        else:
            model = layer
            self._called(model, case)
        self.set_weights(model, case, trip_files.POLICY)
        return model

    def _called(self, model: Any, case: Case) -> list[Any]:
        inputs = [self.engine.tensor(x) for x in trip_files.arrays(case)]
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        return [y for y in leaves(outputs) if y is not None]

    def _found(self, model: Any, case: Case) -> dict[str, Value]:
        outputs = numbered("output", map(self.engine.value, self._called(model, case)))
        return outputs | numbered("weight", map(Value.of, model.get_weights()))

    # --- making what a case names ----------------------------------------------------------------------------------

    def make(self, spec: Case | Object, case: Case, policy: str) -> Any:
        """Make the object that a case or a part of it describes."""
        if "build" in spec.config:
            return spec.config["build"](Building(self.keras), policy)
        inner = spec if isinstance(spec, Case) else Case(spec.name, spec.config)
        found = find(self.keras, spec.kind, spec.name, spec.config)
        config = draw.config(inner, policy, lambda o: self.make(o, case, policy))
        dtype = draw.dtype_argument(spec.kind, spec.name, policy)
        if dtype is not None and "dtype" in parameters(self.keras, found):
            config.setdefault("dtype", dtype)
        return found(**config)

    # --- computing -------------------------------------------------------------------------------------------------

    def _tensors(self, nested: Any) -> tuple[Any, list[Any]]:
        """Return the structure as the backend's tensors, and those of them that take gradients."""
        flat = [x if x is None or isinstance(x, (str, int, float)) else self.engine.tensor(x) for x in leaves(nested)]
        floating = [x for x in flat if x is not None and self.engine.is_float(x)]
        return rebuilt(nested, flat), floating

    def _run_layer(self, case: Case, policy: str) -> dict[str, Value]:
        layer = self.make(case, case, policy)
        (args, kwargs), floating = self._tensors([draw.inputs(case, policy), draw.call(case, policy)])
        masks = draw.masks(case, policy) or []

        def masked(args: list[Any]) -> list[Any]:
            # Before each call: attention takes them off again.
            for arg, of_arg in zip(args, masks, strict=False):
                for x, mask in zip(leaves(arg), leaves(of_arg), strict=True):
                    if mask is not None:
                        x._keras_mask = self.engine.tensor(mask)
            return args

        if self.takes(layer, "training"):
            kwargs = {**kwargs, "training": case.training}
        self.build(layer, partial(layer, *masked(args), **kwargs))
        self.set_weights(layer, case, policy)
        stateful = [inner for inner in layer._flatten_layers() if getattr(inner, "stateful", None) is True]
        weights = list(layer.weights)
        watched = layer.trainable_weights if self.watches_weights else []
        trained = [(i, w) for i, w in enumerate(weights) if any(w is t for t in watched)]

        variables = [getattr(w, "value", w) if self.package == "keras" else w for _, w in trained]

        def call(inputs: list[Any], values: list[Any]) -> tuple[list[Any], Any]:
            if hasattr(layer, "_clear_losses"):
                layer._clear_losses()
            for inner in stateful:
                self.reset_state(inner)
            new_args, new_kwargs = _replaced([args, kwargs], floating, inputs)
            with self._holding([w for _, w in trained], variables, values):
                outputs = [layer(*masked(new_args), **new_kwargs) for _ in range(case.calls)]
                return [y for y in leaves(outputs) if y is not None] + list(layer.losses), outputs[-1]

        flat, outputs, grads = self.engine.differentiate(call, floating, variables, case)
        count = len([y for y in leaves(outputs) if y is not None]) * case.calls
        found = numbered("output", map(self.engine.value, flat[:count]))
        found |= numbered("gradient of input", grads[: len(floating)])
        for (index, weight), grad in zip(trained, grads[len(floating) :], strict=True):
            found[f"gradient of weight {index} ({self.label(layer, weight)})"] = grad
        found |= numbered("penalty", map(self.engine.value, flat[count:]))
        kept = [w for w in weights if not any(w is t for t in trainable_at_birth(layer, weights))]
        found |= numbered("state", (self.engine.value(self.engine.plain(w)) for w in kept))
        remembered = [leaf for inner in stateful if hasattr(inner, "cell") for leaf in leaves(list(inner.states))]
        found |= numbered("remembered state", (self.engine.value(self.engine.plain(s)) for s in remembered))
        returned = [y for y in leaves(outputs) if y is not None]
        if type(layer).compute_mask is self.keras.layers.Layer.compute_mask:
            # It gives a mask to the first output alone. Others have what a layer inside left on them, as attention's scores.
            returned = returned[:1]
        output_masks = [getattr(y, "_keras_mask", None) for y in returned]
        found |= numbered("mask", (self.engine.value(m) for m in output_masks if m is not None))
        return found

    def build(self, layer: Any, call: Callable[[], Any]) -> None:
        """Let a layer make its weights as `call` would, without computing what it gives, where Keras knows how."""
        if type(layer).build is not self.keras.layers.Layer.build:
            # Not by setattr: Keras tracks what is set, and collects garbage when that goes.
            vars(layer)["call"] = _end_of_building
            try:
                call()
            except _Built:
                pass
            finally:
                del vars(layer)["call"]
            if layer.built and layer.weights:  # Keras 2 makes some in the call
                return
        call()

    def set_weights(self, layer: Any, case: Case, policy: str) -> None:
        """Give a layer the weights of the case."""
        named = [(_plain(w.name), w.shape, _dtype_name(w.dtype)) for w in layer.weights]
        give_weights(layer, draw.weights(case, named, policy))

    def reset_state(self, layer: Any) -> None:
        """Let a stateful layer begin anew. Keras's own `reset_state` fails for the nested states of stacked cells."""
        for state in leaves(list(layer.states)):
            state.assign(np.zeros(state.shape, _dtype_name(state.dtype)))

    def label(self, layer: Any, weight: Any) -> str:
        """Name one weight of a layer."""
        return _plain(weight.name)

    def _holding(
        self, weights: list[Any], held: list[Any], values: list[Any]
    ) -> contextlib.AbstractContextManager[Any]:
        """Let Keras's weights stand for other values, which a functional backend traces."""
        if all(value is own for value, own in zip(values, held, strict=True)):
            return contextlib.nullcontext()
        pairs = list(zip(weights, values, strict=True))
        scope: contextlib.AbstractContextManager[Any] = self.keras.StatelessScope(pairs, collect_losses=True)
        return scope

    def takes(self, layer: Any, argument: str) -> bool:
        """Tell whether a layer's call takes an argument."""
        return argument in inspect.signature(layer.call).parameters

    _run_model = _run_layer

    def _run_loss(self, case: Case, policy: str) -> dict[str, Value]:
        return self._call(self.make(case, case, policy), case, policy)

    _run_constraint = _run_loss

    def _run_regularizer(self, case: Case, policy: str) -> dict[str, Value]:
        regularizer = self.make(case, case, policy)
        if hasattr(regularizer, "factor"):
            # OrthogonalRegularizer keeps a float32 tensor, which TensorFlow multiplies with weights of float32 alone.
            regularizer.factor = float(regularizer.factor)
        return self._call(regularizer, case, policy)

    def _run_function(self, case: Case, policy: str) -> dict[str, Value]:
        function = find(self.keras, case.kind, case.name, case.config)
        config = draw.config(case, policy, lambda o: self.make(o, case, policy))
        return self._call(lambda *args, **kwargs: function(*args, **kwargs, **config), case, policy)

    def _run_merge_function(self, case: Case, policy: str) -> dict[str, Value]:
        # What such a function doesn't name itself goes to the layer that it makes.
        function, config = find(self.keras, case.kind, case.name, case.config), {"dtype": policy, **case.config}
        return self._call(lambda *args, **kwargs: function(*args, **kwargs, **config), case, policy)

    def _run_initializer(self, case: Case, policy: str) -> dict[str, Value]:
        initializer = self.make(case, case, policy)
        shape = case.inputs[0]
        return {"output 0": self.engine.value(initializer(shape, dtype=draw.variable_dtype(policy)))}

    def _call(self, function: Callable[..., Any], case: Case, policy: str) -> dict[str, Value]:
        (args, kwargs), floating = self._tensors([draw.inputs(case, policy), draw.call(case, policy)])
        masks = draw.masks(case, policy)
        if masks is not None:
            args[-1]._keras_mask = self.engine.tensor(masks[0])

        def call(inputs: list[Any], _: list[Any]) -> tuple[list[Any], Any]:
            new_args, new_kwargs = _replaced([args, kwargs], floating, inputs)
            outputs = function(*new_args, **new_kwargs)
            return [y for y in leaves(outputs) if y is not None], outputs

        flat, _, grads = self.engine.differentiate(call, floating, [], case)
        return numbered("output", map(self.engine.value, flat)) | numbered("gradient of input", grads)


class KerasTorch(Keras):
    """Keras on its torch backend."""

    name, backend, formats = "keras-torch", "torch", ()


class KerasJax(Keras):
    """Keras on its JAX backend."""

    name, backend, formats = "keras-jax", "jax", ()


class TfKeras(Keras):
    """Keras 2, as tf-keras."""

    name, package, formats = "tf-keras", "tf_keras", (".h5", "_weights.h5")


class _Built(BaseException):
    """A layer has its weights. Not an Exception: Keras rewrites those on their way."""


def _end_of_building(*args: Any, **kwargs: Any) -> None:
    """Stand for the computation of a layer that is only to be built."""
    raise _Built


def _replaced(nested: Any, old: list[Any], new: list[Any]) -> Any:
    """Return a structure with some of its leaves replaced; masks that hang on tensors go over to the new ones."""
    by_id = {id(o): n for o, n in zip(old, new, strict=True)}
    flat = []
    for leaf in leaves(nested):
        replacement = by_id.get(id(leaf), leaf)
        if replacement is not leaf and hasattr(leaf, "_keras_mask"):
            replacement._keras_mask = leaf._keras_mask
        flat.append(replacement)
    return rebuilt(nested, flat)


def trainable_at_birth(layer: Any, weights: list[Any]) -> list[Any]:
    """List the weights that the layer declares trainable, frozen ones (LoRA, trainable=False) included."""
    frozen = layer.trainable
    if not frozen:
        layer.trainable = True
    own = list(layer.trainable_weights)
    layer.trainable = frozen
    names = {"kernel", "embeddings"}
    return own + [w for w in weights if _plain(w.name) in names and not any(w is t for t in own)]


def give_weights(layer: Any, arrays: list[Any]) -> None:
    """Set the weights of a layer or model, and what preprocessing layers derive from them: they compute with copies."""
    layer.set_weights(arrays)
    for inner in getattr(layer, "_flatten_layers", lambda: [layer])():
        if hasattr(inner, "finalize_state"):
            inner.finalize_state()


def _plain(name: str) -> str:
    """Return a variable's own name: Keras 2 writes its scope before it and its output after."""
    return name.split("/")[-1].split(":")[0]


def _dtype_name(dtype: Any) -> str:
    return dtype if isinstance(dtype, str) else np.dtype(dtype.as_numpy_dtype).name
