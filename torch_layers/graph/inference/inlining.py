"""One flat graph of a model and the models inside it."""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from torch_layers.graph.functional import Functional


def inlined(model: Functional, done: Callable[[str], None]) -> tuple[dict[str, Any], fx.Graph]:
    """Return the modules and constants of a model by their paths, and a graph of them that calls no model any more.

    Each node's `meta["val"]` is its result as fake tensors, of the sizes that stand for the unknown ones. Each model
    that is taken apart is told to `done`.
    """
    return _Inliner(done).run(model)


class _Inliner:
    def __init__(self, done: Callable[[str], None]) -> None:
        self.done = done
        self.graph = fx.Graph()
        self.found: dict[str, Any] = {}
        # Weights count as fake tensors where they meet one: shapes and dtypes cost nothing.
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)

    def run(self, model: Functional) -> tuple[dict[str, Any], fx.Graph]:
        starts = []
        for node, symbol, dtype in zip(_placeholders(model), model.inputs, model._inputs.dtypes, strict=True):
            start = self.graph.node_copy(node)
            with self.mode:
                start.meta["val"] = torch.empty(symbol.samples[0].shape, dtype=dtype or symbol.dtype)
            starts.append(start)
        self.graph.output(self._take(model, "", starts))
        return self.found, self.graph

    def _take(self, model: Functional, prefix: str, starts: list[Any]) -> Any:
        """Copy the nodes of a model, for the nodes that are its inputs; return the structure of its outputs."""
        known: dict[fx.Node, Any] = dict(zip(_placeholders(model), starts, strict=True))
        for node in model.graph.nodes:
            if node.op == "output":
                return fx.map_arg(node.args[0], known.__getitem__)
            if node.op != "placeholder":
                known[node] = self._copied(model, prefix, node, known.__getitem__)
        raise AssertionError("a graph ends with its output")

    def _copied(self, model: Functional, prefix: str, node: fx.Node, known: Callable[[fx.Node], Any]) -> Any:
        args, kwargs = fx.map_arg(node.args, known), fx.map_arg(node.kwargs, known)
        target: Any = None
        if node.op in ("call_module", "get_attr"):
            target = attribute(model, str(node.target))
        if isinstance(target, Functional) and node.op == "call_module":
            starts = self._starts(target, args, kwargs)
            if starts is not None:
                self.done(f"took the model {target.name!r} apart")
                return self._take(target, f"{prefix}{node.target}.", starts)
        if node.target is getitem and not isinstance(args[0], fx.Node):
            return args[0][args[1]]  # type: ignore[index]
        copied = self.graph.create_node(node.op, node.target, args, kwargs, node.name)
        if target is not None:
            copied.target = f"{prefix}{node.target}"
            self.found[copied.target] = target
        copied.meta["val"] = self._computed(copied, target)
        return copied

    def _starts(self, model: Functional, args: Any, kwargs: Any) -> list[Any] | None:
        """Return the inputs of a call of a model, in order; None if the call does more than to hand them on."""
        if kwargs or len(args) != 1 or model._symbols is None:
            return None
        starts = model._inputs.in_order(args[0])
        for index, start in enumerate(starts):
            if not isinstance(start, fx.Node) or start.meta["val"].dtype is not model._inputs.dtypes[index]:
                return None
            if model._inputs.adjusted(index, start.meta["val"].shape):
                return None
        return starts

    def _computed(self, node: fx.Node, target: Any) -> Any:
        args, kwargs = fx.map_arg((node.args, dict(node.kwargs)), lambda n: n.meta["val"])
        if node.op == "get_attr":
            return self.mode.from_tensor(target) if isinstance(target, Tensor) else target
        function: Any = getattr(args[0], str(node.target)) if node.op == "call_method" else target or node.target
        with self.mode, torch.no_grad():
            return function(*(args[1:] if node.op == "call_method" else args), **kwargs)


def _placeholders(model: Functional) -> list[fx.Node]:
    return [node for node in model.graph.nodes if node.op == "placeholder"]


def attribute(model: nn.Module, path: str) -> Any:
    """Return the module or tensor at a path."""
    at: Any = model
    for name in path.split("."):
        at = getattr(at, name)
    return at
