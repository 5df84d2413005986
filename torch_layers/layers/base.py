"""The contract that every layer keeps: Keras's arguments, configs and weights, torch's parameters, modes and tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from types import FunctionType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from torch_layers import dtypes, regularizers
from torch_layers.hooks import is_watched
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import as_tensor
from torch_layers.registry import Registry, nearest, snake_case
from torch_layers.registry import layers as layer_registry
from torch_layers.serialization import Configurable, parameters, serialize

_UNLIMITED = 1_000_000
# An exported program has no `losses` to keep, and torch warns of tensors that it would lose. Older ones can't tell.
_is_exporting: Callable[[], bool] = getattr(torch.compiler, "is_exporting", lambda: False)


@dataclass(frozen=True)
class InputSpec:
    """What a layer takes: the ranks it allows and the sizes of some axes, checked with one clear sentence."""

    min_ndim: int = 0
    max_ndim: int = _UNLIMITED
    axes: Mapping[int, int] | None = None

    def check(self, layer: str, shape: Sequence[int | None]) -> None:
        """Raise ValueError if an input of `shape` is not what `layer` takes."""
        if not self.min_ndim <= len(shape) <= self.max_ndim:
            if self.min_ndim == self.max_ndim:
                allowed = f"{self.min_ndim}"
            elif self.max_ndim == _UNLIMITED:
                allowed = f"at least {self.min_ndim}"
            else:
                allowed = f"{self.min_ndim} to {self.max_ndim}"
            raise ValueError(f"{layer}: input of shape {tuple(shape)} has rank {len(shape)}, allowed is {allowed}")
        for axis, size in (self.axes or {}).items():
            if shape[axis] not in (size, None):
                raise ValueError(
                    f"{layer}: input of shape {tuple(shape)} has size {shape[axis]} in axis {axis}, "
                    f"the layer was built for {size}"
                )


class _OfFirstCall:
    """`layer.input`, `layer.output`: the symbols of the layer's first call that a model still knows.

    Not a property, because torch users give such names to their own attributes and sublayers, which win.
    """

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Layer | None, owner: type) -> Any:
        if layer is None:
            return self
        for stored in (layer._modules, layer._parameters, layer._buffers):
            if self.name in stored:
                return stored[self.name]
        for reference in layer._calls:
            call = reference()
            if call is not None:
                return self.read(call)
        raise AttributeError(f"{type(layer).__name__}: {layer.name!r} was not called with the symbols of any model")


class _BuildsAtOnce(type):
    """Finishes a layer after the last `__init__`: builds it if its input shape is known, sets `weights=`.

    An error about an argument's value, such as an unknown activation, is made to name the layer and the argument.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            layer = super().__call__(*args, **kwargs)
        except ValueError as error:
            raise cls._named(error, args, kwargs) from error.__cause__
        layer._finish_init()
        return layer

    def _named(cls, error: ValueError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ValueError:
        message = str(error)
        if message.startswith(f"{cls.__name__}:"):
            return error
        given = {**dict(zip((p.name for p in parameters(cls)), args, strict=False)), **kwargs}
        argument = next((name for name, value in given.items() if f" {value!r}" in message), None)
        named = argument is not None and not any(message.startswith(f"{name}=") for name in given)
        return ValueError(f"{cls.__name__}: {f'{argument}: ' if named else ''}{message}")


def _marks_built(build: Callable[..., None]) -> Callable[..., None]:
    names = build.__code__.co_varnames[1 : build.__code__.co_argcount]

    @wraps(build)
    def wrapped(self: Layer, *shapes: Any, **named: Any) -> None:
        if len(names) > 1:
            # Several inputs: a shape for each by name, which a dict may hold, as Keras's build configs do.
            given = shapes[0] if shapes and isinstance(shapes[0], dict) else dict(zip(names, shapes, strict=False))
            given = {name: shape for name, shape in {**given, **named}.items() if shape is not None}
            build(self, **given)
            self._set_built(given)
        else:
            shape = shapes[0] if shapes else next(iter(named.values()), None)
            build(self, shape)
            self._set_built(shape)

    return wrapped


def _own_code(function: FunctionType) -> FunctionType:
    """Return the same function with a code object of its own.

    torch.compile counts recompilations for a code object: all layers together would soon reach its limit.
    """
    code, name, defaults, closure = function.__code__, function.__name__, function.__defaults__, function.__closure__
    copied = FunctionType(code.replace(), function.__globals__, name, defaults, closure)
    copied.__kwdefaults__, copied.__qualname__ = function.__kwdefaults__, function.__qualname__
    return copied


class Layer(Configurable, Weighted, metaclass=_BuildsAtOnce):
    """Base of all layers: a torch module with the arguments, configs and weights of its Keras namesake.

    A subclass's `__init__` checks its arguments, keeps each as an attribute of the same name (the config is read from
    there) and declares its weights with `add_weight`; `build(input_shape)` gives them sizes by `create_weights`;
    `forward` computes. Before the layer is built, at its first call or by `input_shape=`, its parameters are torch's
    `UninitializedParameter`s: an optimizer made earlier trains them and `load_state_dict` fills them.

    `dtype` is a dtype or a policy ("mixed_bfloat16"): weights are kept in its variable dtype; floating inputs and
    weights are cast to its compute dtype, unless `autocast` is False. `.half()`, `.to(dtype)` and the like change it.
    `input_shape` (without the batch axis), `input_dim`, `batch_input_shape` and `weights` are Keras 2's.
    Raises: TypeError for an unknown argument; ValueError for an input whose rank or sizes the layer does not take.
    Source: keras.layers.Layer, Keras 3.15.
    """

    registry: ClassVar[Registry] = layer_registry
    dtype_policy: dtypes.Policy
    compute_dtype: torch.dtype
    has_own_name: bool
    autocast: bool
    built: bool
    _built_shape: Any
    _initial_weights: Any
    _initial_shape: Any
    # True if a call with one tensor of the compute dtype may go straight to `forward`.
    _direct: bool
    # Whether a mask passes through, as `compute_mask` says.
    supports_masking: bool = False
    # Whether, as in Keras, the layer takes the masks off the tensors it is called with: later layers that find masks there
    # when a model runs, which those called with one tensor don't need to, find none.
    takes_masks_off: bool = False
    # False for layers that compute in the compute dtype whatever integers come in.
    takes_integers: bool = True
    input_spec: InputSpec = InputSpec()
    input = _OfFirstCall(lambda call: call.args[0])
    output = _OfFirstCall(lambda call: call.outputs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _marks_built(cls.build)  # type: ignore[method-assign]
        if "__call__" not in vars(cls):
            cls.__call__ = _own_code(cls.__call__)  # type: ignore[method-assign, arg-type]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        weights: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        cls = type(self).__name__
        if kwargs:
            known = [parameter.name for parameter in parameters(type(self))]
            hint = nearest(next(iter(kwargs)), known)
            raise TypeError(f"{cls}: unknown argument{'s' * (len(kwargs) > 1)} {', '.join(map(repr, kwargs))}{hint}")
        if not isinstance(trainable, bool):
            raise ValueError(f"{cls}: trainable={trainable!r} is not a bool")
        policy = dtypes.policy(dtype)
        self.name = name or snake_case(cls)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._init_weights(trainable)
        if input_dim is not None:
            input_shape = (input_dim,)
        built = type(self).build is Layer.build
        # All at once: torch's `__setattr__` asks of each value whether it is a tensor or a module.
        vars(self).update(
            dtype_policy=policy,
            compute_dtype=policy.compute,
            variable_dtype=policy.variable,
            has_own_name=name is not None,
            autocast=autocast,
            built=built,
            _built_shape=None,
            _initial_weights=weights,
            _initial_shape=(None, *input_shape) if input_shape is not None else batch_input_shape,
            _direct=built and self.activity_regularizer is None,
        )

    def _finish_init(self) -> None:
        shape, weights = self._initial_shape, self._initial_weights
        self._initial_weights = None
        if not self._trainable:
            # The layers inside keep their own `trainable`, as in Keras, where it says more than whether weights train:
            # statistics of a BatchNormalization go on with each batch.
            for layer in self.modules():
                if isinstance(layer, Weighted):
                    layer._require_gradients(False)
        if shape is not None:
            self.batch_input_shape = tuple(shape)
            if not self.built:
                self.build(self.batch_input_shape)
        if weights is not None:
            self.set_weights(weights)

    # --- build and call --------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Give the weights sizes for inputs of `input_shape` (batch axis first, may be None), as Keras's `build`."""
        self._set_built(input_shape)

    def _set_built(self, input_shape: Any) -> None:
        self.built, self._built_shape = True, input_shape
        self._direct = self.activity_regularizer is None

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what `build_from_config` needs, as Keras's serialized layers carry it; None before the layer is built."""
        if self._built_shape is None:
            return None
        shape = self._built_shape
        if isinstance(shape, dict):
            return {"shapes_dict": shape}
        return {"input_shape": list(shape) if isinstance(shape, list) else tuple(shape)}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Build from the `build_config` of a serialized layer, if it isn't built yet."""
        shape = config.get("input_shape", config.get("shapes_dict"))
        if not self.built and shape is not None:
            self.build(tuple(shape) if isinstance(shape, list) and not _is_nested(shape) else shape)

    def check_input(self, shape: Any) -> None:
        """Raise ValueError in one sentence if the layer can't take an input of this shape (a list for several)."""
        if not _is_nested(shape):
            self.input_spec.check(type(self).__name__, shape)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._direct and len(args) == 1 and not kwargs:
            x = args[0]
            spec = self.input_spec
            if type(x) is Tensor and x.dtype is self.compute_dtype and spec.min_ndim <= x.ndim <= spec.max_ndim:
                try:
                    return (self._compiled_call_impl or self._call_impl)(x) if is_watched(self) else self.forward(x)
                except (RuntimeError, IndexError) as error:
                    self.explain(error, x)
                    raise
        return self._call_with_care(args, kwargs)

    def _call_with_care(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call with whatever Keras takes: symbols, numpy arrays, other dtypes, several inputs; build when needed."""
        for leaf in chain(pytree.tree_leaves(args), pytree.tree_leaves(kwargs)):
            record = getattr(type(leaf), "record_layer_call", None)
            if record is not None:
                return record(leaf, self, args, kwargs)
        args = pytree.tree_map(lambda x: self._convert_input(x, not self.takes_integers), args)
        kwargs = pytree.tree_map(lambda x: self._convert_input(x, False), kwargs)
        self.prepare(args, kwargs)
        try:
            outputs = super().__call__(*args, **kwargs)
        except (RuntimeError, IndexError) as error:
            self.explain(error, *args)
            raise
        if self.activity_regularizer is not None and not _is_exporting():
            self._add_activity_losses(outputs)
        return outputs

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Check the shapes of a call's tensors, or of symbols with unknown sizes, and build the layer if it isn't."""
        shape = _shapes(args[0]) if args else None
        if shape is not None:
            self.check_input(shape)
            if not self.built:
                self._build_now(shape)

    def _build_now(self, shape: Any) -> None:
        if torch.compiler.is_compiling():
            raise RuntimeError(
                f"{type(self).__name__}: not built yet: call it once or pass input_shape= before torch.compile or export"
            )
        self.build(shape)

    def _convert_input(self, x: Any, integers: bool) -> Any:
        if isinstance(x, np.ndarray):
            x = as_tensor(x).to(self._device())
        if (
            self.autocast
            and isinstance(x, Tensor)
            and x.dtype is not self.compute_dtype
            and (x.is_floating_point() or integers)
            and self.compute_dtype.is_floating_point
            # Inside torch.autocast the ops choose their own dtypes; a cast back would undo its choice.
            and (x.is_meta or not torch.is_autocast_enabled(x.device.type))
        ):
            return x.to(self.compute_dtype)
        return x

    def _device(self) -> torch.device:
        for tensor in chain(self.parameters(), self.buffers()):
            return tensor.device
        return torch.get_default_device()

    def explain(self, error: Exception, *args: Any) -> None:
        """Raise a clear ValueError for an error of torch's, if the inputs show its cause."""
        shape = _shapes(args[0]) if args else None
        if shape is not None:
            try:
                self.check_input(shape)
            except ValueError as clear:
                raise clear from error

    def cast(self, weight: Tensor) -> Tensor:
        """Return a weight in the compute dtype; the weight itself where that is its dtype."""
        return weight if weight.dtype is self.compute_dtype or not self.autocast else weight.to(self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the output for the mask of the input: the same one, or None if masks stop here."""
        return mask if self.supports_masking else None

    def _add_activity_losses(self, outputs: Any) -> None:
        if not self._collects_losses:
            self._activity_losses = []
        assert self.activity_regularizer is not None
        for output in pytree.tree_leaves(outputs):
            if isinstance(output, Tensor):
                loss = self.activity_regularizer(output)
                # Keras divides by the batch size, and gives 0 for an empty batch.
                self._activity_losses.append(loss / max(output.shape[0], 1) if output.ndim else loss)

    # --- config ----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as plain values, as Keras's layer of this name gives them."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize(self.activity_regularizer)
        return {**config, **{name: serialize(getattr(self, name)) for name in self._own_arguments()}}

    @classmethod
    def _own_arguments(cls) -> list[str]:
        base = {parameter.name for parameter in parameters(Layer)}
        own = set().union(*(_named(c) for c in cls.__mro__ if issubclass(c, Layer) and c is not Layer))
        names = [p.name for p in parameters(cls)]
        # `weights` and `input_dim` are Keras 2's for most layers, but Embedding's own: the class that names them decides.
        return [name for name in names if (name not in base or name in own) and name not in cls.config_omits]

    def extra_repr(self) -> str:
        """Show the arguments that differ from their defaults."""
        defaults = {parameter.name: parameter.default for parameter in parameters(type(self))}
        shown = {name: getattr(self, name) for name in self._own_arguments()}
        config = {name: value for name, value in self.get_config().items() if name in shown}
        return ", ".join(
            f"{name}={_short(value)}"
            for name, value in config.items()
            if not _is_default(shown[name], value, defaults[name]) and not isinstance(shown[name], nn.Module)
        )

    # --- torch's machinery -----------------------------------------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Layer:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        # `.half()`, `.to(torch.float64)` and the like change what the layer computes in, weights or none.
        changed = fn(torch.empty(0, dtype=self.variable_dtype)).dtype
        if changed is not self.variable_dtype:
            self.dtype_policy = dtypes.policy(changed)
            self.compute_dtype = self.variable_dtype = changed
        return self


def _named(cls: type) -> set[str]:
    if "__init__" not in vars(cls):
        return set()
    code = cls.__init__.__code__  # type: ignore[misc]
    return set(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


def _is_nested(shape: Any) -> bool:
    return isinstance(shape, dict) or any(isinstance(item, (list, tuple, dict)) for item in shape)


def _shapes(inputs: Any) -> Any:
    """Return the shape of a tensor, or the list or dict of shapes of several; None if there is none."""
    shape = getattr(inputs, "shape", None)
    if isinstance(shape, tuple):  # a tensor's or a symbol's, not that of a proxy of torch.fx
        return tuple(shape)
    if isinstance(inputs, (list, tuple)) and inputs:
        return [_shapes(item) for item in inputs]
    if isinstance(inputs, dict):
        return {key: _shapes(item) for key, item in inputs.items()}
    return None


def _is_default(value: Any, config: Any, default: Any) -> bool:
    if isinstance(config, dict) and isinstance(default, str):
        return snake_case(config.get("class_name", "")) == snake_case(default)
    return config is default or config == default or (default is None and config == "linear")


def _short(config: Any) -> str:
    return config["class_name"] if isinstance(config, dict) and "class_name" in config else repr(config)
