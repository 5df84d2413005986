"""`python -m torch_layers`: what is in a Keras file, and the same as a file of another kind.

Exit 0: done, and nothing is refused; 1: the file is refused, or a part of it; 2: it could not be asked.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch_layers.saving.converting import convert, writer
from torch_layers.saving.inspecting import inspect

REFUSED, NOT_ASKED = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except (OSError, ImportError) as error:
        return _said(error, NOT_ASKED)
    except (ValueError, NotImplementedError) as error:
        return _said(error, REFUSED)
    except _Unasked as error:
        return _said(error, NOT_ASKED)
    return code


def _said(error: Exception, code: int) -> int:
    print(f"torch_layers: {error}", file=sys.stderr)
    return code


class _Unasked(Exception):
    """A command that can't be asked so."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torch_layers", description="Keras files, without Keras.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    look = commands.add_parser(
        "inspect", help="show what is in a file", description="Show what is in a file, without building it."
    )
    look.add_argument(
        "file", metavar="FILE", help=".keras, .h5, .hdf5, .weights.h5, .safetensors, or a config in .json"
    )
    look.set_defaults(run=_inspect)
    turn = commands.add_parser(
        "convert", help="write the model in a file as another kind of file", description=_CONVERT
    )
    turn.add_argument("file", metavar="FILE", help=".keras, .h5 or .hdf5, with a whole model")
    turn.add_argument("to", metavar="OUT", type=Path, help=".safetensors, .pt2, .onnx, .keras or .h5")
    turn.add_argument(
        *("--custom-objects", "-c"),
        metavar="[NAME=]MODULE:ATTRIBUTE",
        action="append",
        default=[],
        help="a class or function of your own that the file needs, under its own name or NAME; may be repeated",
    )
    turn.set_defaults(run=_convert)
    return parser


_CONVERT = (
    "Write the model in FILE as what the ending of OUT says: weights in .safetensors with the config in .json beside "
    "them, a program of torch.export in .pt2, a graph in .onnx, or again a Keras file."
)


def _inspect(given: argparse.Namespace) -> int:
    found = inspect(given.file)
    print(found)
    return REFUSED if found.refusals else 0


def _convert(given: argparse.Namespace) -> int:
    custom = dict(map(_custom_object, given.custom_objects))
    try:
        writer(given.to)
    except ValueError as error:
        raise _Unasked(error) from None
    # Of packages that it would know functions of, were they installed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    start = time.monotonic()
    made = convert(given.file, given.to, custom, lambda step: print(f"{step} ...", file=sys.stderr, flush=True))
    for path in made:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{time.monotonic() - start:.1f} s", file=sys.stderr)
    return 0


def _custom_object(text: str) -> tuple[str, Any]:
    """Return (name, object) of what the user calls `[NAME=]module:attribute`."""
    name, _, place = text.rpartition("=")
    module, _, attribute = place.partition(":")
    if not module or not attribute:
        raise _Unasked(f"--custom-objects {text}: is not of the form [NAME=]module:attribute")
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise _Unasked(f"--custom-objects {text}: {error}") from None
    return name or attribute.rpartition(".")[2], found


if __name__ == "__main__":
    sys.exit(main())
