"""The part of Keras, and that of torch_layers, in round trips of files."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from parity import draw
from parity.case import Case
from parity.record import Record, Value
from parity.sides.base import leaves, numbered, of_tensor, rebuilt, said
from torch_layers.saving import load_model, load_weights

POLICY = "float32"


def symbols(case: Case, make_input: Callable[..., Any]) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """Return the arguments of a layer's call as symbolic tensors, those by name, and all of them."""
    is_fixed = bool(case.config.get("stateful"))
    given = [draw.inputs(case, POLICY), draw.call(case, POLICY)]
    flat, made = [], []
    for leaf in leaves(given):
        if isinstance(leaf, np.ndarray):
            shape = leaf.shape if is_fixed else (None, *leaf.shape[1:])
            leaf = make_input(batch_shape=shape, dtype=leaf.dtype.name)
            made.append(leaf)
        flat.append(leaf)
    args, kwargs = rebuilt(given, flat)
    return args, kwargs, made


def arrays(case: Case) -> list[Any]:
    """Return the arrays that a model of a case takes, in the order of `symbols`."""
    return [x for x in leaves([draw.inputs(case, POLICY), draw.call(case, POLICY)]) if isinstance(x, np.ndarray)]


def written(model: Any, format: str) -> bytes:
    """Return the file that a model of any framework saves; those of weights alone end in "weights.h5"."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{format}")
        save = model.save_weights if is_of_weights(format) else model.save
        save(path)
        return path.read_bytes()


def read(load: Callable[[Path], Any], format: str, content: bytes) -> Any:
    """Return what `load` makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{format}")
        path.write_bytes(content)
        return load(path)


def is_of_weights(format: str) -> bool:
    """Tell whether a file of a format holds weights alone."""
    return format.endswith("weights.h5")


def emptied(model: Any) -> Any:
    """Return a model of any framework with all its weights set to 0, for a file to fill."""
    model.set_weights([weight * 0 for weight in model.get_weights()])
    return model


def of_format(format: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values under names that begin with the format."""
    return {f"{format} {what}": value for what, value in values.items()}


def rewrite(case: Case, files: Mapping[str, bytes], record: Record) -> None:
    """Read each file with torch_layers, run the model, and write it again; weights alone go into the last model read."""
    inputs = [torch.from_numpy(x) for x in arrays(case)]
    model = None
    for format, content in files.items():
        try:
            if not is_of_weights(format):
                model = load_model(io.BytesIO(content))
            elif model is None:
                raise ValueError("no file holds the model that these weights are of")
            else:
                load_weights(emptied(model), io.BytesIO(content))
            with torch.no_grad():
                outputs = model(inputs if len(inputs) > 1 else inputs[0])
            found = numbered("output", (of_tensor(y) for y in leaves(outputs) if isinstance(y, Tensor)))
            found |= numbered("weight", map(Value.of, model.get_weights()))
            record.values |= of_format(format, found)
        except Exception as error:  # what torch_layers says of the file
            record.refusals[format] = said(error)
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what another Keras makes of the file is what the trip shows
                record.files[format] = written(model, format)
        except Exception as error:  # what it says of writing it
            record.refusals[f"{format} saved"] = said(error)
