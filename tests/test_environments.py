"""Tox runs every test: what its environment "tests" leaves out is a part of what "torch" runs."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from tests.conftest import needs_torch_alone

ROOT = Path(__file__).parents[1]


def pytest_of(environment: str) -> str:
    """Return what pytest is given in an environment of tox."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    [command] = (
        line.removeprefix(f"{environment}: pytest ")
        for line in tox["testenv"]["commands"].splitlines()
        if line.startswith(f"{environment}: pytest ")
    )
    return command


def test_each_environment_selects_by_marks_alone():
    assert pytest_of("torch").startswith('tests/torch_layers -m "not keras" -n 2')
    assert pytest_of("tests").startswith('tests -m "not torch_alone" -n 2')


@pytest.mark.parametrize(
    ("file", "alone"),
    [
        ("torch_layers/test_contract.py", True),
        ("torch_layers/graph/test_against_keras.py", False),  # is skipped where Keras is missing
        ("parity/test_judge.py", False),
        ("test_environments.py", False),
    ],
)
def test_torch_alone_are_tests_of_torch_layers_that_no_missing_package_skips(file: str, alone: bool):
    assert needs_torch_alone(ROOT / "tests" / file) is alone


def test_this_test_is_left_to_the_environment_of_all_others(request: pytest.FixtureRequest):
    assert request.node.get_closest_marker("torch_alone") is None
