"""How long a Keras file takes from a cold process to the first output, and how much memory; torch_layers beside Keras.

Every sample is a process of its own, imports included; the two take turns. It measures; it judges nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import torch_layers
from parity.bench.measure import Ratio, cores, load, processor, ratio_of
from parity.bench.process import Failed
from parity.sides.base import MissingSide, machine

OURS, KERAS, READING = "torch_layers", "Keras TF", "reading alone"
# The same with a file that the system keeps no part of in its memory.
FROM_DISK = {f"{name}, from disk": name for name in (OURS, READING)}
FORMATS = (".keras", ".h5")
# What is aimed at: of Keras's time, and of the weights' bytes beyond what the imports take.
GOAL_TIME, GOAL_MEMORY = 0.3, 1.2
SECONDS_PER_SAMPLE = 600
# Relative, by norm.
ALLOWED = 1e-4

# Two inputs, and a fifth of the bytes in each of an Embedding, an LSTM, convolutions and two sizes of Dense; widths that
# make 100 MB, scaled. Every weight is random: a bias of zeros would hide one that is not read.
_MAKE = """
import json, sys
import keras, numpy as np
folder, megabytes = sys.argv[1], float(sys.argv[2])
scale = (megabytes / 100) ** 0.5
wide = lambda width: max(round(width * scale), 1)
random = np.random.default_rng(0)
ids, image = keras.Input((8,), dtype="int32", name="ids"), keras.Input((8, 8, 16), name="image")
x = keras.layers.Embedding(wide(20000), wide(256))(ids)
x = keras.layers.LSTM(wide(1000), recurrent_initializer="glorot_uniform")(x)
y = keras.layers.Conv2D(wide(512), 3, activation="relu")(image)
y = keras.layers.Conv2D(wide(1000), 3, activation="relu")(y)
y = keras.layers.GlobalAveragePooling2D()(y)
x = keras.layers.Concatenate()([x, y])
x = keras.layers.Dense(wide(2000), activation="relu")(x)
x = keras.layers.Dense(wide(2000), activation="relu")(x)
model = keras.Model([ids, image], keras.layers.Dense(10)(x))
for weight in model.weights:
    bound = (3 / max(int(np.prod(weight.shape[:-1])), 1)) ** 0.5
    weight.assign(random.uniform(-bound, bound, weight.shape).astype("float32"))
for ending in (".keras", ".h5"):
    model.save(f"{folder}/model{ending}")
np.savez(f"{folder}/inputs.npz", ids=random.integers(0, wide(20000), (1, 8)), image=random.normal(size=(1, 8, 8, 16)))
print(json.dumps({"weights": sum(w.numpy().nbytes for w in model.weights), "keras": keras.__version__}))
"""

# Peak memory of this process alone: what `getrusage` says on Linux begins with that of the process that started it.
_PEAK = """
def peak():
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""
_FIRST_OUTPUT = """
import json, sys, time
import numpy as np
start = time.perf_counter()
import {module}
from {module}{inside} import load_model
times, peaks = [time.perf_counter() - start], [peak()]
busy = time.process_time()
model = load_model(sys.argv[1])
busy = time.process_time() - busy
times.append(time.perf_counter() - start)
peaks.append(peak())
inputs = np.load(sys.argv[2])
output = model.predict([inputs["ids"], inputs["image"].astype("float32")], verbose=0)
times.append(time.perf_counter() - start)
peaks.append(peak())
print(json.dumps({{"times": times, "peaks": peaks, "busy": busy, "output": np.asarray(output).tolist()}}), flush=True)
"""
_SCRIPTS = {
    OURS: _PEAK + _FIRST_OUTPUT.format(module="torch_layers", inside=""),
    KERAS: _PEAK + _FIRST_OUTPUT.format(module="keras", inside=".models"),
    READING: """
import json, sys, time
start = time.perf_counter()
content = bytearray(32 << 20)
busy = time.process_time()
with open(sys.argv[1], "rb", buffering=0) as file:
    while file.readinto(content):
        pass
times, busy = [0.0, time.perf_counter() - start, 0.0], time.process_time() - busy
print(json.dumps({"times": times, "peaks": [0, 0, 0], "busy": busy}), flush=True)
""",
}


@dataclass
class Sample:
    """One process: seconds from its start to its first output, seconds of its steps, and bytes at its peak.

    The three steps are the imports, the loading and the output. `steps` is when each ended, counted from the first import
    on, and `peaks` the most memory that there was until then. `busy` is the processor's seconds of loading.
    """

    seconds: float
    steps: list[float]
    peaks: list[int]
    busy: float


@dataclass
class FileTimes:
    """What was measured of one file: each contestant's samples, round by round."""

    ending: str
    size: int
    weights: int
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def seconds(self, name: str) -> list[float]:
        """List a contestant's seconds to the first output."""
        return [sample.seconds for sample in self.samples[name]]

    @property
    def ratio(self) -> Ratio:
        """How many times as long torch_layers takes as Keras."""
        return ratio_of(self.seconds(OURS), self.seconds(KERAS))

    def step(self, name: str, number: int) -> float:
        """Return the median seconds of a step: 0 for the imports, 1 for loading, 2 for the output."""
        return median(s.steps[number] - (s.steps[number - 1] if number else 0.0) for s in self.samples[name])

    def busy(self, name: str) -> float:
        """Return the median seconds of the processor that loading takes."""
        return median(sample.busy for sample in self.samples[name])

    def memory(self, name: str, number: int) -> float:
        """Return the median peak until the end of a step, beyond what the imports take, in sizes of the weights."""
        return median((s.peaks[number] - s.peaks[0]) / self.weights for s in self.samples[name])


@dataclass
class FilesBench:
    """A whole bench of files: what was measured and on what."""

    measured: list[FileTimes]
    environment: dict[str, str]
    seconds: float


def bench_files(megabytes: float, rounds: int, on_sample: Callable[[str], Any] = lambda what: None) -> FilesBench:
    """Have Keras write a model of so many megabytes in each format, and time both on each.

    Raises: MissingSide if Keras can't run here; Failed if the two compute something else.
    """
    start, busy = time.perf_counter(), load()
    with tempfile.TemporaryDirectory(prefix="parity-files-") as temporary:
        folder = Path(temporary)
        on_sample("Keras writes the files")
        try:
            made = json.loads(_run(_MAKE, folder, str(megabytes))[0])
        except Failed as error:
            raise MissingSide(f"Keras can't write the files: {error}") from None
        measured = []
        for ending in FORMATS:
            path = folder / f"model{ending}"
            contestants = [*_SCRIPTS, *(FROM_DISK if hasattr(os, "posix_fadvise") else ())]
            found = FileTimes(ending, path.stat().st_size, made["weights"], {name: [] for name in contestants})
            # Round 0 isn't counted: modules get compiled, and the files into the system's memory.
            for number in range(rounds + 1):
                outputs = {}
                for name in contestants[:: 1 if number % 2 == 0 else -1]:
                    on_sample(f"{ending}, round {number} of {rounds}: {name}")
                    if name in FROM_DISK:
                        _forget(path)
                    sample, outputs[name] = _sample(FROM_DISK.get(name, name), path, folder / "inputs.npz")
                    if number:
                        found.samples[name].append(sample)
                check_outputs(outputs[OURS], outputs[KERAS])
            measured.append(found)
    environment = {
        **machine(),
        "processor": processor(),
        "cores": str(cores()),
        "load before": f"{busy:.1f}",
        "keras": made["keras"],
        "torch": torch.__version__,
        "torch_layers": torch_layers.__version__,
    }
    return FilesBench(measured, environment, time.perf_counter() - start)


def _sample(contestant: str, path: Path, inputs: Path) -> tuple[Sample, list[Any]]:
    """Return what a process of its own took, and the output that it computed."""
    printed, seconds = _run(_SCRIPTS[contestant], path, inputs)
    said = json.loads(printed)
    return Sample(seconds, said["times"], said["peaks"], said["busy"]), said.get("output", [])


def _forget(path: Path) -> None:
    """Have the system drop what it keeps of a file in its memory."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def check_outputs(ours: list[Any], keras: list[Any]) -> None:
    """Raise Failed if torch_layers computes something else than Keras from the same file."""
    one, other = np.array(ours), np.array(keras)
    error = float(np.linalg.norm(one - other) / np.linalg.norm(other)) if one.shape == other.shape else float("inf")
    if not error <= ALLOWED:
        raise Failed(f"{OURS} computes something else than {KERAS}: the output is off by {error:.1e}")


def _run(script: str, *arguments: str | Path) -> tuple[str, float]:
    """Run a script in a process of its own; return the line that it prints and the seconds until then."""
    root = str(Path(torch_layers.__file__).parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment = {**os.environ, **quiet, "PYTHONPATH": os.pathsep.join(paths)}
    # Compiled modules are kept, as those of installed packages are.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        watch = threading.Timer(SECONDS_PER_SAMPLE, process.kill)
        watch.start()
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
        code = process.wait()
        watch.cancel()
        if code or not line:
            errors.seek(0)
            said = errors.read().strip().splitlines()
            raise Failed(said[-1] if said else f"a process ended with {code} and said nothing")
    return line, seconds
