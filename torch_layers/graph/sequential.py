"""Sequential: a chain of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, fx, nn

from torch_layers import dtypes
from torch_layers.graph import config as configs
from torch_layers.graph.drawing import identifier
from torch_layers.graph.functional import Functional
from torch_layers.graph.input import input_symbol
from torch_layers.graph.inputs import Inputs
from torch_layers.graph.model import Model, collected_losses, regularized
from torch_layers.graph.symbols import SymbolicTensor
from torch_layers.layers.base import Layer
from torch_layers.layers.core.input_layer import InputLayer
from torch_layers.registry import Registry
from torch_layers.registry import layers as layer_registry
from torch_layers.serialization import CustomObjects


class Sequential(Functional):
    """A chain of layers: each one's output is the next one's input.

    It starts with an `Input`, an `InputLayer`, or a layer that was given `input_shape=`, or else it is built by its
    first call or `build(input_shape)`. Until then the weights are torch's `UninitializedParameter`s, which an optimizer
    and `load_state_dict` take, and `input`, `output` and the like do not exist.
    Shape: as the layers say.
    Raises: ValueError for what is no layer, for a second input layer, and for two layers with the same own name.
    Source: keras.Sequential, Keras 3.15.
    """

    registry: ClassVar[Registry] = Registry("model", "keras")

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        Model.__init__(self, name=name, trainable=trainable)
        self.built, self._constants = False, {}
        self._names: list[str] = []
        self._entry: list[InputLayer] = []
        self._implied = False  # whether nobody but the first call, or the first layer, said what the input is
        for layer in layers or ():
            self._push(layer)
        self._draw_again()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end. Raises: ValueError as the class says."""
        known = self._symbols
        self._push(layer)
        if known is None or isinstance(layer, (InputLayer, SymbolicTensor)):
            self._draw_again()
        else:
            self._draw_chain(known[0], self.layers[-1](known[1]))

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away and return it. Raises: ValueError if there is none."""
        if not self._names:
            raise ValueError(f"Sequential: {self.name!r} has no layer to pop")
        name = self._names.pop()
        layer = self._modules[name]
        if name not in self._names:
            del self._modules[name]
        self._draw_again()
        return layer  # type: ignore[return-value]

    def _push(self, layer: Any) -> None:
        if isinstance(layer, SymbolicTensor) and isinstance(layer.call.target, InputLayer):
            layer = layer.call.target
        if not isinstance(layer, Layer):
            raise ValueError(f"Sequential: layers[{len(self._names)}]={layer!r} is not a layer of torch_layers")
        if isinstance(layer, InputLayer):
            if self._entry or self._names:
                raise ValueError(f"Sequential: {layer!r} comes after the start, where alone an input may be")
            self._entry = [layer]
            return
        shape = getattr(layer, "batch_input_shape", None)
        if not self._names and not self._entry and shape is not None:
            self._imply(shape, layer.compute_dtype)
        name = self._name_for(layer)
        self.add_module(name, layer)
        self._names.append(name)

    def _name_for(self, layer: Layer) -> str:
        wanted = identifier(layer.name)
        if self._modules.get(wanted) is layer:
            return wanted
        for name, known in self._modules.items():
            if known is layer:
                return name
        name, number = wanted, 0
        while name in self._modules or hasattr(type(self), name) or name in vars(self):
            known = self._modules.get(name)
            if layer.has_own_name and getattr(known, "has_own_name", False):
                raise ValueError(f"Sequential: two layers have the name {name!r}, each needs its own")
            number += 1
            name = f"{wanted}_{number}"
        return name

    # --- the graph --------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Build the layers for an input of this shape, batch axis first.

        Raises: ValueError if there are no layers, or the input has another shape already.
        """
        if not self._names:
            raise ValueError(f"Sequential: {self.name!r} has no layers to build")
        if not self._entry:
            self._imply(input_shape, self.layers[0].compute_dtype)
        elif self._entry[0].batch_shape != tuple(input_shape):
            raise ValueError(
                f"Sequential: {self.name!r} has input shape {self._entry[0].batch_shape} already, not {input_shape}"
            )
        self._draw_again()

    def _imply(self, shape: Sequence[int | None], dtype: torch.dtype) -> None:
        self._entry, self._implied = [InputLayer(batch_shape=shape, dtype=dtypes.name_of(dtype))], True

    def _draw_again(self) -> None:
        first = self.layers[0] if self._names else None
        if not self._entry and isinstance(first, Functional) and first._symbols and len(first.inputs) == 1:
            self._imply(first.input_shape, first.inputs[0].dtype)
        if self._entry and self._names:
            start = output = input_symbol(self._entry[0])
            for layer in self.layers:
                output = layer(output)
            self._draw_chain(start, output)
        else:
            self._draw_unbuilt()

    def _draw_chain(self, start: Any, output: Any) -> None:
        self._draw(start, output, {self._modules[name]: name for name in self._names})
        if self._implied:
            # The layers convert and check what comes; a convolution takes other sizes than those of the first call.
            shape = (None,) * len(start.shape)
            self._learn(replace(self._inputs, shapes=[shape], dtypes=[None], declared=[None]))
        self.built = True

    def _draw_unbuilt(self) -> None:
        """Draw the chain without knowing its shapes."""
        self._symbols, self._variants, self.built = None, {}, False
        self._regularized = regularized(self)
        graph = fx.Graph()
        node = graph.placeholder("inputs")
        for name in self._names:
            node = graph.create_node("call_module", name, (node,))
        graph.output(node)
        self._set_graph(graph)
        self._learn(Inputs(["inputs"], None, [()], [None], [None], [False]))

    def _call_impl(self, *args: Any, mask: Any = None, **kwargs: Any) -> Any:
        if self._symbols is None and args:
            self._build_for(args[0])
        if self._symbols is not None:
            return super()._call_impl(*args, mask=mask, **kwargs)
        with collected_losses(self._regularized):
            return nn.Module._call_impl(self, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _build_for(self, x: Any) -> None:
        """Build for one tensor, array or symbol; a chain that starts with several stays as it is."""
        if self._names and isinstance(x, (Tensor, np.ndarray, SymbolicTensor)):
            if torch.compiler.is_compiling():
                raise RuntimeError(
                    f"Sequential: {self.name!r} is not built yet: call it once or give it an Input before torch.compile"
                )
            self.build((None, *x.shape[1:]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the output; None if there is none."""
        self._build_for(inputs) if self._symbols is None else None
        if self._symbols is not None:
            return super().compute_mask(inputs, mask)
        for layer in self.layers:
            inputs, mask = layer(inputs), layer.compute_mask(inputs, mask)
        return mask

    # --- what it consists of ----------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers, in order, without the input layer."""
        return [self._modules[name] for name in self._names]

    def _named_layers(self) -> dict[str, Any]:
        return {name: self._modules[name] for name in self._names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self._symbols is None:
            self._draw_unbuilt()

    def get_config(self) -> dict[str, Any]:
        return configs.sequential_config(self)

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Any:
        """Make a model from what `get_config` of this class or of Keras's returned; Keras 1's bare list will do too."""
        return configs.sequential_from_config(cls, config, custom_objects)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the input shape, for `build_from_config`; None before the model is built."""
        return {"input_shape": self._entry[0].batch_shape} if self._symbols is not None else None


# Configs find them in their own modules of Keras 3 and 2 and, if they name no module, among the layers.
for _cls in (Functional, Sequential):
    for _registry in (_cls.registry, layer_registry):
        if _cls.__name__ not in _registry:
            _registry.add(_cls)
    for _package in ("keras.engine", "keras.src.engine", "tf_keras.src.engine"):
        Registry.by_module[f"{_package}.{_cls.__name__.lower()}"] = _cls.registry
