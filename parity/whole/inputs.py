"""Inputs for the model in a file: drawn to fit what it takes, or from an .npz file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from parity.record import Numbers
from torch_layers import Embedding, dtypes
from torch_layers.graph import Functional

BATCH = 2
# Tried in turn for axes that a model leaves open: a stack of valid convolutions needs more than a few.
SIZES = (32, 128, 512)
# Integers that no vocabulary bounds are below this.
FREE = 10


def drawn(model: Functional) -> list[Numbers]:
    """Draw an array for each input: signed floats, tokens of the vocabulary that they go to, other integers below 10.

    Raises: ValueError if the model doesn't say what it takes, or takes nothing of the sizes that are tried.
    """
    if getattr(model, "_symbols", None) is None:
        raise ValueError(f"the model {model.name!r} does not say what its inputs are: give them by --inputs FILE.npz")
    said = ""
    for size in SIZES:
        arrays = _arrays(model, size)
        try:
            with torch.no_grad():
                model([torch.from_numpy(x) for x in arrays] if len(arrays) > 1 else torch.from_numpy(arrays[0]))
        except (ValueError, RuntimeError) as error:
            said = str(error)
            continue
        return arrays
    raise ValueError(f"no inputs fit whose open axes have sizes of {SIZES} ({said}): give them by --inputs FILE.npz")


def stored(path: Path, names: list[str]) -> list[Numbers]:
    """Read the inputs from an .npz file, by the inputs' names, or by position ("arr_0", as `numpy.savez(file, x)` says).

    Raises: ValueError for a file that is no .npz of plain arrays, or whose arrays are not one for each input.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(f"--inputs {path}: can't be read as an .npz file of arrays ({error})") from error
    for wanted in (names, [f"arr_{i}" for i in range(len(names))]):
        if arrays.keys() == set(wanted):
            return [arrays[name] for name in wanted]
    if len(arrays) == len(names) == 1:
        return list(arrays.values())
    raise ValueError(
        f"--inputs {path}: has arrays {sorted(arrays)}, the model takes {names}: name them so, or arr_0, arr_1 ... in order"
    )


def _arrays(model: Functional, size: int) -> list[Numbers]:
    rng, arrays = np.random.default_rng(11), []
    for symbol, vocabulary in zip(model.inputs, vocabularies(model), strict=True):
        batch, *sizes = symbol.shape
        shape = (batch or BATCH, *(n or size for n in sizes))
        name = dtypes.name_of(symbol.dtype)
        name = "float32" if name == "bfloat16" else name
        if vocabulary is not None or not symbol.dtype.is_floating_point:
            high = 2 if name == "bool" else vocabulary or FREE
            arrays.append(rng.integers(0, high, shape).astype(name))
        else:
            arrays.append(rng.standard_normal(shape).astype(name))
    return arrays


def vocabularies(model: Functional) -> list[int | None]:
    """Return for each input the size of the smallest vocabulary that it is looked up in; None for what is no tokens.

    What a layer with weights makes of an input is no token of it any more.
    """
    starts = [node for node in model.graph.nodes if node.op == "placeholder"]
    found: dict[fx.Node, int] = {}
    for node in model.graph.nodes:
        layer = model.get_submodule(str(node.target)) if node.op == "call_module" else None
        for argument, size in zip(node.args, _looked_up(layer), strict=False):
            if size is not None:
                found |= {source: min(size, found.get(source, size)) for source in _sources(model, argument)}
    return [found.get(start) for start in starts]


def _looked_up(layer: nn.Module | None) -> list[int | None]:
    """Return the size of the vocabulary for each input of a layer."""
    if isinstance(layer, Functional) and layer._symbols is not None:
        return vocabularies(layer)
    sizes = [inner.input_dim for inner in layer.modules() if isinstance(inner, Embedding)] if layer is not None else []
    return [min(sizes)] if sizes else [None]


def _sources(model: Functional, argument: Any) -> set[fx.Node]:
    """Return the inputs that a value comes from without a layer with weights between."""
    found: set[fx.Node] = set()
    waiting = [argument] if isinstance(argument, fx.Node) else []
    while waiting:
        node = waiting.pop()
        if node.op == "placeholder":
            found.add(node)
        elif node.op != "call_module" or not any(True for _ in model.get_submodule(str(node.target)).parameters()):
            waiting += node.all_input_nodes
    return found
