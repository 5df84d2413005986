"""The house keeps its shape: who may import whom, what import costs, what is public. None of this needs Keras."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import torch_layers

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = ("keras", "tensorflow", "tf_keras", "jax")

# What a unit (a file or folder directly inside a package) may import of the same package, beside itself: units of a
# lower number. A new unit gets its number here, which is where its place in the house is decided.
TORCH_LAYERS = {
    "registry": 0,
    **dict.fromkeys(("dtypes", "eager", "hooks"), 1),
    "serialization": 2,
    "tanh": 2,
    **dict.fromkeys(("activations", "constraints", "initializers", "losses", "regularizers"), 3),
    "layers": 4,
    "graph": 5,
    "saving": 6,
    "": 7,  # torch_layers/__init__.py
    "__main__": 8,
}
# case -> draw -> two sides -> two records -> judge -> report: none turns back.
PARITY = {
    "": 0,  # parity/__init__.py: imports when it is asked
    **dict.fromkeys(("case", "record"), 0),
    **dict.fromkeys(("draw", "judge"), 1),
    # A file there and back is a case of its own kind, with its own judgement.
    "trips": 2,
    **dict.fromkeys(("cases", "trip_limits"), 3),
    **dict.fromkeys(("deviations", "versions"), 4),
    # How weights go over is a part of the sides, which alone use it.
    **dict.fromkeys(("sides", "transfer"), 5),
    **dict.fromkeys(("coverage", "run"), 6),
    **dict.fromkeys(("bench", "live", "report", "whole"), 7),
    "cli": 8,
}
# Imports that turn an arrow round, inside functions alone: (file, unit) -> reason.
TURNED_ROUND: dict[tuple[str, str], str] = {
    ("torch_layers/graph/files.py", "saving"): "a model's `save` and the like are methods, as in Keras",
    ("torch_layers/graph/conversion.py", "saving"): "a live model of Keras 2 means what its file means",
}
# What knows data alone, no framework, torch included.
DATA = ("case", "record", "draw", "judge", "deviations", "report")
# What may name torch outside parity/sides: hands over weights, takes an nn.Module, times one.
TORCH_USERS = ("sides", "transfer", "live", "bench", "whole")

# A layer file that imports another family's layer, because its layer is built from that one: (file, module) -> reason.
BUILT_FROM: dict[tuple[str, str], str] = {
    ("attention/attention.py", "torch_layers.layers.regularization.dropout"): "drops scores",
    ("attention/heads.py", "torch_layers.layers.regularization.dropout"): "drops scores",
    ("normalization/spectral_normalization.py", "torch_layers.layers.core.wrapper"): "is a wrapper",
    ("recurrent/time_distributed.py", "torch_layers.layers.core.wrapper"): "is a wrapper",
    ("recurrent/cell.py", "torch_layers.layers.regularization.noise"): "draws dropout",
    (
        "recurrent/conv_lstm_cell.py",
        "torch_layers.layers.convolution.base",
    ): "is a convolution of its inputs and states",
    ("recurrent/conv_lstm_cell.py", "torch_layers.layers.regularization.noise"): "draws dropout",
}

# Where `__all__` is a promise.
PUBLIC = ("", ".activations", ".constraints", ".initializers", ".layers", ".losses", ".regularizers", ".saving")


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path) -> list[tuple[int, str]]:
    """List (line, module) of every import of a file, those inside functions too; `from a import b` is a, or a.b if b
    is a module. A module imported by its name as a string is one as well."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.relative_to(ROOT)}:{node.lineno}: imports are written in full"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if _is_module(full) else str(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("import_module", "__import__"):
            yield from ((node.lineno, a.value) for a in node.args if isinstance(a, ast.Constant) and a.value)


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def unit_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def inside(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def run_python(code: str) -> str:
    """Run code in a process of its own, where nothing is imported yet, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_after(*steps: str) -> list[set[str]]:
    """Run code in steps, in one process; return what is in `sys.modules` after each."""
    lines = run_python("\n".join(["import sys", *(f"{step}\nprint(*sys.modules)" for step in steps)])).splitlines()
    return [set(line.split()) for line in lines]


@pytest.fixture(scope="module")
def loaded() -> list[set[str]]:
    """What is loaded after the import of torch_layers and its graphs, of all of torch_layers, and of all of parity too."""
    every = [
        "\n".join(f"import {module_of(path)}" for path in files(package)) for package in ("torch_layers", "parity")
    ]
    return loaded_after("import torch_layers, torch_layers.graph.files", *every)


# --- arrows --------------------------------------------------------------------------------------------------------


def test_torch_layers_names_neither_keras_nor_parity():
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in files("torch_layers")
        for line, module in imports(path)
        if inside(module, *FRAMEWORKS, "parity", "tests", "examples")
    ]
    assert not found, "\n".join(found)


def test_torch_layers_loads_neither_keras_nor_parity(loaded):
    assert not loaded[1] & {*FRAMEWORKS, "parity", "h5py"}


def test_torch_layers_needs_torch_numpy_and_einops_alone():
    allowed = {"torch_layers", "torch", "numpy", "einops", "h5py", *sys.stdlib_module_names}
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in files("torch_layers")
        for line, module in imports(path)
        if module.split(".")[0] not in allowed or (inside(module, "h5py") and unit_of(module_of(path)) != "saving")
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package, order", [("torch_layers", TORCH_LAYERS), ("parity", PARITY)])
def test_arrows_point_one_way(package, order):
    found, turned_round = [], set()
    for path in files(package):
        unit = unit_of(module_of(path))
        assert unit in order, (
            f"{path.relative_to(ROOT)}: {unit!r} has no place yet: give it one in {Path(__file__).name}"
        )
        for line, module in imports(path):
            to = unit_of(module)
            if not inside(module, package) or to == unit or order[to] < order[unit]:
                continue
            if {unit, to} == {"sides", "transfer"}:
                continue
            if (str(path.relative_to(ROOT)), to) in TURNED_ROUND:
                turned_round.add((str(path.relative_to(ROOT)), to))
                continue
            found.append(f"{path.relative_to(ROOT)}:{line} imports {module}, which may not lie below it")
    assert not found, "\n".join(found)
    assert turned_round == {row for row in TURNED_ROUND if inside(row[0].replace("/", "."), package)}, "a stale row"


def test_files_are_nobody_s_business_before_they_are_asked_for(loaded):
    assert "torch_layers.saving" not in loaded[0]


def test_layer_files_import_no_other_family_s_layers():
    layers = ROOT / "torch_layers" / "layers"
    families = {path.name for path in layers.iterdir() if path.is_dir()}
    found = {}
    for path in files("torch_layers/layers"):
        family = path.relative_to(layers).parts[0]
        for line, module in imports(path):
            parts = module.split(".")
            if parts[:2] == ["torch_layers", "layers"] and len(parts) > 2 and parts[2] in families - {family}:
                found[str(path.relative_to(layers)), module] = line
    unknown = [
        f"{file}:{line} imports {module}" for (file, module), line in found.items() if (file, module) not in BUILT_FROM
    ]
    assert not unknown, "built from it? say so in BUILT_FROM:\n" + "\n".join(unknown)
    assert set(BUILT_FROM) <= set(found), "a row of BUILT_FROM matches nothing"


def test_frameworks_are_named_inside_parity_sides_alone():
    found = []
    for path in files("parity"):
        unit = unit_of(module_of(path))
        for line, module in imports(path):
            framework = inside(module, *FRAMEWORKS) and unit != "sides"
            torch = inside(module, "torch") and unit not in TORCH_USERS
            if framework or torch or (unit in DATA and inside(module, "torch_layers")):
                found.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not found, "\n".join(found)


def test_judging_loads_no_framework():
    # `report` counts by the names of cases, which ask torch_layers' registry for the nearest one.
    [found] = loaded_after("\n".join(f"import parity.{name}" for name in DATA if name != "report"))
    assert "parity.judge" in found
    assert not found & {*FRAMEWORKS, "torch", "torch_layers"}


def test_parity_loads_no_keras_before_a_side_asks(loaded):
    assert "parity.sides.keras" in loaded[2]
    assert not loaded[2] & {*FRAMEWORKS}


# --- size and cost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["torch_layers", "parity"])
def test_files_are_short(package):
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files(package)}
    assert not {name: length for name, length in lengths.items() if length > 450}


def test_import_costs_little_beyond_torch():
    # Processor time, which other work on the machine does not stretch; one of three tries, for a cold cache. Here it is
    # 0.05 s: the rest is slack for slow machines.
    code = "import time, torch\nstart = time.process_time()\nimport torch_layers\nprint(time.process_time() - start)"
    assert any(float(run_python(code)) < 0.3 for _ in range(3))


# --- names ---------------------------------------------------------------------------------------------------------


def public_modules() -> list[ModuleType]:
    names = [f"torch_layers{name}" for name in PUBLIC if name != ".saving" or _is_module("torch_layers.saving")]
    return [importlib.import_module(name) for name in names]


@pytest.mark.parametrize("module", public_modules(), ids=lambda module: module.__name__)
def test_all_is_sorted_and_complete(module):
    listed = list(module.__all__)
    assert listed == sorted(set(listed))
    defined = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(thing) or inspect.isfunction(thing))
        and inside(thing.__module__, module.__name__)
    }
    assert defined <= set(listed), "public, but not in __all__"
    assert all(hasattr(module, name) for name in listed)


def test_top_level_has_every_layer_and_public_module():
    assert set(torch_layers.layers.__all__) <= set(torch_layers.__all__)
    modules = {module.__name__.removeprefix("torch_layers.") for module in public_modules()[1:]}
    assert modules <= set(torch_layers.__all__)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(AttributeError, match=r"torch_layers has no 'Dens' \(did you mean 'Dense'\?\)"):
        _ = torch_layers.Dens


# --- what leaves the workplace -------------------------------------------------------------------------------------


def test_no_file_names_a_place_of_one_machine():
    place = re.compile(r"(?<![\w./-])(?:/(?:work|opt|home|root|Users|mnt)/|\.\./shared)")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = listed.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.glob("*.*") if path.is_file()]
    found = []
    for name in names:
        path = ROOT / name
        if path == Path(__file__).resolve() or not path.is_file():
            continue
        lines = path.read_text(errors="ignore").splitlines()
        found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if place.search(line)]
    assert not found, "\n".join(found)
