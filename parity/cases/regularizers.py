"""Cases of the regularizers: penalties of weights in Keras's layout."""

from parity.case import Case, each, normal, values

_ZEROS = values([[0.0, -0.0, 1.5], [-2.0, 0.0, 3.0]])
_NORMS = [
    *(
        case
        for name in ("L1", "L2", "L1L2")
        for case in (
            Case(name, {"l1": 0.25, "l2": 0.5} if name == "L1L2" else {name.lower(): 0.25}, [(3, 5)]),
            Case(name, {}, [(3, 5)]),
            Case(name, {}, [_ZEROS], why="the gradient at 0 is 0"),
        )
    ),
    *(Case("L1", {"l1": 0.25}, [shape]) for shape in ((), (4,), (2, 3, 1, 4, 5), (0, 3))),
    *(Case("L2", {"l2": 0.25}, [shape]) for shape in ((), (4,), (2, 3, 1, 4, 5), (0, 3))),
    Case("L1", {"l1": 0.1}, [(3, 5)], why="Keras keeps l1 as a float32"),
    Case("L1", {"l1": 0.0}, [(3, 5)]),
    Case("L1", {"l1": None}, [(3, 5)], why="the default"),
    Case("L1", {"l1": 2}, [normal(3, 5, scale=100.0)]),
    Case("L2", {"l2": 0.1}, [(3, 5)]),
    Case("L2", {"l2": 0.0}, [(3, 5)]),
    Case("L2", {"l2": None}, [(3, 5)]),
    Case("L2", {"l2": 2}, [normal(3, 5, scale=100.0)]),
    Case("L1L2", {"l1": 0.1}, [(3, 5)]),
    Case("L1L2", {"l2": 0.1}, [(3, 5)]),
    Case("L1L2", {"l1": None, "l2": None}, [(3, 5)]),
    Case("L1L2", {"l1": 0.5, "l2": 3.0}, [(2, 3, 4)]),
    *(Case("L1L2", {"l1": 0.5, "l2": 0.25}, [shape]) for shape in ((), (4,), (0, 3))),
    Case("L1", {"l1": -0.1}, [(3, 5)], raises=True),
    Case("L1", {"l1": "0.1"}, [(3, 5)], raises=True),
    Case("L2", {"l2": float("inf")}, [(3, 5)], raises=True),
    Case("L2", {"l2": float("nan")}, [(3, 5)], raises=True),
    Case("L1L2", {"l1": -1.0}, [(3, 5)], raises=True),
    Case("L1L2", {"l2": -1.0}, [(3, 5)], raises=True),
]
_ORTHOGONAL = [
    Case("OrthogonalRegularizer", {"factor": 0.25}, [(4, 5)]),
    Case("OrthogonalRegularizer", {}, [(4, 5)]),
    Case("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}, [(4, 5)]),
    Case("OrthogonalRegularizer", {"mode": "rows"}, [(7, 2)], why="more rows than can be orthogonal"),
    Case("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}, [(2, 7)]),
    Case("OrthogonalRegularizer", {"factor": 3.0}, [normal(3, 4, scale=100.0)]),
    Case("OrthogonalRegularizer", {}, [normal(3, 4, scale=0.001)]),
    Case("OrthogonalRegularizer", {"factor": 0.0}, [(3, 4)]),
    Case("OrthogonalRegularizer", {}, [(5,)], raises=True),
    Case("OrthogonalRegularizer", {}, [(2, 3, 4)], raises=True),
    Case("OrthogonalRegularizer", {"factor": -0.1}, [(3, 4)], raises=True),
    Case("OrthogonalRegularizer", {"mode": "diagonals"}, [(3, 4)], raises=True),
]

CASES = list(each([*_NORMS, *_ORTHOGONAL], kind="regularizer"))
