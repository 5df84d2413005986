"""The judge knows no framework: it is shown records, and must see each kind of difference by the gate that is for it."""

import numpy as np
import pytest

from parity.judge import Verdict, judge
from parity.record import Record, Value

RNG = np.random.default_rng(0)
TRUTH = RNG.standard_normal((3, 5))


def record(array=TRUTH, dtype="float64", what="output 0"):
    return Record({what: Value.of(np.asarray(array).astype(dtype))})


def verdict(actual64=TRUTH, actual32=TRUTH, reference32=TRUTH, what="output 0"):
    return judge(
        record(what=what),
        record(actual64, what=what),
        record(reference32, "float32", what),
        record(actual32, "float32", what),
    )


def gates(found: Verdict) -> set[str]:
    return {check.gate for check in found.failures}


def test_equal_records_are_equal():
    assert verdict().equal


def test_semantics_sees_what_float32_would_hide():
    assert gates(verdict(actual64=TRUTH + 3e-9, actual32=TRUTH)) == {"semantics"}


def test_accuracy_compares_with_the_reference_own_error():
    own = TRUTH + 1e-5
    assert verdict(reference32=own, actual32=TRUTH - 1.5e-5).equal
    assert gates(verdict(reference32=own, actual32=TRUTH - 3e-5)) == {"accuracy"}


def test_gradients_have_gates_of_their_own():
    found = verdict(TRUTH + 1, TRUTH + 1, what="gradient of input 0")
    assert gates(found) == {"semantics of gradients", "accuracy of gradients"}


def test_a_failure_says_where_how_much_and_both_values():
    actual = TRUTH.copy()
    actual[2, 3] += 0.5
    worst = verdict(actual64=actual).failures[0]
    assert worst.index == (2, 3)
    assert worst.error == pytest.approx(0.5)
    assert worst.actual - worst.expected == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda a: a[:, :4], "shape is"),
        (lambda a: np.where(a > 0, np.nan, a), "elements differ exactly"),
        (lambda a: np.where(a > 0, np.inf, a), "elements differ exactly"),
    ],
)
def test_structure_is_compared_exactly(change, note):
    found = judge(record(), record(change(TRUTH)), record(dtype="float32"), record(dtype="float32"))
    assert note in found.failures[0].note


def test_signs_of_infinities_matter():
    a, b = np.array([np.inf, -np.inf]), np.array([np.inf, np.inf])
    assert not judge(record(a), record(b), record(a), record(b)).equal
    assert judge(record(a), record(a), record(a), record(a)).equal


def test_dtypes_must_match():
    found = judge(record(), record(), record(dtype="float32"), record(dtype="float16"))
    assert any("dtype is float16, expected float32" in check.note for check in found.failures)


def test_integers_are_exact():
    a = np.array([1, 2, 3])
    found = judge(record(a, "int32"), record(a, "int32"), record(a, "int32"), record([1, 2, 4], "int32"))
    assert "is 4 at [2], expected 3" in found.failures[0].note


def test_a_value_that_only_one_side_has_is_a_difference():
    both = record()
    both.values["mask 0"] = Value.of(np.array([True]))
    assert not judge(both, record(), both, record()).equal
    assert not judge(record(), both, record(), both).equal


def test_one_side_that_raises_is_an_error():
    raised = Record(error="ValueError: no")
    assert "implementation raised ValueError: no" in (judge(record(), record(), record(), raised).error or "")


def test_both_raising_is_equal_only_where_the_case_says_so():
    raised, crashed = Record(error="ValueError: no"), Record(error="AttributeError: oops")
    assert judge(raised, raised, raised, raised, refusal=True).equal
    assert not judge(raised, raised, raised, raised).equal
    assert "raised AttributeError" in (judge(raised, crashed, raised, crashed, refusal=True).error or "")
    accepted = judge(record(), record(), record(), record(), refusal=True)
    assert accepted.error == "both sides accept what the case says they refuse"


def test_where_the_oracle_itself_was_narrow_only_its_rounding_is_asked():
    narrow = Record({"output 0": Value.of(TRUTH.astype(np.float32))})
    off = Record({"output 0": Value.of((TRUTH * (1 + 3e-7)).astype(np.float32))})
    assert judge(narrow, off, narrow, off).equal
    wrong = Record({"output 0": Value.of((TRUTH * (1 + 1e-4)).astype(np.float32))})
    assert not judge(narrow, wrong, narrow, wrong).equal


def test_samples_are_compared_as_distributions():
    a, b = RNG.standard_normal(4000), RNG.standard_normal(4000)
    assert judge(record(a), record(a), record(a), record(b), statistical=True).equal
    assert not judge(record(a), record(a), record(a), record(b * 1.3), statistical=True).equal


def test_samples_that_are_drawn_together_must_be_so_on_both_sides():
    once = (RNG.random((400, 1, 30)) < 0.5).astype(float)
    together, apart = np.broadcast_to(once, (400, 3, 30)), (RNG.random((400, 3, 30)) < 0.5).astype(float)
    again = np.broadcast_to(RNG.permutation(once), (400, 3, 30))
    assert judge(record(), record(), record(together), record(again), statistical=True).equal
    for a, b in ((together, apart), (apart, together)):
        assert gates(judge(record(), record(), record(a), record(b), statistical=True)) == {"structure"}


def test_rates_and_moments_of_samples_are_compared():
    values, kept = RNG.standard_normal(20000), RNG.random(20000)
    dropped = judge(record(), record(), record(values * (kept > 0.2)), record(values * (kept > 0.24)), statistical=True)
    assert [check.what for check in dropped.failures] == ["share of zeros of output 0"]
    moved = judge(record(), record(), record(values), record(values + 0.06), statistical=True)
    assert "mean of output 0" in [check.what for check in moved.failures]


def test_a_last_bit_of_a_value_that_many_samples_have_is_no_other_distribution():
    kept = RNG.random(20000) > 0.3
    a, b = (
        np.where(kept, 1.5, floor).astype(np.float32) for floor in (-0.7, np.nextafter(np.float32(-0.7), np.float32(0)))
    )
    assert judge(record(), record(), record(a, "float32"), record(b, "float32"), statistical=True).equal


def test_gradients_of_samples_must_be_0_where_the_output_is():
    kept = (RNG.random((2, 20000)) > 0.3).astype(float)
    values = RNG.standard_normal(20000)

    def both(output, gradient):
        return Record({"output 0": Value.of(output), "gradient of input 0": Value.of(gradient)})

    right, wrong = both(kept[0], values * kept[0]), both(kept[0], values * kept[1])
    assert judge(right, right, both(kept[1], values * kept[1]), right, statistical=True).equal
    assert gates(judge(right, right, right, wrong, statistical=True)) == {"structure"}
