"""Functional: a model that is a graph, drawn by torch.fx from recorded calls."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from torch_layers.graph import config as configs
from torch_layers.graph.drawing import Slice, draw, keras_order, module_paths
from torch_layers.graph.history import read_tape, replay, write_tape
from torch_layers.graph.inputs import Inputs
from torch_layers.graph.model import Model, collected_losses, regularized
from torch_layers.graph.symbols import Symbol, SymbolicTensor, flatten, map_structure, new_input, pack
from torch_layers.layers.base import Layer
from torch_layers.layers.core.input_layer import InputLayer
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Weight, as_tensor
from torch_layers.registry import Registry

_call_signature = inspect.signature(lambda inputs, mask=None: None)


def own_class(cls: type) -> type:
    """Return a new class for one instance, as torch.fx needs, which puts each graph's `forward` on the class."""
    cls = vars(cls).get("_public_class", cls)
    bases = (cls,) if issubclass(cls, Functional) else (cls, Functional)
    spaces = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return type(cls)(cls.__name__, bases, {**spaces, "_public_class": cls}, of_instance=True)


class _Drawn(fx.GraphModule):
    """A graph module that starts empty and is drawn later."""

    def __init__(self) -> None:
        super().__init__({}, fx.Graph(), type(self).__name__)

    def recompile(self) -> Any:
        if not self._graph.nodes:
            return None
        code = super().recompile()
        if "__call__" in vars(type(self)):
            # fx's wrapper prints errors and drops their tracebacks, and costs time in each call.
            del type(self).__call__
        return code

    __str__ = nn.Module.__repr__


class Functional(Model, _Drawn):
    """What `Model(inputs, outputs)` makes: a `torch.fx.GraphModule`, whose code `print(model.code)` shows.

    Call it with tensors or numpy arrays: one for each input, in the structure of `inputs`, or a dict by the inputs'
    names. They get the dtypes of the inputs; a last axis of size 1 may be missing or too many, as in Keras. `.half()`,
    `.to(dtype)` and the like change the inputs' floating dtypes too. A layer is the attribute of its own name, or of an
    automatic one, numbered within the model; so begin the keys of `state_dict`.

    Masks are drawn into the graph wherever a layer takes them. Those of the inputs may be given by `mask`, in the
    structure of `inputs`; `compute_mask` returns those of the outputs.
    Shape: as the layers say.
    Raises: ValueError for inputs whose number, names, ranks or sizes are not those of the model's inputs.
    Source: keras.Model, Keras 3.15.
    """

    registry: ClassVar[Registry] = Registry("model", "keras.src.models.functional")
    supports_masking = True
    call_signature = _call_signature
    _symbols: Any = None
    _constants: dict[str, Tensor]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(own_class(cls))

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, trainable=trainable is not False, **kwargs)
        self._constants = {}
        self._define(inputs, outputs)

    # --- the graph --------------------------------------------------------------------------------------------------

    def _define(self, inputs: Any, outputs: Any) -> None:
        cls = vars(type(self))["_public_class"]
        owner = "Model" if cls is Functional else cls.__name__
        for name, symbols in (("inputs", inputs), ("outputs", outputs)):
            for leaf in flatten(symbols) or [symbols]:
                if not isinstance(leaf, SymbolicTensor):
                    raise ValueError(
                        f"{owner}: {name} holds {leaf!r}, not only symbolic tensors, which Input returns and layers "
                        "return for them"
                    )
        try:
            calls = keras_order(Slice(flatten(inputs), flatten(outputs)))
        except ValueError as error:
            raise ValueError(f"{owner}: {error}") from None
        modules = [call.target for call in calls if call.kind == "module"]
        self._draw(inputs, outputs, module_paths(modules, self._has_attribute), calls)

    def _has_attribute(self, name: str) -> bool:
        """Tell whether a name is taken by something else than a module."""
        spaces = (vars(self), *map(vars, type(self).__mro__))
        return name not in self._modules and (name == "forward" or any(name in space for space in spaces))

    def _draw(self, inputs: Any, outputs: Any, paths: dict[Any, str], calls: list[Any] | None = None) -> None:
        """Keep the history between inputs and outputs, and draw the graph of it."""
        part = Slice(flatten(inputs), flatten(outputs))
        for module, path in paths.items():
            if "." not in path:
                self.add_module(path, module)
        self._symbols = inputs, outputs
        self._paths = paths
        # In Keras's order; a layer as its path, so that one that is put in its place counts instead.
        order = keras_order(part) if calls is None else calls
        self._order = [call.target if call.kind == "input" else paths[call.target] for call in order]
        self._variants: dict[Any, Callable[..., Any]] = {}
        self._regularized = regularized(self)
        graph = draw(part, _unpacked(outputs), paths, self._constant_name)
        self._set_graph(graph)
        self._learn(Inputs.of(inputs))

    def _set_graph(self, graph: fx.Graph) -> None:
        self.graph = graph
        self._drawn_code = self._code

    def _learn(self, inputs: Inputs) -> None:
        self._inputs = inputs
        # What needs no care takes the direct way into `forward`.
        self._direct_input = (None, None) if self._regularized else inputs.direct()

    def _constant_name(self, tensor: Tensor) -> str:
        for name, known in self._constants.items():
            if known is tensor:
                return name
        name = f"constant_{len(self._constants)}"
        # Known by the tensor in the recorded call, which stays where it is when the buffer moves to a device.
        self._constants[name] = tensor
        # Part of the code, not of what training changes: no state_dict holds it.
        self.register_buffer(name, tensor, persistent=False)
        return name

    # --- calls ------------------------------------------------------------------------------------------------------

    __call__ = nn.Module.__call__

    def _call_impl(self, *args: Any, mask: Any = None, **kwargs: Any) -> Any:
        """Run the graph on whatever Keras takes. Not in `__call__`, which torch.compile skips for graph modules."""
        if len(args) == 1 and mask is None and not kwargs:
            x = args[0]
            dtype, sizes = self._direct_input
            if type(x) is Tensor and x.dtype is dtype and x.shape[1:] == sizes:
                return nn.Module._call_impl(self, x)  # type: ignore[no-untyped-call]
        given = kwargs or (args[0] if len(args) == 1 else list(args))
        for leaf in pytree.tree_leaves((given, mask)):
            if isinstance(leaf, SymbolicTensor):
                return leaf.record_layer_call(leaf, self, (given,), {} if mask is None else {"mask": mask})
        inputs = self._converted(given)
        run, masks = self._with_masks(mask, inputs, False)
        if not self._regularized:
            return run(self, *inputs, *masks)
        with collected_losses(self._regularized):
            return run(self, *inputs, *masks)

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Check symbols that the model is called with."""
        try:
            self._inputs.check(args[0])
        except ValueError as error:
            raise self._error(error) from None

    def _converted(self, given: Any) -> list[Any]:
        try:
            return self._inputs.converted(given, self._device())
        except ValueError as error:
            raise self._error(error) from None

    def _error(self, message: Any) -> ValueError:
        return ValueError(f"{type(self).__name__} {self.name!r}: {message}")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the masks of the outputs, in their structure, for inputs and their masks; None if there are none."""
        tensors = self._converted(inputs)
        run, given = self._with_masks(mask, tensors, True)
        masks = run(self, *tensors, *given)
        return masks if any(leaf is not None for leaf in flatten(masks)) else None

    def _with_masks(self, mask: Any, inputs: list[Any], of_outputs: bool) -> tuple[Callable[..., Any], list[Tensor]]:
        """Return a function of model, inputs and masks that computes the outputs, or their masks; and the masks."""
        masks = [] if mask is None else flatten(mask)
        if masks and len(masks) != len(inputs):
            raise self._error(f"called with {len(masks)} masks, needed is one or None for each of {len(inputs)} inputs")
        masks = [None if m is None else as_tensor(m) for m in masks]
        given = [m for m in masks if m is not None]
        if not given and not of_outputs:
            return nn.Module._call_impl, given
        key = of_outputs, tuple(m if m is None else m.ndim for m in masks) if given else ()
        if key not in self._variants:
            self._variants[key] = self._draw_variant(*key)
        return self._variants[key], given

    def _draw_variant(self, of_outputs: bool, ranks: tuple[int | None, ...]) -> Callable[..., Any]:
        """Draw the graph again, for inputs of which some have masks; return its code as a function."""
        inputs, outputs = self._symbols
        starts = flatten(inputs)
        if any(rank is not None for rank in ranks):
            new = {}
            for symbol, rank in zip(starts, ranks, strict=True):
                new[id(symbol)] = new_input(symbol.name, symbol.shape, symbol.dtype)
                if rank is not None:
                    mask = new_input(f"{symbol.name}_mask", symbol.shape[:rank], torch.bool)
                    new[id(symbol)].mask = new[id(symbol)].hanging = mask
            changed = replay(Slice(starts, flatten(outputs)), new)
            outputs = map_structure(lambda symbol: changed[id(symbol)], outputs)
            starts = [new[id(symbol)] for symbol in starts]
            starts += [symbol.mask for symbol in starts if symbol.mask is not None]
        if of_outputs:
            masks = [symbol.hanging for symbol in flatten(outputs)]
            part = Slice(starts, [], optional=[mask for mask in masks if mask is not None])
            masks = [mask if mask is not None and part.has(mask) else None for mask in masks]
            outputs = pack(outputs, iter(masks))
        else:
            part = Slice(starts, flatten(outputs))
        code = draw(part, _unpacked(outputs), self._paths, self._constant_name).python_code("self")
        spaces = dict(code.globals)
        exec(compile(code.src, f"<{self.name} with masks>", "exec", dont_inherit=True), spaces)
        return spaces["forward"]  # type: ignore[no-any-return]

    # --- what it consists of ----------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, in Keras's order, input layers included, those inside other layers left out."""
        layers: list[Any] = [i if isinstance(i, InputLayer) else self.get_submodule(i) for i in self._order]
        return layers

    def _named_layers(self) -> dict[str, Layer]:
        names = [item.name if isinstance(item, InputLayer) else item for item in self._order]
        return dict(zip(names, self.layers, strict=True))

    def _layers_within(self) -> Iterator[Weighted]:
        drawn = [layer for layer in self.layers if not isinstance(layer, InputLayer)]
        yield from drawn
        yield from (layer for layer in super()._layers_within() if layer not in drawn)

    def weight_entries(self) -> Iterator[tuple[Weighted, Weight]]:
        """Yield (layer, weight) in the order of Keras's `model.weights`, those of a layer at two places once."""
        seen = set()
        for layer, spec in super().weight_entries():
            if (layer, spec.name) not in seen:
                seen.add((layer, spec.name))
                yield layer, spec

    @property
    def input(self) -> Any:
        """The symbols of the inputs, in the structure that the model was made with."""
        return self._known_symbols()[0]

    @property
    def output(self) -> Any:
        """The symbols of the outputs, in the structure that the model was made with."""
        return self._known_symbols()[1]

    def _known_symbols(self) -> Any:
        if self._symbols is None:
            raise AttributeError
        return self._symbols

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbols of the inputs."""
        return flatten(self.input)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbols of the outputs."""
        return flatten(self.output)

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the list of several's."""
        return _unpacked([symbol.shape for symbol in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the list of several's."""
        return _unpacked([symbol.shape for symbol in self.outputs])

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return list(self._inputs.names)

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs."""
        return [self._name_of(symbol) for symbol in self.outputs]

    def _name_of(self, symbol: Symbol) -> str:
        return self._paths[symbol.call.target] if symbol.call.kind == "module" else symbol.name

    # --- config -----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the layers and their connections as Keras's functional models describe them.

        Raises: ValueError for a function or tensor method that Keras has no operation for.
        """
        return configs.Writer(self).config()

    def get_build_config(self) -> dict[str, Any] | None:
        """Return None: the layers are built by being called."""
        return None

    def extra_repr(self) -> str:
        return f"name={self.name!r}"

    # --- torch's machinery ------------------------------------------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        super()._apply(fn, recurse)
        self._learn(self._inputs.applied(fn))
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for drawn in ("_graph", "_code", "_lineno_map", "_prologue_start", "_symbols", "_paths", "_regularized"):
            state.pop(drawn, None)
        tape = None
        if self._symbols is not None:
            tape = write_tape(self._symbols[0], self._symbols[1], lambda module: self._paths[module])
        return {**state, "_variants": list(self._variants), "_tape": tape}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        tape, variants = state.pop("_tape"), state.pop("_variants")
        super().__setstate__({**state, "_variants": {}})
        if tape is not None:
            # `_draw` learns them from the symbols, which know nothing of `.half()` and of a config's order.
            kept = {name: state[name] for name in ("_order", "_inputs", "_direct_input")}
            symbols = read_tape(tape, self.get_submodule)
            paths = {call[1] for call in tape.calls if call[0] in ("module", "mask")}
            self._draw(*symbols, {self.get_submodule(path): path for path in sorted(paths)})
            self.__dict__.update(kept)
        for key in variants:
            self._variants[key] = self._draw_variant(*key)

    def __reduce__(self) -> Any:
        if self._code != self._drawn_code:
            raise TypeError(
                f"the graph of {self.name!r} was edited, so it can't be pickled; "
                "torch.fx.GraphModule(model, model.graph) can"
            )
        return _blank, (vars(type(self))["_public_class"],), self.__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = memo[id(self)] = _blank(type(self))
        copied.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        if self._code != self._drawn_code:
            copied.graph = copy.deepcopy(self.graph, memo)
        return copied


def _blank(cls: type) -> Any:
    return object.__new__(own_class(cls))


def _unpacked(structure: Any) -> Any:
    """Return the only item of a list or tuple of one, as Keras does with a model's outputs."""
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure
