"""What all tests share: versions in the header, the pretended accelerator, one thread, what torch alone can run."""

from __future__ import annotations

import gc
import importlib.metadata
import re
import sys
from collections.abc import Generator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Until the tests are collected: what is imported stays, and to look for garbage in it takes a third of the time.
gc.disable()

import pytest  # noqa: E402
import torch  # noqa: E402

import tests.devices  # noqa: E402, F401

VERSIONS = ("torch", "numpy", "einops", "keras", "tensorflow-cpu", "tf-keras")


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"


def pytest_report_header() -> list[str]:
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    return [", ".join(map(_version, VERSIONS)), f"{cuda}, {torch.get_num_threads()} threads"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # To collect thousands of tests, all of which `-m` deselects, takes seconds.
    if config.option.markexpr == "not torch_alone" and collection_path.name.startswith("test_"):
        marked = re.search(r"mark\.(keras|needs)\b", collection_path.read_text())
        return True if needs_torch_alone(collection_path) and not marked else None
    return None


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        needs = item.get_closest_marker("needs")
        missing = [package for package in needs.args if find_spec(package) is None] if needs else []
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))
        if needs is None and item.get_closest_marker("keras") is None and needs_torch_alone(item.path):
            item.add_marker("torch_alone")
    # They take longest: begun last, one process would wait for the other.
    items.sort(key=lambda item: "hostile" not in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    collected = yield
    _freeze()
    gc.enable()
    return collected


@pytest.fixture(autouse=True, scope="module")
def _frozen() -> None:
    _freeze()


def _freeze() -> None:
    # Keras collects garbage each time a weight is deleted: what the frameworks and other tests hold takes half a second to
    # go through.
    gc.collect()
    gc.freeze()


@cache
def needs_torch_alone(path: Path) -> bool:
    """Tell whether the tests of a file can't be skipped for a missing package, but for those marked `keras` or `needs`."""
    return Path(__file__).with_name("torch_layers") in path.parents and "importorskip" not in path.read_text()


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    # Not torch.manual_seed, which for each kind of device that isn't there writes down the whole stack, each time.
    torch.default_generator.manual_seed(0)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(0)


@pytest.fixture(autouse=True)
def _guards_are_not_timed() -> None:
    # torch times the guards of all that it compiles, once, for a log, and empties the processor's cache before that.
    if guards := sys.modules.get("torch._dynamo.guards"):
        guards.profile_guard_manager = lambda *_: 0.0
