"""No file does harm: nothing is run, imported, read elsewhere or written, and each answer comes soon and in words."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="the hostile files are made with h5py")

from tests.torch_layers.saving.hostile import traps, watching
from tests.torch_layers.saving.hostile.corpus import makers

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read as Linux tells it")


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder of what no file may lead to."""
    return traps.laid(tmp_path / "traps")


@pytest.mark.parametrize("subject", makers())
def test_hostile_files_are_refused_or_harmless(
    subject: str, trap: Path, watched: watching.Watched, tmp_path: Path
) -> None:
    before, folder = sorted(trap.iterdir()), tmp_path / "files"
    folder.mkdir()
    outcomes: Counter[str] = Counter()
    failures, count, slowest, largest = [], 0, 0.0, 0
    for file in makers()[subject](trap):
        path = file.write(folder)
        verdicts = watched.judge(path)
        count += 1
        slowest = max(slowest, *(verdict.seconds for verdict in verdicts))
        largest = max(largest, *(verdict.memory for verdict in verdicts))
        outcomes.update(f"{verdict.task} {verdict.outcome}" for verdict in verdicts)
        wrong = [verdict for verdict in verdicts if verdict.outcome == "failed"]
        failures += [f"{file.name} ({file.attacks}): {verdict.task}: {verdict.message}" for verdict in wrong]
        if path.is_file() and not path.is_symlink():
            path.unlink()
        assert sorted(trap.iterdir()) == before, f"{file.name} wrote something"
    print(f"{subject}: {count} files, {dict(outcomes)}, {slowest:.1f} s at most, {largest >> 20} MB at most")
    assert not failures, f"{len(failures)} of {count}:\n" + "\n".join(failures[:50])


def test_the_watch_sees_what_it_should(trap: Path) -> None:
    """Each kind of harm, done on purpose, is noted."""
    command = f"""
import sys
from pathlib import Path
from tests.torch_layers.saving.hostile.watching import Watch
folder = Path({str(trap)!r})
watch, harms = Watch(), {{
    "reads": lambda: (folder / "secret.txt").read_text(),
    "writes": lambda: (folder / "written").write_text("x"),
    "imports": lambda: __import__("this_is_no_module"),
    "runs": lambda: __import__("os").system("true"),
    "starts": lambda: __import__("subprocess").run(["true"]),
    "evaluates": lambda: eval("1 + 1"),
    "unmarshals": lambda: __import__("marshal").loads(b"N"),
    "unpickles": lambda: __import__("pickle").loads(b"cos\\nsystem\\n."),
    "connects": lambda: __import__("socket").socket().connect(("127.0.0.1", 9)),
    "injects": lambda: exec(compile("def forward(self):\\n    return __import__('os')", "<eval_with_key>.1", "exec")),
}}
for name, harm in harms.items():
    with watch:
        try:
            harm()
        except Exception:
            pass
    assert watch.noted, name
print("all")
"""
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=watching.ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "all\n", done.stderr


def test_the_judge_fails_what_is_no_answer(tmp_path: Path) -> None:
    """Errors without words, without a place, and tasks that take too much are told from refusals."""
    command = f"""
import time
from pathlib import Path
from tests.torch_layers.saving.hostile import watching
path, watch = Path({str(tmp_path)!r}) / "file.keras", watching.Watch()
path.write_bytes(b"x")
watching.SECONDS = 0.5

def raising(error):
    raise error

def busy():
    while time.process_time() < until:
        pass

until = time.process_time() + 2
found = {{
    name: watching.judged(watch, path, name, task).outcome
    for name, task in {{
        "bare": lambda: raising(KeyError(path.name)),
        "placeless": lambda: raising(ValueError("no")),
        "slow": busy,
        "large": lambda: b"x" * (300 << 20),
        "memory": lambda: raising(MemoryError(path.name)),
        "refused": lambda: raising(ValueError(f"{{path.name}}: no")),
        "missing": lambda: raising(FileNotFoundError(str(path))),
        "loaded": lambda: None,
    }}.items()
}}
assert found == {{
    **dict.fromkeys(("bare", "placeless", "slow", "large", "memory"), "failed"),
    **dict.fromkeys(("refused", "missing"), "refused"),
    "loaded": "loaded",
}}, found
print("all")
"""
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=watching.ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "all\n", done.stderr
