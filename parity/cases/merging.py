"""Cases of the merging layers and their functions."""

from dataclasses import replace

from parity.case import Case, integers, mask, normal, values

_FOLDS = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
_MANY = tuple(name for name in _FOLDS if name != "Subtract")
# Two inputs: each kind of thing that all of these layers do alike.
_PAIRS = [
    Case("", {}, [[(2, 5), (2, 5)]]),
    Case("", {}, [[(3,), (3,)]], why="rank 1: rows of a matrix, as the seed's notebook merges them"),
    Case("", {}, [[(), ()]], why="scalars have no batch axis"),
    Case("", {}, [[(2, 3, 5), (2, 3, 5)]]),
    Case("", {}, [[(2, 3, 4, 5), (2, 3, 4, 5)]]),
    Case("", {}, [[(2, 3, 4, 1, 5), (2, 3, 4, 1, 5)]]),
    Case("", {}, [[(1, 3, 5), (1, 3, 1)]], why="a size of 1 broadcasts"),
    Case("", {}, [[(3, 1, 5), (3, 4, 1)]], why="both broadcast"),
    Case("", {}, [[(2, 3, 5), (2, 5)]], why="a lower rank gets axes behind the batch axis, not before it"),
    Case("", {}, [[(2, 4), (2, 6, 5, 4)]], why="the first has the lower rank"),
    Case("", {}, [[integers(2, 5, low=-9, high=9), integers(2, 5, low=-9, high=9)]], why="integers stay integers"),
    Case("", {}, [[integers(2, 5, low=-9, high=9), (2, 5)]], why="an integer and a float make a float"),
    Case("", {}, [[integers(2, 5, high=99, dtype="int8"), integers(2, 5, high=9, dtype="int64")]]),
    Case("", {}, [[integers(2, 5, high=9, dtype="uint8"), mask(2, 5)]], why="booleans count as 0 and 1"),
    Case("", {}, [[normal(2, 5, scale=1e30), normal(2, 5, scale=1e-30)]], why="large and tiny"),
    Case("", {}, [[values([[1.0, -2.0, 0.0]], "float64"), (1, 3)]], why="the compute dtype, whatever float comes in"),
    Case("", {}, [[(2, 3, 5), (2, 3, 5)]], masks=[[mask(2, 3), mask(2, 3)]]),
    Case("", {}, [[(2, 3, 5), (2, 3, 5)]], masks=[[mask(2, 3), None]], why="one mask is no mask of the output"),
    Case("", {}, [[(2, 3, 5), (2, 3, 5)]], masks=[[None, mask(2, 3)]]),
    Case("", {}, [[(2, 3, 5), (2, 1, 5)]], masks=[[mask(2, 3), mask(2, 1)]], why="masks broadcast with their inputs"),
    Case("", {}, [[(2, 3, 4, 5), (2, 3, 4, 5)]], masks=[[mask(2, 3, 4), mask(2, 3, 4)]]),
    Case("", {"activity_regularizer": "l2"}, [[(4, 5), (4, 5)]], why="penalties are divided by the batch size"),
    Case("", {"trainable": False, "name": "mine"}, [[(2, 3), (2, 3)]]),
    Case("", {"dtype": "float16"}, [[(2, 3), (2, 3)]]),
    Case("", {"autocast": False}, [[(2, 3), (2, 3)]]),
    Case("", {}, [(2, 5)], raises=True, why="a tensor is not a list of tensors"),
    Case("", {}, [[(2, 5), (2, 4)]], raises=True),
    Case("", {}, [[(2, 5), (1, 5)]], raises=True, why="the batch axis doesn't broadcast"),
    Case("", {}, [[(2, 3, 5), (2, 3)]], raises=True),
    Case("", {}, [[(2, 5), ()]], raises=True),
]
# Lists of other lengths.
_LISTS = [
    Case("", {}, [[(2, 5)]], why="a list of one"),
    Case("", {}, [[(2, 5), (2, 5), (2, 5)]]),
    Case("", {}, [[(2, 5), (2, 3, 5), (2, 5, 3, 5), (2, 5)]], why="four ranks"),
    Case("", {}, [[integers(2, 5, high=9), integers(2, 5, high=9), integers(2, 5, high=9)]]),
    Case("", {}, [[(2, 3, 5), (2, 3, 5), (2, 3, 5)]], masks=[[mask(2, 3), mask(2, 3), mask(2, 3)]]),
    Case("", {}, [[(2, 3, 5), (2, 3, 5), (2, 3, 5)]], masks=[[mask(2, 3), None, mask(2, 3)]]),
    Case("", {}, [[(2, 3, 5), (2, 3, 5), (2, 3, 5)]], masks=[[None, mask(2, 3), mask(2, 3)]]),
    Case("", {}, [[(3, 4, 5), (3, 5)]], masks=[[mask(3, 4), None]]),
    Case(
        "",
        {},
        [[(3, 4, 5), (3, 5), (3, 4, 5)]],
        masks=[[mask(3, 4), mask(3), None]],
        why="the lower rank's mask is lost",
    ),
]
_TIES = values([[1.0, 1.0, -2.0, 0.0, 0.0, 3.0]])
_KINKS = [
    Case(
        "Maximum", {}, [[_TIES, values([[1.0, 2.0, -2.0, 0.0, -0.0, 3.0]])]], why="ties: the first takes the gradient"
    ),
    Case(
        "Minimum", {}, [[_TIES, values([[1.0, 2.0, -2.0, 0.0, -0.0, 3.0]])]], why="ties: the first takes the gradient"
    ),
    Case("Maximum", {}, [[_TIES, _TIES, _TIES]], why="ties of three"),
    Case("Minimum", {}, [[_TIES, _TIES, _TIES]], why="ties of three"),
    *(
        Case(name, {}, [[values([[1.0, float("nan"), 3.0, float("inf")]]), values([[float("nan"), 2.0, 3.0, 1.0]])]])
        for name in ("Maximum", "Minimum")
    ),
    Case("Multiply", {}, [[values([[0.0, -0.0, float("inf")]]), values([[0.0, 5.0, 2.0]])]]),
]
_CONCATENATE = [
    Case("Concatenate", {}, [[(2, 3, 5), (2, 3, 4)]]),
    Case("Concatenate", {"axis": 1}, [[(2, 3, 5), (2, 4, 5), (2, 1, 5)]]),
    Case("Concatenate", {"axis": -2}, [[(2, 3, 5), (2, 4, 5)]]),
    Case("Concatenate", {"axis": 0}, [[(2, 3), (4, 3)]], why="the batch axis"),
    Case("Concatenate", {"axis": 0}, [[(3,), (3,), (3,)]], why="rows of a matrix, as the seed's notebook does"),
    Case("Concatenate", {"axis": -1}, [[(3,), (5,)]]),
    Case("Concatenate", {"axis": 2}, [[(2, 3, 1, 4), (2, 3, 6, 4)]]),
    Case("Concatenate", {"axis": 4}, [[(2, 3, 1, 4, 5), (2, 3, 1, 4, 6)]]),
    Case("Concatenate", {"axis": 1}, [[(2, 0, 5), (2, 4, 5)]], why="an empty part"),
    Case("Concatenate", {}, [[(0, 5), (0, 4)]], why="empty batch"),
    Case("Concatenate", {}, [[(1, 1), (1, 1)]]),
    Case("Concatenate", {}, [[(2, 5)]], why="a list of one"),
    Case("Concatenate", {}, [[integers(2, 3, high=9), (2, 5)]], why="an integer and a float make a float"),
    Case("Concatenate", {}, [[integers(2, 3, high=9), integers(2, 5, high=9, dtype="int64")]]),
    Case("Concatenate", {}, [[mask(2, 3), mask(2, 5)]], why="booleans"),
    Case("Concatenate", {"axis": 1}, [[(2, 3, 5), (2, 4, 5)]], masks=[[mask(2, 3), mask(2, 4)]]),
    Case(
        "Concatenate", {"axis": 1}, [[(2, 3, 5), (2, 4, 5)]], masks=[[mask(2, 3), None]], why="no mask is all unmasked"
    ),
    Case("Concatenate", {"axis": -1}, [[(2, 3, 5), (2, 3, 4)]], masks=[[mask(2, 3), mask(2, 3)]]),
    Case("Concatenate", {"axis": -1}, [[(2, 3, 5), (2, 3, 4)]], masks=[[None, mask(2, 3)]]),
    Case(
        "Concatenate",
        {"axis": -2},
        [[(2, 3, 5), (2, 4, 5)]],
        masks=[[mask(2, 3, 5), mask(2, 4)]],
        why="mask of full rank",
    ),
    Case("Concatenate", {"axis": 0}, [[(2, 3, 5), (4, 3, 5)]], masks=[[mask(2, 3), mask(4, 3)]]),
    Case("Concatenate", {"activity_regularizer": "l1"}, [[(2, 3), (2, 4)]]),
    Case("Concatenate", {"axis": 1}, [[(2, 3), (4, 3)]], raises=True, why="batch sizes differ"),
    Case("Concatenate", {"axis": 1}, [[(2, 1, 5), (2, 3, 4)]], raises=True),
    Case("Concatenate", {"axis": 1}, [[(2, 3), (2, 3, 1)]], raises=True),
    Case("Concatenate", {"axis": 2}, [[(2, 3), (2, 3)]], raises=True),
    Case("Concatenate", {"axis": -3}, [[(2, 3), (2, 3)]], raises=True),
    Case("Concatenate", {"axis": 0.5}, [[(2, 3), (2, 3)]], raises=True),
    Case("Concatenate", {}, [(2, 3)], raises=True, why="a tensor is not a list of tensors"),
]
_DOT = [
    Case("Dot", {"axes": 1}, [[(2, 5), (2, 5)]], why="nothing is left: (batch, 1)"),
    Case("Dot", {"axes": -1}, [[(2, 3, 5), (2, 4, 5)]]),
    Case("Dot", {"axes": (1, 2)}, [[(2, 5, 3), (2, 4, 5)]]),
    Case("Dot", {"axes": [2, 1]}, [[(2, 3, 5), (2, 5, 4)]]),
    Case("Dot", {"axes": (-1, -2)}, [[(2, 3, 5), (2, 5, 4)]]),
    Case("Dot", {"axes": 1}, [[(2, 5, 3), (2, 5, 4)]]),
    Case("Dot", {"axes": (1, 2)}, [[(2, 5), (2, 3, 5)]], why="rank 2 with rank 3"),
    Case("Dot", {"axes": (2, 1)}, [[(2, 3, 5), (2, 5)]]),
    Case("Dot", {"axes": -1}, [[(2, 5), (2, 3, 4, 5)]], why="a negative int counts from the end of each"),
    Case("Dot", {"axes": (2, 3)}, [[(2, 3, 5, 4), (2, 6, 7, 5)]], why="rank 4: axes before and behind are left"),
    Case("Dot", {"axes": (1, 1)}, [[(2, 5, 3, 4), (2, 5, 6)]]),
    Case("Dot", {"axes": (3, 2)}, [[(2, 3, 1, 5, 4), (2, 6, 5, 7, 1)]]),
    Case("Dot", {"axes": 1}, [[(0, 5), (0, 5)]], why="empty batch"),
    Case("Dot", {"axes": (2, 2)}, [[(0, 3, 5), (0, 4, 5)]]),
    Case("Dot", {"axes": (2, 2)}, [[(0, 3, 5, 6), (0, 4, 5)]]),
    Case("Dot", {"axes": 1}, [[(1, 1), (1, 1)]]),
    Case("Dot", {"axes": 1}, [[integers(2, 5, low=-9, high=9), integers(2, 5, low=-9, high=9)]]),
    Case("Dot", {"axes": 1}, [[integers(2, 5, low=-9, high=9), (2, 5)]]),
    Case("Dot", {"axes": 1, "normalize": True}, [[(2, 5), (2, 5)]]),
    Case("Dot", {"axes": (1, 2), "normalize": True}, [[(2, 5, 3), (2, 4, 5)]]),
    Case("Dot", {"axes": -1, "normalize": True}, [[normal(2, 3, 5, scale=1e-3), normal(2, 4, 5, scale=1e3)]]),
    Case(
        "Dot",
        {"axes": 1, "normalize": True},
        [[values([[0.0, 0.0], [1e-9, 2e-9], [3e-8, -4e-8]]), (3, 2)]],
        why="norms of 0 and below 1e-7",
    ),
    Case("Dot", {"axes": 1}, [[(2, 3, 5), (2, 3, 4)]], masks=[[mask(2, 3), mask(2, 3)]], why="masks stop here"),
    Case("Dot", {"axes": 1, "activity_regularizer": "l2"}, [[(3, 5), (3, 5)]]),
    Case("Dot", {"axes": 0}, [[(2, 5), (2, 5)]], raises=True, why="the batch axis"),
    Case("Dot", {"axes": (1, 0)}, [[(5, 5), (5, 5)]], raises=True),
    Case("Dot", {"axes": 1}, [[(2, 5), (2, 4)]], raises=True),
    Case("Dot", {"axes": 1}, [[(2, 5), (1, 5)]], raises=True),
    Case("Dot", {"axes": 2}, [[(2, 5), (2, 5)]], raises=True),
    Case("Dot", {"axes": (1, -2)}, [[(5, 5), (5, 5)]], raises=True, why="-2 is the batch axis of a matrix"),
    Case("Dot", {"axes": 1}, [[(2, 5), (2, 5), (2, 5)]], raises=True),
    Case("Dot", {"axes": 1}, [[(2, 5)]], raises=True),
    Case("Dot", {"axes": (1, 2, 3)}, [[(2, 5), (2, 5)]], raises=True),
    Case("Dot", {"axes": "1"}, [[(2, 5), (2, 5)]], raises=True),
    Case("Dot", {"axes": -1}, [[(5,), (5,)]], raises=True, why="rank 1"),
]
_FUNCTIONS = [
    Case("add", {}, [[(2, 5), (2, 5), (2, 5)]]),
    Case("subtract", {}, [[(2, 5), (2, 5)]]),
    Case("multiply", {}, [[(2, 5), (2, 5), (2, 5)]]),
    Case("average", {}, [[(2, 5), (2, 5), (2, 5)]]),
    Case("maximum", {}, [[(2, 5), (2, 5), (2, 5)]]),
    Case("minimum", {}, [[(2, 5), (2, 5), (2, 5)]]),
    Case("concatenate", {}, [[(2, 3), (2, 5)]]),
    Case("concatenate", {"axis": 0}, [[(2, 3), (4, 3)]]),
    Case("dot", {}, [[(2, 3, 5), (2, 4, 5)]], why="axes is -1"),
    Case("dot", {"axes": (1, 2)}, [[(2, 5), (2, 3, 5)]]),
    *(Case(name, {}, [[(2, 5), (2, 4)]], raises=True) for name in ("add", "multiply", "average", "maximum", "minimum")),
]

CASES = [
    *(replace(case, name=name) for name in _FOLDS for case in _PAIRS),
    # Keras on TensorFlow adds no empty batches: it takes the second input for a bias.
    *(Case(name, {}, [[(0, 5), (0, 5)]], why="empty batch") for name in _FOLDS if name not in ("Add", "Average")),
    *(replace(case, name=name) for name in _MANY for case in _LISTS),
    Case("Subtract", {}, [[(2, 5)]], raises=True),
    Case("Subtract", {}, [[(2, 5), (2, 5), (2, 5)]], raises=True),
    *_KINKS,
    *_CONCATENATE,
    *_DOT,
    *(replace(case, kind="merge_function") for case in _FUNCTIONS),
]
