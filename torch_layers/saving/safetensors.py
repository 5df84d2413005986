"""Files of safetensors: the entries of a state_dict under their own names, in PyTorch's layout, behind a header of JSON.

Source: https://github.com/huggingface/safetensors (README, "Format").
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torch_layers.saving.documents import read_json
from torch_layers.saving.errors import FileError
from torch_layers.saving.source import Source

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LENGTH = struct.Struct("<Q")
# The format's own limit, in bytes of the header.
_LONGEST = 100_000_000


@dataclass(frozen=True)
class Stored:
    """A tensor in a file: its name, its dtype and where its bytes lie behind the header."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    start: int

    @property
    def nbytes(self) -> int:
        """The bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class TensorsFile:
    """What a file says of its tensors, and where it is said. `metadata` is the writer's own text."""

    source: Source
    tensors: Mapping[str, Stored]
    metadata: Mapping[str, str]

    def read(self, name: str) -> Tensor:
        """Return a tensor of the file."""
        stored = self.tensors[name]
        tensor = torch.empty(stored.shape, dtype=stored.dtype)
        if stored.nbytes:
            self.source.readinto(stored.start, tensor.reshape(-1).view(torch.uint8).numpy().data)
        return tensor


def is_safetensors(source: Source) -> bool:
    """Tell whether a file begins as one of safetensors does."""
    return source.size > _LENGTH.size and source.read(_LENGTH.size, 1) == b"{"


def read_header(source: Source) -> TensorsFile:
    """Return what a file says of its tensors.

    Raises: FileError if it has no such header, or if its tensors do not fill the file one behind the other.
    """
    place = f"{source.name}: header"
    (length,) = _LENGTH.unpack(source.read(0, _LENGTH.size))
    if length > min(_LONGEST, source.size - _LENGTH.size):
        raise FileError(place, f"is said to have {length} bytes, the file has {source.size}")
    header = read_json(source.read(_LENGTH.size, length), place)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FileError(place, "__metadata__ is no mapping of texts")
    data, end, tensors = _LENGTH.size + length, 0, {}
    described = [(name, *_described(name, said, place)) for name, said in header.items()]
    for name, dtype, shape, start, stop in sorted(described, key=lambda item: item[3:]):
        stored = Stored(name, shape, dtype, data + start)
        if start != end or stop != start + stored.nbytes:
            raise FileError(place, f"the bytes {start} to {stop} of {name!r} are not those behind the tensor before it")
        tensors[name], end = stored, stop
    if data + end != source.size:
        raise FileError(place, f"its tensors end at byte {data + end}, the file has {source.size}")
    return TensorsFile(source, tensors, metadata)


def _described(name: str, said: Any, place: str) -> tuple[torch.dtype, tuple[int, ...], int, int]:
    """Return dtype, shape, first byte and byte behind the last of a tensor."""
    said = said if isinstance(said, dict) else {}
    dtype, shape, offsets = said.get("dtype"), said.get("shape"), said.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise FileError(place, f"{name!r} has dtype {dtype!r}, allowed are {', '.join(_DTYPES)}")
    if not (_are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2):
        raise FileError(place, f"{name!r} has shape {shape!r} and data_offsets {offsets!r}, which are no sizes")
    return _DTYPES[dtype], tuple(shape), offsets[0], offsets[1]


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**63 for item in value)


def load(model: nn.Module, found: TensorsFile) -> None:
    """Give the entries of a model's state_dict their tensors.

    Raises: FileError that lists what is missing, too much or of another shape; nothing is changed then.
    """
    state: dict[str, Tensor] = model.state_dict(keep_vars=True)
    wrong = [f"{name!r} is missing" for name in state if name not in found.tensors]
    for name, stored in found.tensors.items():
        if name not in state:
            wrong.append(f"{name!r} is no weight of the model")
        elif not is_lazy(state[name]) and tuple(state[name].shape) != stored.shape:
            wrong.append(f"{name!r} has shape {stored.shape}, expected is {tuple(state[name].shape)}")
    if wrong:
        raise FileError(found.source.name, "weights do not fit the model:" + "".join(f"\n  {line}" for line in wrong))
    # All is read before the first weight changes.
    model.load_state_dict({name: found.read(name) for name in found.tensors})


def write(state: Mapping[str, Tensor], stream: BinaryIO, metadata: Mapping[str, str]) -> None:
    """Write tensors to a stream.

    Raises: ValueError for a dtype that the format lacks, before anything is written.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in state.items():
        if tensor.dtype not in _NAMES:
            raise ValueError(f"the weight {name!r} has dtype {tensor.dtype}, which safetensors files have no name for")
        start, end = end, end + tensor.nbytes
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH.size)
    stream.write(_LENGTH.pack(len(text)) + text)
    for tensor in state.values():
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        stream.write(plain.view(torch.uint8).numpy().data)
