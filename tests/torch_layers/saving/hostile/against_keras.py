"""What Keras 3 does with the hostile files: `python -m tests.torch_layers.saving.hostile.against_keras [SUBJECT ...]`.

Each file goes through `keras.models.load_model(path, safe_mode=True)` in a process with limits, by default on Keras's
torch backend. What is printed is a table, subjects down, what happened across; then the errors that were no refusals.
With `-v` each file has a line. It is run by hand, as it takes long: it says about Keras, not about torch_layers.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy

from tests.torch_layers.saving.hostile import traps, watching
from tests.torch_layers.saving.hostile.corpus import makers

# Seconds of the processor, or of waiting, after which a load is ended; memory that is much.
SECONDS, MUCH = 10, 1 << 30
KINDS = (
    *("files", "refused in words", "other error", "loaded", "ran code", "read elsewhere", "read unwritten memory"),
    *("wrote", "over memory", "over 10 s", "hung", "crashed"),
)
_REFUSALS = (ValueError, OSError, NotImplementedError)
# glibc fills memory that it gives out, and what was given back, with these bytes when the variable is set so: weights
# that hold them were never written by anybody.
_FILL = ("MALLOC_PERTURB_", "165")
_UNWRITTEN = (0x5A5A5A5A, 0xA5A5A5A5)
_ENDED = {"took over": "over 10 s", "waited": "hung", "ended": "crashed"}


def main(subjects: list[str], is_verbose: bool) -> None:
    """Load all files of some subjects, and print the table."""
    os.environ.update([_FILL])
    print(" | ".join(("subject", *KINDS, "CPU seconds")))
    total, errors = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trap = traps.laid(folder / "traps")
        (folder / "files").mkdir()
        for subject in subjects or makers():
            found = _of_subject(subject, folder, trap, errors, is_verbose)
            total += found
            _print_line(subject, found)
    _print_line("all", total)
    print("other errors:", ", ".join(f"{count} {name}" for name, count in errors.most_common()))


def _print_line(subject: str, found: Counter[str]) -> None:
    print(" | ".join((subject, *(str(found[kind]) for kind in (*KINDS, "CPU seconds")))), flush=True)


def _of_subject(subject: str, folder: Path, trap: Path, errors: Counter[str], is_verbose: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    seconds = 0.0
    limits = {"endless": SECONDS, "patience": SECONDS}
    with watching.Watched(trap, "tests.torch_layers.saving.hostile.against_keras", "--load", **limits) as process:
        for file in makers()[subject](trap):
            if file.name.endswith(("json", "safetensors", ".weights.h5")):  # no models to Keras
                continue
            path = file.write(folder / "files")
            (verdict,) = process.judge(path)
            kind, seconds = verdict.outcome, seconds + verdict.seconds
            if kind == "failed":
                kind = next(kind for start, kind in _ENDED.items() if verdict.message.startswith(start))
                seconds += SECONDS * (kind == "over 10 s")
            if (trap / "executed").exists():
                kind = "ran code"
                (trap / "executed").unlink()
            found.update(("files", kind))
            errors.update([verdict.message.partition(":")[0]] if kind == "other error" else [])
            if is_verbose:
                print(f"  {file.name} ({file.attacks}): {kind}: {verdict.message[:200]!a}", flush=True)
            if path.is_file() and not path.is_symlink():
                path.unlink()
    found["CPU seconds"] = round(seconds)
    return found


def serve(trap: Path) -> None:
    """Answer each line with a path by what `load_model` does with that file."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import torch  # before TensorFlow, or the import can crash

    torch.set_num_threads(1)
    import keras

    opened: list[tuple[str, int]] = []
    sys.addaudithook(lambda event, args: opened.append((str(args[0]), args[2])) if event == "open" else None)
    size = watching.status("VmSize")[0] + watching.LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        Path("/proc/self/clear_refs").write_text("5")
        opened.clear()
        (before,), start = watching.status("VmRSS"), time.process_time()
        try:
            outcome, message = "loaded", ""
            model = keras.models.load_model(path, safe_mode=True)
            outcome = _judged(model)
        except BaseException as error:
            outcome, message = _kind_of(error), f"{type(error).__name__}: {error}"
        seconds, memory = time.process_time() - start, watching.status("VmHWM")[0] - before
        elsewhere = [name for name, _ in opened if name.startswith((str(trap), "/etc", "/dev/zero"))]
        written = [name for name, flags in opened if flags & (os.O_WRONLY | os.O_RDWR) and name != os.devnull]
        if elsewhere:
            outcome, message = "read elsewhere", str(elsewhere)
        elif written and not all(name.endswith(".pyc") or name.startswith("/proc/self") for name in written):
            outcome, message = "wrote", str(written)
        elif memory > MUCH:
            outcome = "over memory"
        elif seconds > SECONDS:
            outcome = "over 10 s"
        print(json.dumps([[path, outcome, message[:500], seconds, memory]]), file=answers, flush=True)


def _kind_of(error: BaseException) -> str:
    """Tell refusals in words from other errors, and from memory that there isn't."""
    if isinstance(error, MemoryError) or "not enough memory" in str(error):
        return "over memory"
    return "refused in words" if isinstance(error, _REFUSALS) and " " in str(error).strip() else "other error"


def _judged(model: Any) -> str:
    """Tell weights that lie in the traps, and those that lay in memory, from others."""
    for weight in map(numpy.asarray, model.get_weights()):
        if b"secret" in weight.tobytes() or (weight == traps.SECRET).any():
            return "read elsewhere"
        if weight.itemsize == 4 and numpy.isin(weight.view("u4"), _UNWRITTEN).any():
            return "read unwritten memory"
    return "loaded"


if __name__ == "__main__":
    if "--load" in sys.argv:
        serve(Path(sys.argv[1]))
    else:
        main([subject for subject in sys.argv[1:] if subject != "-v"], "-v" in sys.argv)
