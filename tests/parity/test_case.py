"""A case is data: its id is its content, and so are the numbers drawn for it."""

import subprocess
import sys

import numpy as np
import pytest

from parity import draw
from parity.case import Case, integers, mask, one_hot, probabilities, values
from parity.cases import all_cases, name_of, numbered, select

CASE = Case("Dense", {"units": 3, "activation": "relu"}, [(2, 5)], dtype="float16")


def test_the_id_reads_as_what_the_case_is():
    assert CASE.id == "Dense(units=3, activation='relu') (2x5) float16"


def test_ids_and_numbers_are_the_same_in_another_process():
    code = (
        "from parity.case import Case; from parity import draw;"
        f"c = Case('Dense', {dict(CASE.config)!r}, [(2, 5)], dtype='float16');"
        "print(c.id, draw.inputs(c, 'float16')[0].tobytes().hex())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == f"{CASE.id} {draw.inputs(CASE, 'float16')[0].tobytes().hex()}"


def test_a_float64_run_sees_the_numbers_of_the_narrow_run():
    narrow, wide = draw.inputs(CASE, "float16")[0], draw.inputs(CASE, "float64")[0]
    assert narrow.dtype == np.float16
    assert wide.dtype == np.float64
    assert np.array_equal(narrow.astype(np.float64), wide)


def test_weights_are_random_everywhere():
    named = [("kernel", (5, 3), "float32"), ("bias", (3,), "float32"), ("moving_variance", (3,), "float32")]
    kernel, bias, variance = draw.weights(CASE, named, "float32")
    assert np.unique(kernel).size == 15
    assert np.all(bias != 0)
    assert np.all(variance > 0.1)


@pytest.mark.parametrize(
    ("spec", "holds"),
    [
        (probabilities(3, 4), lambda a: np.allclose(a.sum(-1), 1)),
        (one_hot(3, 4, axis=0), lambda a: np.array_equal(a.sum(0), np.ones(4))),
        (mask(2, 3), lambda a: a.dtype == bool and a.any() and not a.all()),
        (integers(50, high=4, low=-2), lambda a: a.dtype == np.int32 and a.min() == -2 and a.max() == 3),
        (values([[1.0, -0.0]]), lambda a: a.shape == (1, 2)),
    ],
)
def test_arrays_are_what_their_spec_says(spec, holds):
    assert holds(draw.inputs(Case("X", {}, [spec], dtype="float64"), "float64")[0])


def test_all_cases_have_ids_of_their_own_and_short_names():
    assert len({(case.kind, case.id) for case in all_cases()}) == len(all_cases()) == len(numbered())


def test_select_finds_names_patterns_and_numbers():
    assert {name_of(case) for case in select(["Dense"]).values()} == {"Dense"}
    assert list(select(["Dense#2"])) == ["Dense#2"]
    assert {case.dtype for case in select(["Dense"], ["bfloat16"]).values()} == {"bfloat16"}


def test_select_refuses_unknown_names_with_the_nearest():
    with pytest.raises(ValueError, match=r"called 'Dens' \(did you mean 'Dense'\?\)"):
        select(["Dens"])
    with pytest.raises(ValueError, match=r"dtype 'flaot32' is not one of .* \(did you mean 'float32'\?\)"):
        select([], ["flaot32"])
