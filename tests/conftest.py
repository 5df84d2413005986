"""What all tests share: versions in the header, the pretended accelerator, one thread."""

from __future__ import annotations

import importlib.metadata

import pytest
import torch

import tests.devices  # noqa: F401

VERSIONS = ("torch", "numpy", "einops", "keras", "tensorflow-cpu", "tf-keras")


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"


def pytest_report_header() -> list[str]:
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    return [", ".join(map(_version, VERSIONS)), f"{cuda}, {torch.get_num_threads()} threads"]


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    # Not torch.manual_seed, which for each kind of device that isn't there writes down the whole stack, each time.
    torch.default_generator.manual_seed(0)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(0)
