"""Loading files in a process of its own that is watched: what it opens, imports and runs, how long it takes, how much
memory. `python -m tests.torch_layers.saving.hostile.watching` is that process; `Watched` starts it and asks it.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[4]
# Processor time that a task may take; that after which a process is ended; and how long one may wait for something,
# which takes no processor time. Others may be running: real time says little.
SECONDS, ENDLESS, PATIENCE = 10, 60, 120
# Bytes that a task may take beside twice the file, and what the process gets in all, so that it can't harm the machine.
MEMORY, LIMIT = 256 << 20, 4 << 30
# What Python and torch say of themselves whenever a model is drawn.
_HARMLESS = frozenset(
    {"builtins.id", "object.__getattr__", "object.__setattr__", "object.__delattr__", "code.__new__", "sys._getframe"}
)
# Where modules lie: all, and those of torch.
_CODE = (sys.prefix, sys.base_prefix, str(ROOT))
_TORCH = (str(Path(find_spec("torch").origin).parent),)  # type: ignore[union-attr, arg-type]
_REFUSALS = (ValueError, OSError, NotImplementedError)


class Verdict(NamedTuple):
    """What became of a file: "loaded", "refused", or what must not be: "failed". `message` is the error's or says why."""

    task: str
    outcome: str
    message: str
    seconds: float = 0.0
    memory: int = 0


# --- the side that asks ----------------------------------------------------------------------------------------------


class Watched:
    """A process that loads files, started anew if it ends or has to be ended: after `endless` seconds of the processor
    for one file, or `patience` seconds of none.

    It is a module, which gets a folder and further arguments, says "ready", and answers a path by verdicts.
    """

    def __init__(
        self,
        folder: Path,
        module: str = __spec__.name,
        *arguments: str,
        endless: float = ENDLESS,
        patience: float = PATIENCE,
    ) -> None:
        self.command = [sys.executable, "-m", module, str(folder), *arguments]
        self.endless, self.patience = endless, patience
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *args: object) -> None:
        self._end()

    def judge(self, path: Path) -> list[Verdict]:
        """Return what became of a file, by task."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        said = self._wait(process)
        line = "" if said else process.stdout.readline()
        if line:
            return [Verdict(*values) for values in json.loads(line)]
        self._end()
        return [Verdict("any", "failed", said or f"ended the process, which returned {process.returncode}")]

    def _wait(self, process: subprocess.Popen[str]) -> str:
        """Wait for an answer; return why there will be none, or an empty string."""
        if select.select([process.stdout], [], [], 0.5)[0]:
            return ""
        start = last = _processor_seconds(process.pid)
        since = time.monotonic()
        while not select.select([process.stdout], [], [], 0.5)[0]:
            used, now = _processor_seconds(process.pid), time.monotonic()
            if used - start > self.endless:
                return f"took over {self.endless} s of the processor"
            if used > last:
                last, since = used, now
            elif now - since > self.patience:
                return f"waited for over {self.patience} s"
        return ""

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert ready == "ready\n", f"the watched process did not start: {ready!r}"
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


def _processor_seconds(process: int) -> float:
    """Return how long a process has run."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the side that is watched ----------------------------------------------------------------------------------------


class Watch:
    """An audit hook: it notes what code does that is no part of reading a file and drawing its model."""

    def __init__(self) -> None:
        self.file = ""
        self.modules: set[str] = set()  # what honest files have imported
        self.learning = False
        self.noted: list[str] = []
        self._opened = ""
        self._watching = False
        sys.addaudithook(self._hear)

    def __enter__(self) -> Watch:
        self.noted, self._watching = [], True
        return self

    def __exit__(self, *args: object) -> None:
        self._watching = False

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching or event in _HARMLESS:
            return
        self._watching = False
        try:
            said = self._judge(event, args)
            if said is not None:
                self.noted.append(f"{event}: {said}"[:300])
        finally:
            self._watching = True

    def _judge(self, event: str, args: tuple[Any, ...]) -> str | None:
        """Return what there is to say against an event."""
        if event == "import":
            if self.learning:
                self.modules.add(args[0])
            # torch imports parts of itself when something first needs them.
            return None if args[0] in self.modules or args[0].startswith("torch.") else str(args[0])
        if event == "open":
            self._opened, _, flags = str(args[0]), *args[1:]
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            is_code = self._opened.endswith((".py", ".pyc")) and self._opened.startswith(_CODE)
            allowed = not writes and (is_code or self._opened == self.file)
            return None if allowed else f"{self._opened!r} with flags {flags}"
        if event == "compile":
            return _judge_source(*args)
        if event == "exec":
            name = args[0].co_filename
            is_graph = name.startswith("<eval_with_key>") or name.endswith(" with masks>")
            return None if is_graph or self._is_imported(name) else f"code of {name}"
        if event == "marshal.loads":
            return None if self._is_imported(self._opened) else "code of no module"
        return None if self.learning and event == "os.listdir" else repr(args)

    def _is_imported(self, file: str) -> bool:
        """Whether a file is one of torch, or while honest files are read of any module."""
        return file.startswith(_CODE if self.learning else _TORCH) and file.endswith((".py", ".pyc"))


def _judge_source(source: Any, filename: Any) -> str | None:
    """Return what there is to say against code that is compiled: a graph's is made of calls of what it consists of."""
    if source is None or isinstance(source, ast.AST):
        return f"a tree, {filename}"
    text = source.decode() if isinstance(source, bytes) else source
    name = filename.decode() if isinstance(filename, bytes) else str(filename)
    if not (name.startswith("<eval_with_key>") or name.endswith(" with masks>")):
        return f"{text[:100]!r} of {name}"
    tree = ast.parse(text)
    plain = (ast.FunctionDef, ast.Assign, ast.AnnAssign, ast.Return, ast.Expr, ast.Pass)
    nodes = list(ast.walk(tree))
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in nodes:
        if isinstance(node, ast.stmt) and not isinstance(node, plain):
            return f"a {type(node).__name__} in {text!r}"
        if isinstance(node, ast.Attribute) and node.attr.startswith("__") and node.attr.endswith("__"):
            return f"{node.attr} in {text!r}"
        if isinstance(node, ast.Name) and node.id not in own and hasattr(builtins, node.id) and node.id != "slice":
            return f"{node.id} in {text!r}"
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return None if len(functions) == len(tree.body) == 1 else f"{len(tree.body)} statements in {text!r}"


def status(*names: str) -> list[int]:
    """Return sizes of this process in bytes."""
    with open("/proc/self/status", "rb") as file:
        text = file.read()
    return [int(text.partition(f"\n{name}:".encode())[2].split(None, 1)[0]) << 10 for name in names]


def tasks_for(path: Path, model: Any) -> dict[str, Callable[[], Any]]:
    """Return what is tried with a file, by name."""
    import torch_layers
    from torch_layers.saving.load import load_model, load_weights, model_from_json

    tasks: dict[str, Callable[[], Any]] = {"inspect": lambda: str(torch_layers.inspect(path))}
    if path.suffix == ".json" and not path.is_file():
        return tasks
    if path.suffix == ".json":
        return {"model_from_json": lambda: model_from_json(path.read_bytes()), **tasks}  # type: ignore[arg-type]
    if path.suffix == ".h5":
        tasks["by name"] = lambda: load_weights(model, path, by_name=True)
    return {"load_model": lambda: load_model(path), "load_weights": lambda: load_weights(model, path), **tasks}


def judged(watch: Watch, path: Path, name: str, task: Callable[[], Any]) -> Verdict:
    """Run a task and say what became of it."""
    watch.file = str(path)
    with open("/proc/self/clear_refs", "wb", 0) as file:
        file.write(b"5")  # the peak of memory counts from here
    (before,) = status("VmRSS")
    start, error = time.process_time(), None
    with watch:
        try:
            task()
        except BaseException as raised:
            error = raised
    seconds, memory = time.process_time() - start, status("VmHWM")[0] - before
    message = "" if error is None else f"{type(error).__name__}: {error}"
    outcome = "loaded" if error is None else "refused"
    allowed = MEMORY + 2 * (path.stat().st_size if path.is_file() else 0)
    if watch.noted:
        outcome, message = "failed", f"{watch.noted}; {message}"
    elif error is not None and not isinstance(error, _REFUSALS):
        outcome = "failed"
    elif error is not None and not _tells_where(str(error), path):
        outcome, message = "failed", f"does not say where: {message}"
    elif seconds > SECONDS:
        outcome, message = "failed", f"took {seconds:.1f} s; {message}"
    elif memory > allowed and name != "model_from_json":  # it makes the weights that the caller asked for
        outcome, message = "failed", f"took {memory >> 20} MB, {allowed >> 20} MB are allowed; {message}"
    return Verdict(name, outcome, message[:2000], seconds, memory)


def _tells_where(message: str, path: Path) -> bool:
    return path.name in message or message.startswith(("model_from_json: ", "config"))


def main(folder: Path) -> None:
    """Answer each line with a path by a line with what became of the file."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # so that nothing else is printed there
    import warnings

    import torch

    # torch does so itself when something first asks for them.
    import torch._dynamo
    import torch._subclasses.schema_check_mode

    from tests.torch_layers.saving.hostile import damage, honest, values
    from torch_layers.saving.load import load_model, model_from_config

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    watch, learned = Watch(), folder / "learned"
    learned.mkdir(exist_ok=True)
    watch.learning = True
    model = model_from_config(honest.small())
    files = {
        **damage.honest_files(),
        "broken.keras": b"PK\x03\x04",
        "broken.h5": b"\x89HDF\r\n\x1a\n",
        "broken.json": b"{",
    }
    files |= {f"{name}.json": honest.as_json(config) for name, config in values.of_each_layer().items()}
    files["unknown.keras"] = honest.keras_file(honest.sequential(honest.layer("Danse", "d", units=3)))
    files["unfit.keras"] = honest.keras_file(honest.small(), {"x": [1.0]})
    for watch.learning in (True, False):
        for name, content in files.items():
            path = learned / name
            path.write_bytes(content)
            found = [judged(watch, path, task, run) for task, run in tasks_for(path, model).items()]
            failed = [verdict for verdict in found if verdict.outcome == "failed"]
            assert watch.learning or not failed, failed
    expected = [value.clone() for value in load_model(learned / "model.keras").state_dict().values()]
    size = status("VmSize")[0] + LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    print("ready", file=answers, flush=True)
    for number, line in enumerate(sys.stdin):
        path = Path(line.rstrip("\n"))
        found = [judged(watch, path, task, run) for task, run in tasks_for(path, model).items()]
        if number % 20 == 0:
            after = load_model(learned / "model.keras").state_dict().values()
            if not all(torch.equal(a, b) for a, b in zip(expected, after, strict=True)):
                found.append(Verdict("honest model", "failed", "loads otherwise after this file or one of 19 before"))
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
