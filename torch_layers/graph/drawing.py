"""From recorded calls to a `torch.fx` graph: which calls a model needs, in which order, under which names."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor, fx, nn

from torch_layers.graph.symbols import Call, Symbol, map_structure, symbols_in
from torch_layers.registry import snake_case


class Slice:
    """The recorded calls that lead from some symbols to others, in the order in which they were made.

    A mask that was filled in, but does not follow from the inputs, is left out, and so is an `optional` output.
    Raises: ValueError if an output does not follow from the inputs.
    """

    def __init__(self, inputs: Sequence[Symbol], outputs: Sequence[Symbol], optional: Sequence[Symbol] = ()) -> None:
        self.inputs = list(inputs)
        self._starts = {id(symbol) for symbol in inputs}
        self._computable: dict[Call, bool] = {}
        for call in self._ancestors([*outputs, *optional]):
            self._computable[call] = call.kind != "input" and all(self.has(symbol) for symbol in call.sources())
        for output in outputs:
            if not self.has(output):
                raise ValueError(self._unreachable(output))
        self.outputs = [*outputs, *(output for output in optional if self.has(output))]
        self.calls = self._ancestors(self.outputs, self.sources)

    def has(self, symbol: Symbol) -> bool:
        """Tell whether a symbol follows from the inputs."""
        return id(symbol) in self._starts or self._computable.get(symbol.call, False)

    def masks(self, call: Call) -> dict[str, Any]:
        """Return the mask arguments that were filled in, as far as they follow from the inputs."""
        masks = {
            name: map_structure(lambda mask: mask if mask is not None and self.has(mask) else None, value)
            for name, value in call.masks.items()
        }
        return {name: mask for name, mask in masks.items() if symbols_in(mask)}

    def sources(self, call: Call) -> list[Symbol]:
        """Return the symbols that a call needs."""
        return call.sources() + symbols_in(self.masks(call))

    def _ancestors(
        self, outputs: Sequence[Symbol], sources: Callable[[Call], list[Symbol]] | None = None
    ) -> list[Call]:
        found: dict[Call, None] = {}
        waiting = list(outputs)
        while waiting:
            symbol = waiting.pop()
            if id(symbol) in self._starts or symbol.call in found:
                continue
            found[symbol.call] = None
            waiting += sources(symbol.call) if sources else symbol.call.sources() + symbols_in(symbol.call.masks)
        return sorted(found, key=lambda call: call.serial)

    def _unreachable(self, output: Symbol) -> str:
        foreign = [call for call in self._ancestors([output], Call.sources) if call.kind == "input"]
        names = ", ".join(repr(call.name) for call in foreign)
        own = ", ".join(repr(symbol.name) for symbol in self.inputs)
        return f"output {output!r} needs the input{'s' * (len(foreign) > 1)} {names}, not among the inputs {own}"


def keras_order(part: Slice, with_functions: bool = False) -> list[Call]:
    """Return the calls of modules and inputs, each module's first, in the order of Keras's `model.layers`.

    With functions, it is the order of the layers in Keras's configs, which counts the calls of functions among them.

    That is by depth, the number of steps to the outputs, the deepest first; then in the order in which a search from
    the outputs meets them. The order of `get_weights()` follows from it.
    """
    finished, met = _search(part)
    depth: dict[Call, int] = {}
    depth_of: dict[Any, int] = {}
    for call in reversed(finished):
        # All calls of a shared layer count as deep as its deepest.
        level = depth[call] = max(depth.get(call, 0), depth_of.get(_operation(call), 0))
        depth_of[_operation(call)] = level
        for symbol in part.sources(call):
            depth[symbol.call] = max(level + 1, depth.get(symbol.call, 0))
    # An input that nothing uses counts as deep as an output, and was never met.
    inputs = [symbol.call for symbol in part.inputs if isinstance(symbol.call.target, nn.Module)]
    first: dict[Any, Call] = {}
    kinds = ("module", "function", "method") if with_functions else ("module",)
    for call in [call for call in inputs if call.kind == "input"] + [c for c in part.calls if c.kind in kinds]:
        first.setdefault(_operation(call), call)
    return sorted(first.values(), key=lambda c: (-depth_of.get(_operation(c), 0), met.get(_operation(c), -1)))


def _operation(call: Call) -> Any:
    """What Keras counts as one: a layer, or a single call of a function."""
    return id(call.target) if call.kind == "module" else call


def _search(part: Slice) -> tuple[list[Call], dict[Any, int]]:
    """Search depth first from the outputs; return the calls, inner ones first, and when each operation was met."""
    finished: dict[Call, None] = {}
    met: dict[Any, int] = {}
    starts = {id(symbol): symbol for symbol in part.inputs}
    for output in part.outputs:
        waiting: list[tuple[Call, bool]] = [(output.call, False)]
        if id(output) in starts and output.call.kind != "input":
            continue
        while waiting:
            call, done = waiting.pop()
            if done:
                finished[call] = None
            elif call not in finished:
                met.setdefault(_operation(call), len(met))
                waiting.append((call, True))
                sources = part.sources(call) if call.kind != "input" else []
                inner = [s.call for s in sources if id(s) not in starts or s.call.kind == "input"]
                waiting += [(source, False) for source in reversed(inner)]
    return list(finished), met


def unique_names(wanted: Iterable[tuple[Any, str, bool]], taken: Callable[[str], bool]) -> dict[Any, str]:
    """Return a name for each thing of (thing, name, whether it is its own): "dense", "dense_1" and so on.

    Own names stay; the others make way. Raises: ValueError if two things have the same name of their own.
    """
    wanted = list(wanted)
    names: dict[Any, str] = {}
    used: dict[str, Any] = {}
    numbers: dict[str, int] = {}  # the last that a name got: those below it are used
    for own_round in (True, False):
        for thing, name, own in wanted:
            if own is not own_round:
                continue
            name = free = identifier(name)
            if own and name in used:
                raise ValueError(f"two layers have the name {name!r}, in one model each needs its own")
            while free in used or taken(free):
                numbers[name] = numbers.get(name, 0) + 1
                free = f"{name}_{numbers[name]}"
            used[free] = thing
            names[thing] = free
    return {thing: names[thing] for thing, _, _ in wanted}


def identifier(name: str) -> str:
    """Return a name as Python can write it behind a dot."""
    # As Python itself reads names: two that differ in nothing else are one to it.
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name))
    if not f"_{name}".isidentifier():
        name = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{name}" if not name or name[0].isdigit() else f"{name}_" if keyword.iskeyword(name) else name


def module_paths(modules: Sequence[Any], taken: Callable[[str], bool]) -> dict[Any, str]:
    """Return where each module of a model lies in it: under its own name, or inside another one that contains it."""
    inside: dict[Any, tuple[Any, str]] = {}
    for module in modules:
        for path, inner in module.named_modules():
            if path and inner not in inside:
                inside[inner] = (module, path)
    outer = [module for module in modules if module not in inside]
    paths = unique_names(((m, m.name if m.has_own_name else snake_case(m.name), m.has_own_name) for m in outer), taken)
    for module in modules:
        parts: list[str] = []
        at = module
        while at not in paths:
            at, path = inside[at]
            parts.insert(0, path)
        paths[module] = ".".join([paths[at], *parts])
    return paths


def draw(part: Slice, outputs: Any, paths: dict[Any, str], name_of: Callable[[Tensor], str]) -> fx.Graph:
    """Draw the graph from the inputs of `part` to a structure of its symbols.

    `paths` says where each module lies in the model, `name_of` keeps a constant tensor there and says under which name.
    """
    graph = fx.Graph()
    drawn: dict[Any, fx.Node] = {}

    def node(value: Any) -> Any:
        if isinstance(value, Tensor):
            return attribute(name_of(value))
        if not isinstance(value, Symbol):
            return value
        if id(value) in starts:
            return starts[id(value)]
        found = drawn[value.call]
        for index, key in enumerate(value.path, 1):
            at = (value.call, value.path[:index])
            if at not in drawn:
                drawn[at] = _item(graph, found, key)
            found = drawn[at]
        return found

    def attribute(path: str, name: str | None = None) -> fx.Node:
        if path not in drawn:
            drawn[path] = graph.create_node("get_attr", path, name=name)
        return drawn[path]

    starts = {}
    names = unique_names(((s, identifier(s.name), False) for s in part.inputs), lambda name: name == "self")
    for symbol in part.inputs:
        starts[id(symbol)] = graph.create_node("placeholder", names[symbol], name=names[symbol])
    for call in part.calls:
        args = map_structure(node, call.args)
        kwargs = map_structure(node, {**call.kwargs, **part.masks(call)})
        if call.kind == "module":
            drawn[call] = graph.create_node("call_module", paths[call.target], args, kwargs)
        elif call.kind == "mask":
            path = paths[call.target]
            name = path.replace(".", "_")
            layer = attribute(path, f"{name}_layer")
            drawn[call] = graph.create_node("call_method", "compute_mask", (layer, *args), name=f"{name}_mask")
        else:
            drawn[call] = graph.create_node(f"call_{call.kind}", call.target, args, kwargs)
    graph.output(map_structure(node, outputs))
    return graph


def _item(graph: fx.Graph, node: fx.Node, key: Any) -> fx.Node:
    from operator import getitem

    if hasattr(key, "name"):
        return graph.create_node("call_function", getattr, (node, key.name))
    return graph.create_node("call_function", getitem, (node, key.idx if hasattr(key, "idx") else key.key))
