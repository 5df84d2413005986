"""Cases of the constraints: projections of weights in Keras's layout."""

from parity.case import Case, each, normal, values

_SIGNED = values([[0.0, -0.0, 1.5], [-2.0, 1e-8, 3.0], [-1e-8, 6.0, -0.5]])
_AXES = (
    ((5, 4), 0),
    ((5, 4), 1),
    ((5, 4), -1),
    ((7,), 0),
    ((3, 2, 4, 5), [0, 1, 2]),
    ((3, 2, 4, 5), (1, 3)),
    ((2, 3, 1, 4, 5), [0, 1, 2, 3]),
    ((4, 0), 0),
)

CASES = list(
    each(
        [
            Case("Constraint", {}, [(3, 5)], why="the base changes nothing"),
            Case("MaxNorm", {}, [normal(6, 5, scale=1.5)], why="norms on both sides of 2"),
            Case("MaxNorm", {"max_value": 0.3}, [(4, 5)]),
            Case("MaxNorm", {"max_value": 3}, [normal(4, 5, scale=100.0)]),
            Case("MaxNorm", {"max_value": 1.0}, [normal(4, 5, scale=1e-5)], why="1e-7 beside a small norm shrinks it"),
            Case("MaxNorm", {"max_value": 0.0}, [(3, 5)]),
            *(Case("MaxNorm", {"max_value": 1.25, "axis": axis}, [shape]) for shape, axis in _AXES),
            Case("UnitNorm", {}, [(6, 5)]),
            Case("UnitNorm", {}, [normal(4, 5, scale=100.0)]),
            Case("UnitNorm", {}, [normal(4, 5, scale=1e-5)], why="1e-7 beside a small norm keeps it below 1"),
            *(Case("UnitNorm", {"axis": axis}, [shape]) for shape, axis in _AXES[1:]),
            Case("NonNeg", {}, [(6, 5)]),
            Case("NonNeg", {}, [_SIGNED]),
            *(Case("NonNeg", {}, [shape]) for shape in ((), (4,), (2, 3, 1, 4), (0, 3))),
            Case("MinMaxNorm", {"min_value": 0.5, "max_value": 2.0}, [normal(3, 8)], why="norms on both sides"),
            Case("MinMaxNorm", {}, [(3, 5)]),
            Case("MinMaxNorm", {"min_value": 3.0, "max_value": 5.0}, [(3, 5)]),
            Case("MinMaxNorm", {"min_value": 0.5, "max_value": 2.0, "rate": 0.25}, [normal(3, 8, scale=2.0)]),
            Case("MinMaxNorm", {"rate": 0.0}, [normal(3, 8, scale=2.0)]),
            Case("MinMaxNorm", {"rate": 1.5}, [normal(3, 8, scale=2.0)], why="more than the whole way"),
            *(
                Case("MinMaxNorm", {"min_value": 1.0, "max_value": 1.5, "rate": 0.3, "axis": axis}, [shape])
                for shape, axis in _AXES
            ),
            Case("MaxNorm", {"axis": 2}, [(3, 5)], raises=True),
            Case("UnitNorm", {"axis": 2}, [(3, 5)], raises=True),
            Case("MinMaxNorm", {"axis": 2}, [(3, 5)], raises=True),
        ],
        kind="constraint",
    )
)
