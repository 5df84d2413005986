"""What Keras 3 does with the hostile files: `python -m tests.torch_layers.saving.hostile.against_keras [SUBJECT ...]`.

Each file goes through `keras.models.load_model(path, safe_mode=True)` in a process with limits, by default on Keras's
torch backend. What is printed is a table: subjects down, what happened across.
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

# Real seconds after which a load hangs, processor seconds after which it is slow, and memory that is much.
HANGS, SLOW, MUCH = 60, 10, 1 << 30
KINDS = (
    *("files", "refused", "other error", "loaded", "ran code", "read elsewhere", "wrote", "over 1 GB", "over 10 s"),
    *("hung", "crashed"),
)
_REFUSALS = (ValueError, OSError, NotImplementedError)


def main(subjects: list[str]) -> None:
    """Load all files of some subjects, and print the table."""
    print(" | ".join(("subject", *KINDS)))
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trap = traps.laid(folder / "traps")
        (folder / "files").mkdir()
        for subject in subjects or makers():
            found = _of_subject(subject, folder, trap)
            total += found
            print(" | ".join((subject, *(str(found[kind]) for kind in KINDS))), flush=True)
    print(" | ".join(("all", *(str(total[kind]) for kind in KINDS))))


def _of_subject(subject: str, folder: Path, trap: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    with watching.Watched(trap, "tests.torch_layers.saving.hostile.against_keras", "--load", patience=HANGS) as process:
        for file in makers()[subject](trap):
            if file.name.endswith(("json", "safetensors", ".weights.h5")):  # no models to Keras
                continue
            path = file.write(folder / "files")
            (verdict,) = process.judge(path)
            kind = verdict.outcome
            if kind == "failed":
                kind = "crashed" if verdict.message.startswith("ended") else "hung"
            if (trap / "executed").exists():
                kind = "ran code"
                (trap / "executed").unlink()
            found.update(("files", kind))
            if "-v" in sys.argv:
                print(f"  {file.name} ({file.attacks}): {kind}: {verdict.message[:200]}", flush=True)
            if path.is_file() and not path.is_symlink():
                path.unlink()
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
    size = watching.status("VmSize")[0] + (8 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        opened.clear()
        Path("/proc/self/clear_refs").write_text("5")
        (before,), start = watching.status("VmRSS"), time.process_time()
        try:
            outcome, message = "loaded", ""
            model = keras.models.load_model(path, safe_mode=True)
            if _holds_secret(model):
                outcome = "read elsewhere"
        except BaseException as error:
            outcome = "refused" if isinstance(error, _REFUSALS) else "other error"
            message = f"{type(error).__name__}: {error}"
        seconds, memory = time.process_time() - start, watching.status("VmHWM")[0] - before
        elsewhere = [name for name, _ in opened if name.startswith((str(trap), "/etc", "/dev/zero"))]
        written = [name for name, flags in opened if flags & (os.O_WRONLY | os.O_RDWR) and name != os.devnull]
        if elsewhere:
            outcome, message = "read elsewhere", str(elsewhere)
        elif written and not all(name.endswith(".pyc") or name.startswith("/proc/self") for name in written):
            outcome, message = "wrote", str(written)
        elif memory > MUCH:
            outcome = "over 1 GB"
        elif seconds > SLOW:
            outcome = "over 10 s"
        print(json.dumps([[path, outcome, message[:500], seconds, memory]]), file=answers, flush=True)


def _holds_secret(model: Any) -> bool:
    """Whether weights are what lies in the traps."""
    weights = [numpy.asarray(weight) for weight in model.get_weights()]
    return any(b"secret" in weight.tobytes() or (weight == traps.SECRET).any() for weight in weights)


if __name__ == "__main__":
    if "--load" in sys.argv:
        serve(Path(sys.argv[1]))
    else:
        main([subject for subject in sys.argv[1:] if subject != "-v"])
