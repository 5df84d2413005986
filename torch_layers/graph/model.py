"""Model: the base of all models, and what a model of your own derives from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils import _pytree as pytree

from torch_layers.graph.files import Storable
from torch_layers.graph.running import Runnable
from torch_layers.graph.summary import count_params, print_summary
from torch_layers.graph.symbols import Symbol
from torch_layers.layers.base import Layer
from torch_layers.registry import nearest
from torch_layers.serialization import CustomObjects


def defines_graph(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether a model's arguments are the inputs and outputs of a graph."""
    if "outputs" in kwargs:
        return bool(args) or "inputs" in kwargs
    return len(args) > 1 and any(isinstance(leaf, Symbol) for leaf in pytree.tree_leaves(args))


class Model(Runnable, Storable, Layer):
    """`Model(inputs, outputs)` is a module that computes `outputs` from `inputs`, symbolic tensors that begin with
    `Input`; each may be one symbol, or nested lists, tuples and dicts of them.

    It is a `torch.fx.GraphModule` (see `Functional`). Its inputs are usually what `Input` returned, but any symbols
    will do: `Model(model.input, model.get_layer("dense").output)` shares the layers of `model`.

    A subclass may instead define layers in `__init__` and compute with them in `forward`; it gets `compile`, `predict`,
    `evaluate` and `summary`, and no graph.
    Shape: as the layers say.
    Raises: ValueError if an output needs an `Input` that is not among the inputs.
    Source: keras.Model, Keras 3.15.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and defines_graph(args, kwargs):
            from torch_layers.graph.functional import Functional

            return Functional.__new__(Functional)
        return super().__new__(cls)

    def __init_subclass__(cls, of_instance: bool = False, **kwargs: Any) -> None:
        # The class that torch.fx wants for each graph is nothing to register.
        if not of_instance:
            super().__init_subclass__(**kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if defines_graph(args, kwargs):
            from torch_layers.graph.functional import Functional, own_class

            self.__class__ = own_class(type(self))
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
        else:
            super().__init__(*args, **kwargs)
            self._init_running()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with collected_losses(regularized(self)):
            return super().__call__(*args, **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects | None = None) -> Any:
        """Make a model from what `get_config` returned; a functional one's config may come from Keras.

        Raises: ValueError for a layer or operation that is neither Keras's nor in `custom_objects`.
        """
        if "output_layers" in config:
            from torch_layers.graph.config import functional_from_config

            return functional_from_config(cls, config, custom_objects)
        return super().from_config(config, custom_objects)

    @property
    def layers(self) -> list[Layer]:
        """The layers, those inside other layers left out."""
        return [layer for layer in self._layers_within() if isinstance(layer, Layer)]

    def _named_layers(self) -> dict[str, Layer]:
        layers = set(self.layers)
        return {name: layer for name, layer in self.named_modules() if isinstance(layer, Layer) and layer in layers}

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name in this model, or by its index in `layers`.

        Raises: ValueError unless exactly one of both is given, and if there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer: name={name!r} and index={index!r}: exactly one of both must be given")
        named = self._named_layers()
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"get_layer: index={index} is not below the number of layers, {len(self.layers)}")
            return self.layers[index]
        own = [layer for layer in self.layers if layer.name == name and layer.has_own_name]
        if name not in named and not own:
            raise ValueError(f"get_layer: name={name!r} is not one of {tuple(named)}{nearest(name, list(named))}")
        return own[0] if own else named[name]  # type: ignore[index]

    def count_params(self) -> int:
        """Return the number of values in all weights."""
        return sum(count_params(self))

    def summary(
        self, line_length: int | None = None, print_fn: Any = None, expand_nested: bool = False, **kwargs: Any
    ) -> None:
        """Print the layers, their output shapes and numbers of weights; `print_fn` is called with each line."""
        print_summary(self, line_length, print_fn, expand_nested)


def regularized(module: nn.Module) -> list[Layer]:
    """List the layers in a module that regularize their outputs."""
    return [m for m in module.modules() if isinstance(m, Layer) and m.activity_regularizer is not None]


@contextmanager
def collected_losses(layers: list[Layer]) -> Iterator[None]:
    """Forget the activity losses of layers now, and keep those of all their calls inside this context."""
    # Those that collect already do it for a model around this one.
    fresh = [layer for layer in layers if not layer._collects_losses]
    for layer in fresh:
        layer._activity_losses, layer._collects_losses = [], True
    try:
        yield
    finally:
        for layer in fresh:
            layer._collects_losses = False
