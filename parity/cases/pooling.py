"""Cases of the pooling layers."""

from itertools import product
from math import nan

from parity.case import Case, integers, mask, normal, values

_AXES = {1: (7,), 2: (7, 6), 3: (5, 4, 3)}


def _image(rank: int, first: bool = False) -> tuple[int, ...]:
    return (2, 3, *_AXES[rank]) if first else (2, *_AXES[rank], 3)


def _sweep(kind: str, rank: int) -> list[Case]:
    """Every pair of window, stride and padding over odd and even sizes."""
    name = f"{kind}Pooling{rank}D"
    windows = (
        product((1, 2, 3, 4), (1, 2, 3), ("valid", "same")) if rank < 3 else product((2, 3), (1, 2), ("valid", "same"))
    )
    return [
        Case(
            name,
            {"pool_size": size, "strides": strides, "padding": padding},
            [(2, *(n + more for n in _AXES[rank]), 3)],
        )
        for (size, strides, padding), more in product(windows, (0, 1) if rank < 3 else (0,))
        if size <= min(_AXES[rank])
    ]


def _pooling(kind: str, rank: int) -> list[Case]:
    name, shape = f"{kind}Pooling{rank}D", _image(rank)
    pairs, first = (4, 3, 2)[-rank:], _image(rank, first=True)
    return [
        Case(name, {"pool_size": 2}, [shape]),
        Case(name, {"pool_size": 2, "padding": "same"}, [shape], why="no zeros, and what is padded does not count"),
        Case(name, {"pool_size": pairs, "strides": pairs[::-1], "padding": "same"}, [shape]),
        Case(name, {"pool_size": 2, "data_format": "channels_first"}, [first]),
        Case(name, {"pool_size": 3, "strides": 2, "padding": "same", "data_format": "channels_first"}, [first]),
        Case(name, {"pool_size": 4, "strides": 1, "padding": "same"}, [(1, *(2,) * rank, 3)], why="larger than the input"),
        Case(name, {"pool_size": 2, "strides": 3, "padding": "same"}, [(2, *(1,) * rank, 3)], why="axes of size 1"),
        Case(name, {"pool_size": 2, "padding": "SAME", "data_format": "Channels_Last"}, [shape]),
        Case(name, {"pool_size": [2] * rank, "strides": [1] * rank}, [shape], why="lists are tuples"),
        Case(name, {"pool_size": pairs, "padding": "same"}, [shape], why="strides are pool_size, axis by axis"),
        Case(name, {"pool_size": pairs, "strides": pairs[::-1], "data_format": "channels_first"}, [first]),
        Case(name, {"pool_size": pairs, "padding": "same", "data_format": "channels_first"}, [first]),
        Case(name, {"pool_size": 2, "padding": "same"}, [(1, *_AXES[rank], 1)], why="one image of one channel"),
        Case(name, {"pool_size": 2, "padding": "same"}, [(0, *_AXES[rank], 3)], why="an empty batch"),
        Case(name, {"pool_size": 2}, [(0, *_AXES[rank], 3)]),
        Case(name, {"pool_size": 2}, [shape], masks=[mask(2, _AXES[rank][0])], why="a mask stops here"),
        Case(name, {"pool_size": 2, "padding": "same"}, [normal(*shape, scale=1e3)]),
        *(
            Case(name, {"pool_size": 3, "strides": 2, "padding": padding}, [shape], dtype=dtype)
            for padding in ("valid", "same")
            for dtype in ("float16", "bfloat16", "mixed_bfloat16")[rank == 3 :]  # TensorFlow lacks volumes in float16
        ),
        Case(name, {"pool_size": 2, "dtype": "float32", "trainable": False, "name": "pool"}, [shape]),
        Case(name, {"pool_size": 2, "activity_regularizer": "l2"}, [shape]),
        Case(name, {"pool_size": 2, "padding": "smae"}, [shape], raises=True),
        Case(name, {"pool_size": 2, "padding": "causal"}, [shape], raises=True),
        Case(name, {"pool_size": 0}, [shape], raises=True),
        Case(name, {"pool_size": 2.0}, [shape], raises=True),
        Case(name, {"pool_size": (2,) * (rank + 1)}, [shape], raises=True),
        Case(name, {"pool_size": 2, "strides": 0}, [shape], raises=True),
        Case(name, {"pool_size": 2, "strides": -1}, [shape], raises=True),
        Case(name, {"pool_size": 2, "data_format": "last"}, [shape], raises=True),
        Case(name, {"pool_size": 2}, [shape[:-1]], raises=True),
        *_sweep(kind, rank),
    ]  # fmt: skip


def _global(kind: str, rank: int) -> list[Case]:
    name, shape = f"Global{kind}Pooling{rank}D", _image(rank)
    return [
        Case(name, {}, [shape]),
        Case(name, {"keepdims": True}, [shape]),
        Case(name, {"data_format": "channels_first"}, [_image(rank, True)]),
        Case(name, {"data_format": "channels_first", "keepdims": True}, [_image(rank, True)]),
        *([Case(name, {}, [(0, *_AXES[rank], 3)])] if kind == "Average" else []),
        Case(name, {}, [(1, *(1,) * rank, 1)]),
        Case(name, {}, [(3, *(1,) * rank, 2)], why="axes of size 1"),
        Case(name, {"data_format": "Channels_First"}, [(1, 1, *_AXES[rank])]),
        *(
            Case(name, {"keepdims": keepdims}, [integers(*shape, high=9, dtype=of)], dtype=dtype)
            for keepdims, of, dtype in (
                (False, "int32", "float32"),
                (True, "uint8", "float16"),
                (False, "int64", "mixed_bfloat16"),
            )
        ),
        Case(name, {}, [mask(*shape)], why="booleans"),
        Case(name, {"name": "pool", "trainable": False, "activity_regularizer": "l1"}, [shape]),
        Case(name, {}, [normal(*shape, scale=1e4)]),
        Case(name, {"data_format": "last"}, [shape], raises=True),
        Case(name, {}, [shape[:-1]], raises=True),
    ]


def _adaptive(kind: str, rank: int) -> list[Case]:
    name, shape = f"Adaptive{kind}Pooling{rank}D", _image(rank)
    return [
        Case(name, {"output_size": 2}, [shape]),
        Case(name, {"output_size": 3}, [shape], why="windows of different sizes that overlap"),
        # TensorFlow dies (SIGFPE) of adaptive maxima of size 1.
        *([Case(name, {"output_size": 1}, [shape])] if kind == "Average" else []),
        Case(name, {"output_size": tuple(range(2, 2 + rank))}, [shape]),
        Case(name, {"output_size": list(range(4, 4 - rank, -1))[:rank]}, [shape]),
        # TensorFlow has no means of integers, and no maxima of them in volumes.
        *(Case(name, {"output_size": 3}, [integers(*shape, high=9, dtype=dtype)])
          for dtype in ("int32", "uint8") if rank < 3 and kind == "Max"),
        Case(name, {"output_size": 3}, [(1, *(2,) * rank, 1)], why="more than there is: values repeat"),
        Case(name, {"output_size": _AXES[rank]}, [shape], why="every window is one value"),
        Case(name, {"output_size": 2}, [(0, *_AXES[rank], 3)], why="an empty batch"),
        Case(name, {"output_size": tuple(range(2, 2 + rank)), "data_format": "channels_first"}, [_image(rank, True)]),
        *(
            Case(name, {"output_size": out}, [(2, *(n + axis for axis in range(rank)), 3)])
            for n, out in (product((5, 6, 8, 11), (2, 3, 4)) if rank < 3 else product((4, 5), (2, 3)))
        ),
        Case(name, {"output_size": 3, "trainable": False}, [shape]),
        Case(name, {"output_size": 2, "data_format": "channels_first"}, [_image(rank, True)]),
        Case(name, {"output_size": 3, "name": "pool", "activity_regularizer": "l2"}, [shape]),
        Case(name, {"output_size": (2,) * (rank + 1)}, [shape], raises=True),
        Case(name, {"output_size": "2"}, [shape], raises=True),
        Case(name, {"output_size": None}, [shape], raises=True),
        Case(name, {"output_size": 2.0}, [shape], raises=True),
        Case(name, {"output_size": 0}, [shape], raises=True),
        Case(name, {"output_size": -1}, [shape], raises=True),
        Case(name, {"output_size": 2, "data_format": "last"}, [shape], raises=True),
    ]  # fmt: skip


_MASKED = [
    *(
        Case("GlobalAveragePooling1D", {"data_format": data_format, "keepdims": keepdims}, [shape], masks=[mask(3, 5)])
        for data_format, shape in (("channels_last", (3, 5, 4)), ("channels_first", (3, 4, 5)))
        for keepdims in (False, True)
    ),
    Case("GlobalAveragePooling1D", {}, [(3, 5, 4)], masks=[mask(3, 5)], dtype="float16"),
    Case("GlobalAveragePooling1D", {}, [(3, 5, 4)], masks=[mask(3, 5)], dtype="mixed_bfloat16"),
    *(Case("GlobalAveragePooling1D", {}, [integers(3, 5, 4, high=9)], masks=[mask(3, 5)], dtype=dtype)
      for dtype in ("float32", "float16", "float64")),
    Case("GlobalAveragePooling1D", {}, [(3, 5, 4)], {"mask": integers(3, 5, high=2)}, why="a mask of 0 and 1"),
    Case("GlobalAveragePooling1D", {}, [(2, 2, 3)], masks=[values([[True, True], [False, False]], "bool")],
         why="nothing is kept: 0 / 0"),
    Case("GlobalAveragePooling1D", {}, [values([[[nan], [1.0], [2.0]]])], masks=[values([[False, True, True]], "bool")],
         why="what is masked does not count, NaN or not"),
    Case("GlobalMaxPooling1D", {}, [(3, 5, 4)], masks=[mask(3, 5)], why="no mask is looked at"),
]  # fmt: skip

_EQUAL = [[1.0, 1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 0.0, 0.0, 2.0], [1.0, 1.0, 2.0, 2.0, 2.0], [0.0, 1.0, 2.0, 0.0, 0.0]]
_TIES = [
    *(
        Case("MaxPooling1D", config, [values([[[x] for x in row] for row in _EQUAL])], why="the first of equals alone")
        for config in ({}, {"pool_size": 3, "strides": 1}, {"pool_size": 4, "strides": 1, "padding": "same"})
    ),
    *(
        Case("MaxPooling2D", config, [values([[[[x] for x in row] for row in _EQUAL]])], why="the first of equals alone")
        for config in ({}, {"pool_size": 3, "strides": 1}, {"pool_size": 2, "strides": 1, "padding": "same"})
    ),
    Case("GlobalMaxPooling1D", {}, [values([[[x] for x in row] for row in _EQUAL])], why="equals share the gradient"),
    Case("GlobalMaxPooling2D", {}, [values([[[[x] for x in row] for row in _EQUAL]])], why="equals share the gradient"),
    *(
        Case("AdaptiveMaxPooling1D", {"output_size": size}, [values([[[x] for x in row] for row in _EQUAL])],
             why="the first of equals alone")
        for size in (2, 3)
    ),
    *(
        Case("AdaptiveMaxPooling2D", {"output_size": size}, [values([[[[x] for x in row] for row in _EQUAL]])],
             why="the first of equals along the height, then along the width")
        for size in (2, 3, (2, 5))
    ),
    Case("AdaptiveMaxPooling3D", {"output_size": 2}, [integers(2, 5, 4, 3, 2, high=3, dtype="float32")],
         why="the first of equals along the depth, the height, the width"),
    Case("MaxPooling3D", {"pool_size": 2, "padding": "same"}, [integers(2, 5, 4, 3, 2, high=3, dtype="float32")],
         why="the first of equals alone"),
]  # fmt: skip

_INTEGERS = [
    Case(name, {"pool_size": 2, "padding": padding}, [integers(*shape, 3, low=-9, high=9, dtype=dtype)])
    for name, shape in (("MaxPooling1D", (2, 5)), ("MaxPooling2D", (2, 4, 5)))
    for padding in ("valid", "same")
    for dtype in ("int32", "int64", "int8")
]

CASES = [
    *(case for rank in (1, 2, 3) for kind in ("Max", "Average") for case in _pooling(kind, rank)),
    *(case for rank in (1, 2, 3) for kind in ("Max", "Average") for case in _global(kind, rank)),
    *(case for rank in (1, 2, 3) for kind in ("Max", "Average") for case in _adaptive(kind, rank)),
    *_MASKED,
    *_TIES,
    *_INTEGERS,
]
