"""Cases of Cropping1D to 3D and ZeroPadding1D to 3D."""

from __future__ import annotations

from typing import Any

from parity.case import Case, integers, mask

# Sizes in which whatever is swapped shows: of axes, of both ends, of channels and the rest.
_LAST = {1: (2, 7, 3), 2: (2, 7, 8, 3), 3: (2, 7, 8, 9, 3)}
_FIRST = {1: (2, 3, 7), 2: (2, 3, 7, 8), 3: (2, 3, 7, 8, 9)}
# Which ends are left alone decides how Keras slices.
_EDGES: dict[int, list[Any]] = {
    1: [0, 1, 2, (0, 0), (1, 2), (3, 0), [0, 2]],
    2: [
        *(0, 1, (2, 1), [0, 3]),
        *(((1, 2), (3, 0)), ((0, 1), (0, 2)), ((2, 0), (1, 1)), ((3, 0), (2, 0)), [[1, 0], [0, 3]]),
        *((1, (0, 2)), ((2, 0), 1)),
    ],
    3: [
        *(0, 1, (2, 1, 3), [0, 3, 1]),
        *(((1, 2), (3, 0), (0, 2)), ((2, 0), (1, 0), (3, 0)), ((0, 0), (0, 0), (1, 3)), ((0, 3), (2, 0), (1, 0))),
        *(((1, 0), (0, 4), (2, 0)), ((1, 0), (3, 1), (2, 1)), ((2, 1), (0, 0), (1, 2)), ((1, 2), (2, 2), (4, 0))),
        *([1, (0, 2), [3, 1]], ((0, 2), 1, 0)),
    ],
}
_REFUSED: dict[int, list[Any]] = {
    1: [-1, (1, -2), (1, 2, 3), (1,), None, ((1, 2), 1), "1"],
    2: [-1, (-1, 1), ((1, -1), 0), (1, 2, 3), (1,), ((1, 2, 3), 1), None, 1.5, "12"],
    3: [-1, (-1, 1, 1), (0, (1, -1), 0), (1, 2), (1, 2, 3, 4), ((1, 2, 3), 1, 1), None, 1.5, "123"],
}
# What is left over, in the names of the arguments.
_NAMES = {"Cropping": "cropping", "ZeroPadding": "padding"}


def _edges(kind: str, edges: Any, **config: Any) -> dict[str, Any]:
    return {_NAMES[kind]: edges, **config}


def _cases(kind: str, rank: int) -> list[Case]:
    name, last, first = f"{kind}{rank}D", _LAST[rank], _FIRST[rank]
    asymmetric: Any = [(1, 2), (2, 0), (0, 3)][:rank] if rank > 1 else (3, 1)
    takes_format = name != "Cropping1D"
    return [
        Case(name, _edges(kind, asymmetric), [last], why="both ends and all axes differ"),
        Case(name, {}, [last], why="the default"),
        *(Case(name, _edges(kind, edges), [last]) for edges in _EDGES[rank]),
        *(
            Case(name, _edges(kind, edges, data_format="channels_first"), [first], why="the channels stay on axis 1")
            for edges in _EDGES[rank]
            if takes_format
        ),
        *(
            Case(name, {"data_format": data_format}, [last])
            for data_format in ("channels_last", "Channels_First", None)
            if takes_format
        ),
        Case(name, _edges(kind, asymmetric), [(0, *last[1:])], why="an empty batch"),
        Case(name, _edges(kind, asymmetric), [(*last[:-1], 0)], why="no channels"),
        Case(name, _edges(kind, asymmetric), [(1, *(sum(_pair(e)) + 1 for e in _all(asymmetric, rank)), 1)]),
        *(Case(name, _edges(kind, asymmetric), [integers(*last, high=9, dtype=dtype)]) for dtype in ("int32", "uint8")),
        Case(name, _edges(kind, asymmetric), [mask(*last)], why="booleans"),
        Case(name, _edges(kind, asymmetric), [last], masks=[mask(*last[:2])], why="a mask stops here"),
        Case(name, _edges(kind, 1, activity_regularizer="l1"), [last]),
        Case(name, _edges(kind, 1, name="edges", trainable=False, dtype="mixed_float16"), [last]),
        *(Case(name, _edges(kind, edges), [last], raises=True) for edges in _REFUSED[rank]),
        Case(name, {}, [last[:-1]], raises=True, why="an axis too few"),
        Case(name, {}, [(*last, 2)], raises=True, why="an axis too many"),
        *(Case(name, {"data_format": value}, [last], raises=True) for value in ("last", 1) if takes_format),
    ]


def _pair(edges: Any) -> tuple[int, int]:
    return (edges, edges) if isinstance(edges, int) else edges


def _all(edges: Any, rank: int) -> list[Any]:
    return [edges] if rank == 1 else list(edges)


_NOTHING_LEFT = [
    *(Case("Cropping1D", {"cropping": cropping}, [(2, 4, 3)], raises=True) for cropping in (2, 3, (4, 0), (0, 5))),
    *(
        Case("Cropping2D", {"cropping": cropping, "data_format": data_format}, [(2, 5, 4, 5)], raises=True)
        for data_format, cropping in (
            ("channels_last", ((0, 5), 0)),
            ("channels_last", (0, (3, 1))),
            ("channels_last", 3),
            ("channels_first", ((2, 2), 0)),
            ("channels_first", (0, (5, 0))),
        )
    ),
    *(
        Case("Cropping3D", {"cropping": cropping, "data_format": data_format}, [(2, 5, 4, 3, 5)], raises=True)
        for data_format, cropping in (
            ("channels_last", (3, 0, 0)),
            ("channels_last", (0, (4, 0), 0)),
            ("channels_last", (0, 0, (1, 2))),
            ("channels_first", (2, 0, 0)),
            ("channels_first", (0, 2, 0)),
            ("channels_first", (0, 0, 3)),
        )
    ),
    Case("Cropping2D", {"cropping": 2}, [(0, 4, 5, 3)], raises=True, why="also in an empty batch"),
]

CASES = [case for kind in _NAMES for rank in (1, 2, 3) for case in _cases(kind, rank)] + _NOTHING_LEFT
