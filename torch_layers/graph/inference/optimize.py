"""optimize_for_inference."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx

from torch_layers import activations
from torch_layers.graph.functional import Functional
from torch_layers.graph.inference.activating import SUMS, is_new, is_not_negative, of_function, of_layer
from torch_layers.graph.inference.folding import cast, fold, folds, takes_padding, widens
from torch_layers.graph.inference.fused import FusedConvolution, fuses, fuses_activation, scaling_of
from torch_layers.graph.inference.inlining import attribute, inlined
from torch_layers.layers.convolution.base import _Convolution
from torch_layers.layers.core.dense import Dense
from torch_layers.layers.core.identity import Identity
from torch_layers.layers.lora import _LoRA
from torch_layers.layers.merging.add import Add
from torch_layers.layers.normalization.batch_normalization import BatchNormalization
from torch_layers.layers.pooling.pooling import _MaxPooling
from torch_layers.layers.regularization.activity_regularization import ActivityRegularization
from torch_layers.layers.regularization.noise import _Noise
from torch_layers.layers.reshaping.zero_padding import _ZeroPadding


class InferenceModel(fx.GraphModule):
    """What `optimize_for_inference` returns: a graph of layers and functions, for tensors in the dtypes of the inputs.

    Called as the model was, with the tensors of several inputs one by one. `changes` says what was done to the model.
    """

    @property
    def changes(self) -> tuple[str, ...]:
        """What was changed, a phrase each, in the order in which it was done."""
        return tuple(self.meta["changes"])

    def __reduce__(self) -> Any:
        # As it stands: torch.fx would trace it anew, through layers that look at their inputs.
        parts = {node.target: attribute(self, node.target) for node in self.graph.nodes if node.op in _OF_MODULE}
        nodes = [
            (node.op, node.name, node.target, fx.map_arg((node.args, dict(node.kwargs)), _reference))
            for node in self.graph.nodes
        ]
        return _unpickled, (parts, nodes, self.changes)


_OF_MODULE = ("call_module", "get_attr")


@dataclass(frozen=True)
class _Reference:
    """Stands for the node of this name in a pickled graph."""

    name: str


def _reference(node: fx.Node) -> Any:
    return _Reference(node.name)


def _unpickled(parts: dict[str, Any], nodes: Sequence[Any], changes: Sequence[str]) -> InferenceModel:
    graph, known = fx.Graph(), {}
    for op, name, target, arguments in nodes:
        args, kwargs = fx.node.map_aggregate(
            arguments, lambda value: known[value.name] if isinstance(value, _Reference) else value
        )
        known[name] = graph.create_node(op, target, args, kwargs, name)
    return _made(parts, graph, changes)


def _made(root: Any, graph: fx.Graph, changes: Sequence[str]) -> InferenceModel:
    made = InferenceModel(root, graph, InferenceModel.__name__)
    made.meta["changes"] = changes
    return made.eval().requires_grad_(False)


def optimize_for_inference(model: Functional) -> InferenceModel:
    """Return a copy of a model that computes the same in eval, faster; the model stays as it is.

    Models inside it are taken apart; what is the identity in eval goes; BatchNormalization goes into the convolution or
    dense layer before it, ZeroPadding into the convolution or pooling behind it, a low-rank change into its kernel;
    activations overwrite their input; weights of a mixed policy are cast once; on the CPU, in float32, a convolution or
    normalization, a sum and an activation are one call of oneDNN. `changes` lists all of it.
    No weight takes gradients afterwards. It compiles, exports and pickles as any `torch.fx.GraphModule`.

    Raises: TypeError if `model` is not a functional or sequential model; ValueError if it is not built yet.
    """
    if not isinstance(model, Functional):
        raise TypeError(
            f"optimize_for_inference: model is a {type(model).__name__}, allowed is a functional or sequential model"
        )
    if model._symbols is None:
        raise ValueError(f"optimize_for_inference: {model.name!r} is not built yet: call it once or give it an Input")
    work = _Work(copy.deepcopy(model).eval())
    work.drop_identities()
    work.merge_low_rank_changes()
    work.merge_padding()
    work.fold_normalization()
    work.activate_in_place()
    work.cast_weights()
    work.scale_by_convolution()
    work.fuse_convolutions()
    return work.finished()


class _Work:
    """A model under change."""

    def __init__(self, model: Functional) -> None:
        self.changes: list[str] = []
        self.modules, self.graph = inlined(model, self.changes.append)
        self.calls = Counter(node.target for node in self.graph.nodes if node.op == "call_module")
        self.labels = {path: f"{type(module).__name__} {path!r}" for path, module in self.modules.items()}

    def finished(self) -> InferenceModel:
        for node in self.graph.nodes:
            node.meta.clear()  # the fake tensors
        made = _made(self.modules, self.graph, self.changes)
        made.graph.eliminate_dead_code()
        made.delete_all_unused_submodules()
        made.graph.lint()
        made.recompile()
        return made

    def layers(self, *types: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the calls of torch_layers' own layers of some types, and the layers."""
        for node in list(self.graph.nodes):
            layer = self.layer(node)
            if isinstance(layer, types):
                yield node, layer

    def layer(self, node: Any) -> Any:
        """Return what a node calls if it is one of our own layers; a subclass of a user's may compute anything."""
        layer = self.modules.get(str(node.target)) if isinstance(node, fx.Node) and node.op == "call_module" else None
        return layer if type(layer).__module__.startswith("torch_layers.") else None

    def alone(self, node: fx.Node) -> bool:
        """Tell whether a layer is called here only, and one call alone uses the result."""
        return self.calls[node.target] == 1 and len(node.users) == 1

    def replace(self, node: fx.Node, by: fx.Node) -> None:
        node.replace_all_uses_with(by)
        self.graph.erase_node(node)

    # --- what is done -----------------------------------------------------------------------------------------------

    def drop_identities(self) -> None:
        for node, _ in self.layers(_Noise, Identity, ActivityRegularization):
            source = _source(node)
            # A layer of another dtype than its input's casts, which the identity doesn't.
            if _is_tensor(source) and _dtype(source) is _dtype(node):
                self.replace(node, source)
                self.changes.append(f"dropped {self.labels[node.target]}")

    def merge_low_rank_changes(self) -> None:
        for layer in {layer for _, layer in self.layers(_LoRA) if layer.lora_enabled}:
            layer.merge_lora()
            self.changes.append(f"merged the low-rank change of a {type(layer).__name__} into its kernel")

    def merge_padding(self) -> None:
        for node, layer in self.layers(_Convolution, _MaxPooling):
            source = _source(node)
            padding = self.layer(source)
            if not isinstance(padding, _ZeroPadding) or not self.alone(source) or self.calls[node.target] > 1:
                continue
            before = _source(source)
            if takes_padding(layer, padding):
                layer.pad_first(padding.pairs)
            elif widens(layer, padding) and is_not_negative(before, self.layer(before)):
                layer.widen([edge for edge, _ in padding.pairs])
            else:
                continue
            self.replace(source, by=before)
            self.changes.append(f"merged {self.labels[source.target]} into {self.labels[node.target]}")

    def fold_normalization(self) -> None:
        for node, norm in self.layers(BatchNormalization):
            source = _source(node)
            layer = self.layer(source)
            if (
                layer is not None
                and folds(layer, norm, source.meta["val"].ndim)
                and self.alone(source)
                and _dtype(source) is _dtype(node)
            ):
                fold(layer, norm)
                self.replace(node, source)
                self.changes.append(f"folded {self.labels[node.target]} into {self.labels[source.target]}")

    def activate_in_place(self) -> None:
        self._take_activations_out()
        for node in list(self.graph.nodes):
            source = _source(node)
            if not is_new(source, self.layer(source)) or len(source.users) != 1:
                continue
            found = of_layer(self.layer(node))
            if node.op == "call_function" and len(node.args) == 1 and not node.kwargs:
                found = of_function(node.target)
            if found is not None and _dtype(source) is _dtype(node):
                node.op, node.target, node.args, node.kwargs = "call_function", found[0], (source,), dict(found[1])
                self.changes.append(f"made {node.name!r} overwrite the output of {source.name!r}")

    def _take_activations_out(self) -> None:
        """Make functions of the graph of the activations that layers apply to what they computed."""
        taken: dict[Any, Any] = {}
        for node, layer in self.layers(_Convolution, Dense):
            found = of_function(taken.get(layer, layer.activation))
            if found is not None and layer.activity_regularizer is None:
                taken[layer] = taken.get(layer, layer.activation)
                layer.activation = activations.linear
                with self.graph.inserting_after(node):
                    active = self.graph.create_node("call_function", taken[layer], name=f"{node.name}_activation")
                node.replace_all_uses_with(active)
                active.args, active.meta["val"] = (node,), node.meta["val"]

    def cast_weights(self) -> None:
        for path, layer in {node.target: layer for node, layer in self.layers(_Convolution, Dense)}.items():
            if cast(layer):
                self.changes.append(f"cast the weights of {self.labels[path]}")

    def scale_by_convolution(self) -> None:
        """Make normalizations that stay, before an activation, depthwise convolutions, which can be fused with it."""
        for node, norm in self.layers(BatchNormalization):
            after = _only_user(node)
            if self.calls[node.target] == 1 and after is not None and fuses_activation(after.target, False):
                scaling = scaling_of(norm, node.meta["val"].ndim)
                if scaling is not None:
                    self.modules[node.target], node.kwargs = scaling, {}
                    self.changes.append(f"made a scaling of {self.labels[node.target]}")

    def fuse_convolutions(self) -> None:
        """Let convolutions add what is added to their results, and activate them."""
        for node, layer in self.layers(_Convolution):
            if not fuses(layer) or self.calls[node.target] > 1:
                continue
            self.modules[node.target] = fused = FusedConvolution(layer)
            if layer.activation is activations.linear:
                node = self._fuse_sum(node)
                self._fuse_activation(node, fused)

    def _fuse_sum(self, node: Any) -> Any:
        """Let a convolution add another tensor to its result; return the node that calls it then."""
        after = _only_user(node)
        terms: Any = ()
        if isinstance(self.layer(after), Add):
            terms = after.args[0]
        elif after is not None and after.target in SUMS and not after.kwargs:
            terms = after.args
        others = [term for term in terms if term is not node]
        if len(terms) != 2 or len(others) != 1 or not _is_tensor(others[0]):
            return node
        value, other = node.meta["val"], others[0].meta["val"]
        if other.shape != value.shape or other.dtype is not value.dtype:
            return node
        after.op, after.target, after.args = "call_module", node.target, (node.args[0], others[0])
        self.graph.erase_node(node)
        self.changes.append(f"fused the sum {after.name!r} into {self.labels[node.target]}")
        return after

    def _fuse_activation(self, node: Any, fused: FusedConvolution) -> None:
        after = _only_user(node)
        if after is not None and fuses_activation(after.target, len(node.args) > 1):
            fused.activate(after.target, after.kwargs)
            self.replace(after, by=node)
            self.changes.append(f"fused the activation {after.name!r} into {self.labels[node.target]}")


def _source(node: fx.Node) -> Any:
    return node.args[0] if node.args else None


def _only_user(node: fx.Node) -> Any:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _dtype(node: fx.Node) -> Any:
    return node.meta["val"].dtype


def _is_tensor(source: Any) -> bool:
    return isinstance(source, fx.Node) and isinstance(source.meta["val"], Tensor)
