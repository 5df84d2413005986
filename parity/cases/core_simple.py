"""Cases of the core layers without weights of their own, and functions of theirs that any framework's tensors take."""

from typing import Any

from parity.case import Case, Object, integers, mask, values


def quadruple(x: Any) -> Any:
    return x * 4


def shifted(x: Any, by: float, times: float = 1.0) -> Any:
    return x * times + by


def by_mask(x: Any, mask: Any = None) -> Any:
    return x if mask is None else x * 3


def by_mode(x: Any, training: bool = False) -> Any:
    return x * 5 if training else x


def by_both(x: Any, factor: float, mask: Any = None, training: bool = False) -> Any:
    return x * (factor + (mask is not None) + 2 * bool(training))


def first_of_two(pair: Any) -> Any:
    return pair[0] * 2 - pair[1]


def both_ways(x: Any) -> Any:
    return [x * 2, x[1:] - 1]


def as_it_was(inputs: Any, mask: Any) -> Any:
    return mask


def all_but_first(inputs: Any, mask: Any) -> Any:
    return None if mask is None else mask[:, 1:]


def shape_of(shape: Any) -> Any:
    return shape


_IDENTITY = [
    Case("Identity", {}, [(2, 3, 4)]),
    Case("Identity", {}, [()]),
    Case("Identity", {}, [(5,)]),
    Case("Identity", {}, [(2, 1, 3, 4, 5)]),
    Case("Identity", {}, [(0, 5)]),
    Case("Identity", {}, [[(2, 3), (4, 5)]], why="a list of tensors"),
    Case("Identity", {}, [integers(2, 5, high=9)]),
    Case("Identity", {}, [mask(2, 5)]),
    Case("Identity", {}, [(2, 3, 4)], masks=[mask(2, 3)]),
    Case("Identity", {"activity_regularizer": "l1"}, [(2, 3)]),
    Case("Identity", {"dtype": "float16", "name": "same", "trainable": False}, [(2, 3)], why="floats are cast"),
]

# Steps that are all 0, partly 0, all -0.0; all 2, partly 2.
_STEPS = values([[[0.0, 0.0], [0.0, 1.5], [-0.0, 0.0], [2.0, 2.0]], [[2.0, 0.0], [-3.5, 4.0], [0.0, 0.0], [2.0, -2.0]]])
_NAN = values([[[float("nan"), float("nan")], [0.0, 0.0], [float("nan"), 0.0], [float("inf"), float("inf")]]])
_MASKING = [
    Case("Masking", {}, [_STEPS]),
    Case("Masking", {"mask_value": 2.0}, [_STEPS]),
    Case("Masking", {"mask_value": 2}, [_STEPS]),
    Case("Masking", {"mask_value": -1.0}, [_STEPS], why="nothing equals it"),
    Case("Masking", {"mask_value": 0.1}, [values([[[0.1, 0.1], [0.1, 0.2]]])], why="0.1 of the input's dtype"),
    Case("Masking", {"mask_value": 0.1}, [values([[[0.1, 0.1], [0.1, 0.2]]])], dtype="float16"),
    Case("Masking", {"mask_value": 0.1}, [values([[[0.1, 0.1], [0.1, 0.2]]])], dtype="float64"),
    Case("Masking", {"mask_value": float("nan")}, [_NAN], why="NaN equals nothing: nothing is masked"),
    Case("Masking", {"mask_value": float("inf")}, [_NAN]),
    Case("Masking", {}, [_NAN]),
    Case("Masking", {"mask_value": values([2.0, 0.0])}, [_STEPS], why="a value per feature"),
    Case("Masking", {}, [(2, 3, 4)]),
    Case("Masking", {}, [values([[0.0, 0.0], [0.0, 1.0]])], why="rank 2: a mask of the batch"),
    Case("Masking", {}, [values([0.0, 1.0])]),
    Case("Masking", {}, [values([[[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]])], why="rank 4"),
    Case("Masking", {}, [(0, 3, 4)]),
    Case("Masking", {}, [(2, 0, 4)]),
    Case("Masking", {}, [(2, 3, 0)], why="steps without features are masked"),
    Case("Masking", {}, [values([[[0, 0], [0, 3], [2, 2]]], "int32")]),
    Case("Masking", {"mask_value": 2}, [values([[[0, 0], [0, 3], [2, 2]]], "int8")]),
    Case("Masking", {"mask_value": 0.5}, [values([[[0, 0], [0, 3], [2, 2]]], "int32")], why="no integer equals it"),
    Case("Masking", {}, [_STEPS], masks=[mask(2, 4)], why="a mask of the input is replaced"),
    Case("Masking", {"activity_regularizer": "l2"}, [_STEPS]),
    Case("Masking", {}, [()], raises=True),
]

_LAMBDA = [
    Case("Lambda", {"function": quadruple}, [(2, 3, 4)]),
    Case("Lambda", {"function": shifted, "arguments": {"by": 0.25, "times": -3.0}}, [(2, 5)]),
    Case("Lambda", {"function": shifted, "arguments": {"by": 2.0}}, [(0, 5)]),
    Case("Lambda", {"function": quadruple, "output_shape": (4,)}, [(2, 4)]),
    Case("Lambda", {"function": quadruple, "output_shape": shape_of}, [(2, 4)]),
    Case("Lambda", {"function": by_mask}, [(2, 3)]),
    Case("Lambda", {"function": by_mask, "mask": as_it_was}, [(2, 3, 4)], masks=[mask(2, 3)]),
    Case("Lambda", {"function": by_mask}, [(2, 3, 4)], masks=[mask(2, 3)], why="without `mask` a mask stops here"),
    Case("Lambda", {"function": quadruple, "mask": all_but_first}, [(2, 3, 4)], masks=[mask(2, 3)]),
    Case("Lambda", {"function": quadruple, "mask": all_but_first}, [(2, 3, 4)]),
    Case("Lambda", {"function": quadruple, "mask": mask(2, 3)}, [(2, 3, 4)], why="one mask, whatever comes in"),
    Case("Lambda", {"function": by_mode}, [(2, 3)]),
    Case("Lambda", {"function": by_mode}, [(2, 3)], training=True),
    Case("Lambda", {"function": by_both, "arguments": {"factor": 7.0}}, [(2, 3)], masks=[mask(2)], training=True),
    Case("Lambda", {"function": first_of_two}, [[(2, 3), (2, 1)]], why="a list of inputs"),
    Case("Lambda", {"function": both_ways}, [(2, 3)], why="a list of outputs"),
    Case("Lambda", {"function": quadruple}, [integers(2, 3, high=9)]),
    Case("Lambda", {"function": quadruple, "activity_regularizer": "l2"}, [(2, 3)]),
    Case("Lambda", {"function": quadruple, "dtype": "float16"}, [(2, 3)]),
    Case("Lambda", {"function": shifted}, [(2, 5)], raises=True, why="an argument is missing"),
    Case("Lambda", {"function": 3}, [(2, 5)], raises=True),
]

_WRAPPER = [
    Case("Wrapper", {"layer": Object("layer", "Dense", {"units": 3})}, [(2, 5)], raises=True, why="it only is a base"),
    Case("Wrapper", {"layer": 3}, [(2, 5)], raises=True),
]

CASES = [*_IDENTITY, *_MASKING, *_LAMBDA, *_WRAPPER]
