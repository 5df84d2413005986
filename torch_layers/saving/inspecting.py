"""What is in a file, told without building it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch_layers.saving.arrays import TRAINING, Array, array_of, arrays_by_layer, arrays_in, in_order, said_name
from torch_layers.saving.content import ModelFile, WeightsFile, read_file, refuse_directory
from torch_layers.saving.hdf5 import Dataset, Group
from torch_layers.saving.limits import check_size
from torch_layers.saving.load import File, config_of, refusing
from torch_layers.saving.outline import Member, walk
from torch_layers.saving.refusals import Refusal, custom_objects_of, missing_names, refusals
from torch_layers.saving.safetensors import TensorsFile
from torch_layers.saving.source import opened


@dataclass(frozen=True)
class InspectedLayer:
    """A layer in a file: its path through the models that it is in, Keras's name of its class ("" if the file doesn't
    say), and its arrays."""

    path: str
    class_name: str
    arrays: tuple[Array, ...]

    @property
    def parameters(self) -> int:
        """The number of values in its arrays."""
        return sum(array.size for array in self.arrays)


@dataclass(frozen=True)
class Inspection:
    """What a file holds; as text, a table. `layers` are in the file's order.

    `refusals` is what `load_model` would refuse, as far as can be told without building the model; `custom_objects` the
    names among it that the caller can give. `left_out` is what `load_model` does not take, in words.
    """

    file: str
    kind: str
    size: int
    keras_version: str | None
    backend: str | None
    layers: tuple[InspectedLayer, ...]
    refusals: tuple[Refusal, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays of all layers."""
        return tuple(array for layer in self.layers for array in layer.arrays)

    @property
    def parameters(self) -> int:
        """The number of values in all arrays."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def custom_objects(self) -> tuple[str, ...]:
        """The names of classes and functions that `custom_objects` has to give."""
        return tuple(missing_names(list(self.refusals)))

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def inspect(file: File) -> Inspection:
    """Return what is in a file: its kind, the version of Keras that wrote it, its layers with the shapes of their arrays,
    and what `load_model` would refuse. Nothing is built, and no array is read.

    `file` is what `load_model` and `load_weights` take (`.keras`, `.h5`, `.hdf5`, `.weights.h5`, `.safetensors`), or a
    config in `.json`.
    Raises: FileError (a ValueError) for a file that is damaged or nothing of this; OSError if it can't be opened;
    NotImplementedError for a SavedModel.
    """
    refuse_directory(file)
    with opened(file) as source, refusing(source.name):
        found = read_file(source)
        if isinstance(found, ModelFile):
            layers, refused = _of_model(found)
            kind, left_out = _kind_of_model(found), _left_out(found)
        elif isinstance(found, WeightsFile):
            layers, refused, left_out = tuple(_of_weights(found)), (), _training_arrays(found.group)
            kind = f"weights of Keras {'1 or 2' if found.is_legacy else '3'} in HDF5"
        else:
            layers, refused, left_out = tuple(_of_tensors(found)), (), ()
            kind = "weights in safetensors"
        version, backend = getattr(found, "keras_version", None), getattr(found, "backend", None)
        return Inspection(source.name, kind, source.size, version, backend, layers, refused, left_out)


def _of_model(found: ModelFile) -> tuple[tuple[InspectedLayer, ...], tuple[Refusal, ...]]:
    check_size(found.config, found.place)
    config = found.config
    try:
        config = config_of(found)
    except (ValueError, NotImplementedError) as error:
        # The config names the layers in its own form too; why it can't be read is what there is to say.
        refused = [Refusal(str(config.get("class_name")), "", str(error), config)]
    else:
        refused = refusals(config, None, found.weights)
    model = Member((), config)
    arrays = {} if found.weights is None else arrays_by_layer(found.weights, model)
    layers = []
    for member in walk(model):
        own = tuple(arrays.pop(member.path, ()))
        if own or member.layers is None:
            layers.append(InspectedLayer(member.name, member.class_name, own))
    rest = [InspectedLayer("/".join(path), "", tuple(own)) for path, own in arrays.items() if own]
    return (*layers, *rest), tuple(refused)


def _of_weights(found: WeightsFile) -> Iterator[InspectedLayer]:
    """Yield what has arrays of its own: layers by their names in files of Keras 1 and 2, groups in those of Keras 3."""
    if found.is_legacy:
        for path, named in arrays_by_layer(found, Member((), {})).items():
            if named:
                yield InspectedLayer("/".join(path), "", tuple(named))
        return
    groups = [found.group]
    while groups:
        group = groups.pop()
        inner = group.get("vars")
        own = inner if isinstance(inner, Group) else group
        arrays = tuple(array_of(array) for array in in_order(own) if isinstance(array, Dataset))
        if arrays:
            name = said_name(group)
            yield InspectedLayer(group.path.strip("/") + (f" ({name})" if name else ""), "", arrays)
        within = [item for name, item in group.items() if isinstance(item, Group) and name not in (*TRAINING, "vars")]
        groups += within[::-1]


def _of_tensors(found: TensorsFile) -> Iterator[InspectedLayer]:
    by_module: dict[str, list[Array]] = {}
    for name, tensor in found.tensors.items():
        by_module.setdefault(name.rpartition(".")[0], []).append(
            Array(name, tensor.shape, str(tensor.dtype).removeprefix("torch."), tensor.nbytes)
        )
    for module, arrays in by_module.items():
        yield InspectedLayer(module, "", tuple(arrays))


def _kind_of_model(found: ModelFile) -> str:
    era = "1 or 2" if found.is_legacy else "3"
    if found.weights is None:
        return f"a config of Keras {era} alone, without weights"
    return f"a model of Keras {era} in HDF5" if found.place.endswith("/model_config") else f"a model of Keras {era}"


def _left_out(found: ModelFile) -> tuple[str, ...]:
    """Say what there is to train the model on."""
    weights = found.weights
    said = () if weights is None else _training_arrays(weights.root)
    keys = [key for key in ("compile_config", "training_config") if found.config.get(key)]
    attribute = weights is not None and "training_config" in weights.root.attrs
    return (*said, "the losses, metrics and optimizer's settings") if keys or attribute else said


def _training_arrays(group: Group) -> tuple[str, ...]:
    said = []
    for name in TRAINING:
        inner = group.get(name)
        count = sum(1 for _ in arrays_in(inner)) if isinstance(inner, Group) else 0
        if count:
            said.append(f"{count} array{'s' * (count > 1)} of the {name.split('_')[0]}")
    return tuple(said)


def _lines(found: Inspection) -> Iterator[str]:
    version = f" {found.keras_version}" if found.keras_version else ""
    writer = f", written by Keras{version}" + (f" on {found.backend}" if found.backend else "") if version else ""
    yield f"{found.file}: {found.kind}{writer}, {_bytes(found.size)}"
    yield from _table(found.layers)
    with_arrays = sum(bool(layer.arrays) for layer in found.layers)
    nbytes = sum(array.nbytes for array in found.arrays)
    counted = f"{len(found.layers)} layers, {with_arrays} with weights"
    yield f"{counted}: {len(found.arrays)} arrays, {found.parameters:,} parameters, {_bytes(nbytes)}"
    if found.left_out:
        yield f"not loaded: {', '.join(found.left_out)}"
    if found.refusals:
        yield "refused:"
        yield from (f"  {refusal}" for refusal in found.refusals)
    if found.custom_objects:
        yield f"needed: {custom_objects_of(list(found.custom_objects))}"


def _table(layers: tuple[InspectedLayer, ...]) -> Iterator[str]:
    rows = [("Layer", "Class", "Arrays", "Parameters")]
    for layer in layers:
        shapes = " ".join(_shape(array) for array in layer.arrays)
        count = f"{layer.parameters:,}" if layer.arrays else ""
        rows.append((layer.path or "(the model)", layer.class_name, shapes, count))
    used = [column for column in range(4) if any(row[column] for row in rows[1:])]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        cells = [row[c].rjust(widths[c]) if c == 3 else row[c].ljust(widths[c]) for c in used]
        yield "  ".join(cells).rstrip()
        if not number:
            yield "  ".join("-" * widths[c] for c in used)


def _shape(array: Array) -> str:
    sizes = "x".join(map(str, array.shape)) or "scalar"
    return sizes if array.dtype == "float32" else f"{sizes}:{array.dtype}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
