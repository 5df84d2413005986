"""Weights from a Keras object to a torch module: where both agree on how, or as a mapping says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from einops import EinopsError
from torch import Tensor, nn

from parity.record import Numbers
from parity.sides.base import Unanswerable
from torch_layers.layers.weighted import Weighted
from torch_layers.layers.weights import Layout, as_tensor
from torch_layers.registry import nearest

Mapped = str | int | tuple[str | int, str]

# How torch's own modules lay out what Keras calls kernel, by the module's class; other weights have one layout.
KERNELS: Mapping[type[nn.Module], str] = {
    nn.Linear: "i o -> o i",
    nn.Conv1d: "w i o -> o i w",
    nn.Conv2d: "h w i o -> o i h w",
    nn.Conv3d: "d h w i o -> o i d h w",
}


@dataclass(frozen=True)
class Pairing:
    """One Keras weight (its place in `weights`), the torch tensor it goes to, and the layouts, as an einops pattern."""

    index: int
    keras_name: str
    keras_shape: tuple[int, ...]
    path: str
    layout: Layout

    def tensor(self, module: nn.Module) -> Tensor:
        """Return the parameter or buffer of a module that has the weight's place."""
        owner, _, name = self.path.rpartition(".")
        tensor: Tensor = getattr(module.get_submodule(owner), name)
        return tensor


SAME = "... -> ..."


def _torch_tensors(module: nn.Module) -> dict[str, str]:
    """Map each parameter and statistic of a plain torch module, leaf by leaf as Keras orders them, to its layout."""
    found = {}
    for owner, leaf in module.named_modules():
        for name in (*leaf._parameters, *(n for n in leaf._buffers if n.startswith("running_"))):
            if getattr(leaf, name) is not None:
                path = f"{owner}.{name}" if owner else name
                found[path] = KERNELS.get(type(leaf), SAME) if name == "weight" else SAME
    return found


def _torch_shape(pattern: str, keras_shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape after a pattern, or None if the pattern does not fit the shape."""
    try:
        return Layout(pattern).torch_shape(keras_shape)
    except EinopsError:
        return None


def agreed(keras_weights: Sequence[tuple[str, Numbers]], module: nn.Module) -> list[Pairing]:
    """Pair weights by order, where the module's classes say how they are laid out.

    Raises: Unanswerable, listing both sides, where counts or shapes do not agree; a mapping is needed then.
    """
    tensors = _torch_tensors(module)
    pairs = [
        Pairing(index, name, array.shape, path, Layout(pattern))
        for index, ((name, array), (path, pattern)) in enumerate(zip(keras_weights, tensors.items(), strict=False))
    ]
    fit = (_torch_shape(p.layout.pattern, p.keras_shape) == tuple(p.tensor(module).shape) for p in pairs)
    if len(tensors) != len(keras_weights) or not all(fit):
        theirs = ", ".join(f"{name} {array.shape}" for name, array in keras_weights)
        shapes = {name: tuple(tensor.shape) for name, tensor in (module.state_dict() or {}).items()}
        ours = ", ".join(f"{path} {shapes.get(path)}" for path in tensors)
        raise Unanswerable(
            f"{type(module).__name__}: weights do not pair off by order and shape: Keras has [{theirs}], the module has "
            f"[{ours}]; pass weights={{'torch name': 'Keras name' or ('Keras name', 'i o -> o i')}}"
        )
    return pairs


def mapped(
    keras_weights: Sequence[tuple[str, Numbers]], module: nn.Module, mapping: Mapping[str, Mapped]
) -> list[Pairing]:
    """Pair weights as a mapping says: torch name to Keras name or index, or to that and an einops pattern.

    Raises: Unanswerable for a name that neither side has, a shape that does not fit, or a Keras weight that is left out.
    """
    names = [name for name, _ in keras_weights]
    known = list(_torch_tensors(module))
    pairs = []
    for path, source in mapping.items():
        name, pattern = source if isinstance(source, tuple) else (source, SAME)
        if path not in known:
            raise Unanswerable(f"weights: the module has no tensor {path!r}{nearest(path, known)}")
        if name not in names and not (isinstance(name, int) and name < len(names)):
            raise Unanswerable(f"weights: Keras has no weight {name!r}, it has {names}{nearest(name, names)}")
        index = name if isinstance(name, int) else names.index(name)
        pair = Pairing(index, names[index], keras_weights[index][1].shape, path, Layout(pattern))
        came, needed = _torch_shape(pattern, pair.keras_shape), tuple(pair.tensor(module).shape)
        if came != needed:
            raise Unanswerable(
                f"weights: {path!r} has shape {needed}, Keras's {names[index]!r} of shape {pair.keras_shape} gives {came}"
            )
        pairs.append(pair)
    missing = [name for i, name in enumerate(names) if i not in {pair.index for pair in pairs}]
    if missing:
        raise Unanswerable(f"weights: nothing is mapped from Keras's {missing}")
    return pairs


def own(module: Weighted) -> list[Pairing]:
    """Pair the weights of a built torch_layers layer or model, which knows Keras's order and layouts itself."""
    paths = {id(inner): path for path, inner in module.named_modules()}
    pairs = []
    for index, (layer, spec) in enumerate(module.weight_entries()):
        owner, shape = paths[id(layer)], tuple(layer._keras_value(spec.name).shape)
        path = f"{owner}.{spec.name}" if owner else spec.name
        pairs.append(Pairing(index, spec.keras_name, shape, path, spec.layout))
    return pairs


def pairings(
    keras_weights: Sequence[tuple[str, Numbers]], module: nn.Module, mapping: Mapping[str, Mapped] | None = None
) -> list[Pairing]:
    """Return how Keras's weights go to a module's tensors; sizes a torch_layers module that isn't built."""
    if mapping is not None:
        return mapped(keras_weights, module, mapping)
    if isinstance(module, Weighted):
        module.set_weights([array for _, array in keras_weights])
        return own(module)
    return agreed(keras_weights, module)


@torch.no_grad()
def send(arrays: Sequence[Numbers], module: nn.Module, pairs: Sequence[Pairing]) -> None:
    """Copy arrays in Keras's order and layout into a module."""
    for pair in pairs:
        pair.tensor(module).copy_(pair.layout.to_torch(as_tensor(arrays[pair.index])))
