"""`parity verify FILE`: a Keras file in each installed Keras that reads it, and in torch_layers, layer by layer."""

from __future__ import annotations

import copy
import re
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from parity.judge import judge
from parity.record import Numbers, Record, Value
from parity.sides.base import MissingSide
from parity.sides.keras import give_weights
from parity.sides.keras_package import load
from parity.sides.models import KerasModel, with_dtype
from parity.sides.process import processes, quiet_stderr
from parity.whole import inputs as given
from parity.whole.compare import Step, Whole, layer_steps, outputs_of
from parity.whole.keras_errors import KerasError, known_errors
from torch_layers.registry import nearest
from torch_layers.saving.content import ModelFile, read_model_file, refuse_directory
from torch_layers.saving.load import load_model
from torch_layers.saving.source import opened

# The side's name and its package, in the order in which they are asked.
PACKAGES = {"keras": "keras", "tf-keras": "tf_keras"}


STATUSES = ("missing", "refuses", "reads", "equal", "keras wrong", "different")


@dataclass
class Reading:
    """What came of one Keras and the file: `missing` or `refusal` say why there is no comparison, in its own words.

    `failure` is what went wrong in the comparison; `errors` are the departures at which that Keras is known to be wrong.
    """

    side: str
    framework: str = ""
    missing: str | None = None
    refusal: str | None = None
    failure: str | None = None
    whole: Whole | None = None
    errors: list[tuple[Step, KerasError]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """One of `STATUSES`; "reads" says that torch_layers doesn't."""
        if self.missing is not None or self.refusal is not None:
            return "missing" if self.missing is not None else "refuses"
        if self.failure is not None:
            return "different"
        if self.whole is None:
            return "reads"
        if self.whole.equal:
            return "equal"
        return "keras wrong" if self.is_explained else "different"

    @property
    def is_explained(self) -> bool:
        """Whether that Keras is known to be wrong at each layer that departs."""
        assert self.whole is not None
        explained = {step.path for step, _ in self.errors}
        departing = [step for step in self.whole.steps if step.departs]
        through_masks = any(row.through_masks for _, row in self.errors)
        return bool(explained) and all(s.path in explained for s in departing) and (bool(departing) or through_masks)


@dataclass
class FileReport:
    """What torch_layers and each Keras make of a file. `refusal` says why torch_layers can't read it."""

    path: Path
    age: str
    refusal: str | None = None
    readings: list[Reading] = field(default_factory=list)

    @property
    def shown(self) -> Whole | None:
        """The comparison to show in full: the first that is not equal, or else the first."""
        wholes = [reading.whole for reading in self.readings if reading.whole is not None]
        return next((whole for whole in wholes if not whole.equal), wholes[0] if wholes else None)

    @property
    def exit_code(self) -> int:
        """Return 0 if a Keras computes the same and none differs but where it is known to be wrong, 2 if none reads it."""
        statuses = {reading.status for reading in self.readings}
        if statuses <= {"missing", "refuses"}:
            return 2
        return 0 if "equal" in statuses and not statuses & {"different", "reads"} else 1


def verify_file(path: Path, inputs: Path | None = None, reference: str | None = None) -> FileReport:
    """Compare what torch_layers and Keras make of a file: every Keras that is installed, or only `reference`.

    Keras runs in a process of its own. It is given the same inputs, from the .npz file `inputs` or drawn.
    Raises: ValueError for an unknown `reference`, inputs that don't fit, and a path that is no file; OSError if it can't be
    opened; MissingSide if `reference` is not installed.
    """
    if reference is not None and reference not in PACKAGES:
        raise ValueError(
            f"--reference {reference!r} is not one of {', '.join(PACKAGES)}{nearest(reference, [*PACKAGES])}"
        )
    refuse_directory(path)
    with opened(path):
        pass
    file, report = None, FileReport(path, "of unknown age")
    arrays: list[Numbers] | None = None
    try:
        with opened(path) as source:
            file = read_model_file(source)
        report.age = _age(file)
        model = load_model(path)
    except (ValueError, OSError, NotImplementedError) as error:
        report.refusal = str(error)
    else:
        arrays = given.drawn(model) if inputs is None else given.stored(inputs, model.input_names)
    for reading in _read_apart(path, [reference] if reference is not None else list(PACKAGES), arrays):
        if reading.missing is not None and reference is not None:
            raise MissingSide(reading.missing)
        if reading.whole is not None and file is not None:
            reading.errors = list(_known(reading.whole, PACKAGES[reading.side], file))
        report.readings.append(reading)
    return report


def _age(file: ModelFile) -> str:
    backend = f" on {file.backend}" if file.backend else ""
    return f"Keras {file.keras_version or '1'}{backend}"


def _known(whole: Whole, package: str, file: ModelFile) -> Iterator[tuple[Step, KerasError]]:
    """Yield the steps at which a Keras is known to be wrong: those that depart, or hand on a wrong mask to what differs."""
    layers = dict(_layers(file.config))
    for step in whole.steps:
        described = layers.get(step.path.split(" (call ")[0])
        for row in known_errors(package, file, described) if described is not None else ():
            if step.departs or (row.through_masks and not whole.equal):
                yield step, row


def _layers(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the path and the description of each layer in a model's, as the file has it; those of nested models too."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, Mapping) else inner
    for layer in layers if isinstance(layers, (list, tuple)) else ():
        said = layer.get("config")
        name = layer.get("name") or (said.get("name") if isinstance(said, Mapping) else None)
        yield f"{above}{name}", layer
        yield from _layers(layer, f"{above}{name}/")


# --- in a process of its own -----------------------------------------------------------------------------------------


def _read_apart(path: Path, sides: Sequence[str], arrays: Sequence[Numbers] | None) -> Iterator[Reading]:
    """Let each Keras read the file, at the same time."""
    context = processes()
    started = []
    try:
        for side in sides:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_serve, args=(theirs, path, side, arrays), daemon=True)
            process.start()
            theirs.close()
            started.append((side, process, ours))
        for side, process, ours in started:
            try:
                yield ours.recv()
            except EOFError:
                process.join()
                yield Reading(side, framework=side, refusal=f"its process died with exit code {process.exitcode}")
    finally:
        for _, process, ours in started:
            process.kill()
            process.join()
            ours.close()


def _serve(connection: Any, path: Path, side: str, arrays: Sequence[Numbers] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends this one
    with quiet_stderr():
        try:
            reading = read(path, side, arrays)
        except MissingSide as error:
            reading = Reading(side, missing=str(error))
    connection.send(reading)


def read(path: Path, side: str, arrays: Sequence[Numbers] | None) -> Reading:
    """Read a file in one Keras, in this process, and compare with torch_layers unless `arrays`, the inputs, are None."""
    package = PACKAGES[side]
    keras = load(package, "tensorflow")
    reading = Reading(side, f"{side} {keras.__version__}")
    make = partial(keras.models.load_model, path, compile=False, safe_mode=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = KerasModel(make, "float32", package)
            outputs = loaded.run(list(arrays)) if arrays is not None else {}
    except Exception as error:  # whatever Keras raises for a file, or for what it made of it, is what it says of it
        reading.refusal = f"{type(error).__name__}: {_sentence(error)}"
        return reading
    if arrays is not None:
        try:
            reading.whole = _compare(path, reading.framework, loaded, list(arrays), outputs)
        except Exception as error:  # the other side can't run, or the two can't be laid side by side
            reading.failure = f"{type(error).__name__}: {_sentence(error)}"
    return reading


def _sentence(error: Exception) -> str:
    """Return an error as one line without colours, the repeated config of a layer left out."""
    text = " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split()) or "(no message)"
    start, config, rest = text.partition(" using config={")
    if config and "Exception encountered: " in rest:
        text = f"{start}: {rest.partition('Exception encountered: ')[2]}"
    return text if len(text) <= 300 else text[:299] + "…"


def _compare(path: Path, framework: str, loaded: KerasModel, arrays: list[Numbers], outputs: dict[str, Value]) -> Whole:
    start = time.perf_counter()
    whole = Whole(f"{path.name} in {framework}", int(loaded.model.count_params()))
    module, records = load_model(path), []
    for theirs, ours in _pairs(loaded, module):
        dtype = theirs.dtype
        inputs = [x.astype(dtype) if x.dtype.kind == "f" and dtype == "float64" else x for x in arrays]
        if not whole.steps:
            whole.steps, said = layer_steps(theirs, ours, inputs)
        else:  # the model that was loaded, which gave `outputs`
            said = outputs
        records += [Record(said), Record(outputs_of(ours, inputs))]
    if len(records) == 2:  # without a finer oracle, the file's own dtype says what rounding may do
        records *= 2
    whole.verdicts["outputs"] = judge(*records)
    whole.seconds = time.perf_counter() - start
    return whole


def _pairs(loaded: KerasModel, module: Any) -> Iterator[tuple[KerasModel, Any]]:
    """Yield both models in float64, if Keras can compute this one so, and then as the file has them."""
    try:
        finer = KerasModel(_in_float64(loaded.model), "float64", loaded.keras.__name__)
    except Exception:  # a cast to float32 in the graph, or a kernel that TensorFlow lacks
        finer = None
    if finer is not None:
        yield finer, copy.deepcopy(module).double()
    yield loaded, module


def _in_float64(model: Any) -> Callable[[], Any]:
    def make() -> Any:
        wide = type(model).from_config(with_dtype(model.get_config(), "float64", "float64"))
        give_weights(wide, [w.astype("float64") if w.dtype.kind == "f" else w for w in model.get_weights()])
        return wide

    return make
