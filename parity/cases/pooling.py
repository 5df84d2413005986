"""Cases of the pooling layers."""

from itertools import product

from parity.case import Case, integers, mask, normal

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
    pairs = tuple(range(2, 2 + rank))
    return [
        Case(name, {"pool_size": 2}, [shape]),
        Case(name, {"pool_size": 2, "padding": "same"}, [shape], why="no zeros, and what is padded does not count"),
        Case(name, {"pool_size": pairs, "strides": pairs[::-1], "padding": "same"}, [shape]),
        Case(name, {"pool_size": 2, "data_format": "channels_first"}, [_image(rank, first=True)]),
        Case(name, {"pool_size": 3, "strides": 2, "padding": "same", "data_format": "channels_first"}, [_image(rank, True)]),
        Case(name, {"pool_size": 4, "strides": 1, "padding": "same"}, [(1, *(2,) * rank, 3)], why="larger than the input"),
        Case(name, {"pool_size": 2, "strides": 3, "padding": "same"}, [(2, *(1,) * rank, 3)], why="axes of size 1"),
        Case(name, {"pool_size": 2, "padding": "SAME"}, [shape]),
        Case(name, {"pool_size": 2, "dtype": "float32", "trainable": False, "name": "pool"}, [shape]),
        Case(name, {"pool_size": 2, "activity_regularizer": "l2"}, [shape]),
        Case(name, {"pool_size": 2, "padding": "smae"}, [shape], raises=True),
        Case(name, {"pool_size": 0}, [shape], raises=True),
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
        Case(name, {"output_size": 2, "data_format": "channels_first"}, [_image(rank, True)]),
        Case(name, {"output_size": 3, "name": "pool", "activity_regularizer": "l2"}, [shape]),
        Case(name, {"output_size": (2,) * (rank + 1)}, [shape], raises=True),
        Case(name, {"output_size": "2"}, [shape], raises=True),
        Case(name, {"output_size": 2, "data_format": "last"}, [shape], raises=True),
    ]


_STEPS = [
    Case("GlobalAveragePooling1D", {}, [(3, 5, 4)], masks=[mask(3, 5)], why="the mean of what the mask keeps"),
    Case("GlobalAveragePooling1D", {"keepdims": True}, [(3, 5, 4)], masks=[mask(3, 5)]),
    Case("GlobalAveragePooling1D", {"data_format": "channels_first"}, [(3, 4, 5)], masks=[mask(3, 5)]),
    Case("GlobalMaxPooling2D", {}, [integers(2, 4, 5, 3, high=9)]),
    Case("MaxPooling2D", {"pool_size": 2}, [integers(2, 4, 5, 3, high=9)]),
]

CASES = [
    *(case for rank in (1, 2, 3) for kind in ("Max", "Average") for case in _pooling(kind, rank)),
    *(case for rank in (1, 2, 3) for kind in ("Max", "Average") for case in _global(kind, rank)),
    *(case for rank in (1, 2, 3) for kind in ("Max", "Average") for case in _adaptive(kind, rank)),
    *_STEPS,
]
