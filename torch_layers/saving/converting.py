"""Keras files as files of other kinds, each with the whole model in it, or beside it."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from torch_layers.saving.load import File, load_model
from torch_layers.saving.save import save_model, save_weights
from torch_layers.serialization import CustomObjects

# Sizes that are tried, in turn, for axes whose size a model leaves open: some layers need a few steps.
_SIZES = (16, 64, 256)
# What one file of ONNX can hold; beyond it weights lie in a second one.
_LARGEST_ONNX = 2 * 10**9 - 10**8


def convert(
    file: File,
    to: str | os.PathLike[str],
    custom_objects: CustomObjects | None = None,
    on_step: Callable[[str], Any] = lambda step: None,
) -> list[Path]:
    """Write the model in a Keras file as what the ending of `to` says, and return the paths of what was written.

    - `.safetensors`: the weights, under the names of the `state_dict`, and beside them the config in `.json`:
      `model_from_json(text)` and the model's `load_weights` read the two.
    - `.pt2`: the graph and the weights of `torch.export`; `torch.export.load(path).module()` runs it without torch_layers.
    - `.onnx`: by torch's exporter, which asks for `pip install torch_layers[onnx]`.
    - `.keras`, `.h5` and `.hdf5`: as `model.save`.

    The batch size stays open in graphs, and so does each axis whose size the model leaves open, as far as torch can keep
    it so. `file` and `custom_objects` are as in `load_model`; `on_step` is told what is done, before it is.
    An output is complete, or not there: what was there before stays until it is.
    Raises: ValueError for an ending that is none of these, and what `load_model` raises; ImportError that says what to
    install; ValueError if torch can't export the model.
    """
    to = Path(to)
    write = writer(to)
    on_step(f"reading {getattr(file, 'name', file)}")
    model = load_model(file, custom_objects)
    # In the same folder, from where a file gets into its place at once; under their own names, which .onnx may hold.
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
        write(model, Path(folder) / to.name, on_step)
        made = sorted(Path(folder).iterdir())
        for path in made:
            os.replace(path, to.with_name(path.name))
    return [to.with_name(path.name) for path in made]


def writer(to: Path) -> _Writer:
    """Return what writes a model to a path of this ending.

    Raises: ValueError for an unknown ending; ImportError if its packages are missing; OSError if there is no such folder.
    """
    if to.suffix not in _WRITERS:
        raise ValueError(f"convert: {to.name!r} ends in {to.suffix!r}, allowed are {', '.join(_WRITERS)}")
    if not to.parent.is_dir():
        raise FileNotFoundError(f"convert: there is no folder {str(to.parent)!r} to write {to.name!r} to")
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None] if to.suffix == ".onnx" else []
    if missing:
        raise ImportError(f"convert: writing .onnx needs {' and '.join(missing)}: pip install 'torch_layers[onnx]'")
    return _WRITERS[to.suffix]


def _write_safetensors(model: Any, path: Path, on_step: _OnStep) -> None:
    on_step("writing weights and config")
    save_weights(model, path)
    path.with_suffix(".json").write_text(model.to_json(indent=1) + "\n")


def _write_keras(model: Any, path: Path, on_step: _OnStep) -> None:
    on_step(f"writing {path.suffix}")
    save_model(model, path)


def _write_program(model: Any, path: Path, on_step: _OnStep) -> None:
    program, _ = _exported(model, on_step)
    on_step(f"writing {path.suffix}")
    torch.export.save(program, path)


def _write_onnx(model: Any, path: Path, on_step: _OnStep) -> None:
    program, shapes = _exported(model, on_step)
    on_step("translating the graph to ONNX")
    size = sum(tensor.nbytes for tensor in model.state_dict().values())
    options = {"input_names": model.input_names, "output_names": model.output_names, "dynamic_shapes": shapes}
    try:
        with warnings.catch_warnings():
            # Of its own functions, that they are getting old.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                program, (), str(path), dynamo=True, verbose=False, external_data=size > _LARGEST_ONNX, **options
            )
    except Exception as error:  # as many as there are operations
        raise ValueError(f"convert: torch can't write {model.name!r} in ONNX: {_reason(error)}") from error


def _exported(model: Any, on_step: _OnStep) -> tuple[Any, Any]:
    """Return the program of a model and which axes of its inputs are open. Raises: ValueError if torch can't make it."""
    on_step("exporting the graph")
    try:
        symbols = model.inputs
    except AttributeError:
        raise ValueError(
            f"convert: {model.name!r} does not say what its inputs are, so no graph can be exported"
        ) from None
    batch = torch.export.Dim("batch")
    shapes = tuple(_open_axes(symbol.shape, batch) for symbol in symbols)
    try:
        return torch.export.export(model, _example(model, symbols), dynamic_shapes=shapes), shapes
    except Exception as error:  # torch says in many ways what it can't export
        raise ValueError(f"convert: torch can't export {model.name!r}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return in one line what was wrong first."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _open_axes(shape: Sequence[int | None], batch: Any) -> dict[int, Any]:
    inner = {axis: torch.export.Dim.AUTO for axis, size in enumerate(shape) if axis and size is None}
    return {0: batch, **inner} if shape and shape[0] is None else inner


def _example(model: Any, symbols: Sequence[Any]) -> tuple[Any, ...]:
    """Return inputs of zeros that the model can be called with."""
    for size in _SIZES:
        sizes = [[n or (size if axis else 2) for axis, n in enumerate(s.shape)] for s in symbols]
        given = tuple(torch.zeros(n, dtype=s.dtype) for n, s in zip(sizes, symbols, strict=True))
        try:
            with torch.no_grad():
                model(*given)
        except (RuntimeError, ValueError):
            if size == _SIZES[-1]:
                raise
        else:
            break
    return given


_OnStep = Callable[[str], Any]
_Writer = Callable[[Any, Path, _OnStep], None]
_WRITERS: dict[str, _Writer] = {
    ".safetensors": _write_safetensors,
    ".pt2": _write_program,
    ".onnx": _write_onnx,
    ".keras": _write_keras,
    ".h5": _write_keras,
    ".hdf5": _write_keras,
}
