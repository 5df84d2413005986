"""Cases of the layers that enlarge images, volumes and sequences."""

from parity.case import Case, integers, mask, uniform

_CHANNELS_FIRST = {"data_format": "channels_first"}
_SMOOTH = ("bilinear", "bicubic", "lanczos3", "lanczos5")

_ONE = [
    Case("UpSampling1D", {"size": 3}, [(2, 5, 4)]),
    *(
        Case("UpSampling1D", {"size": size}, [shape])
        for size in (1, 2, 5)
        for shape in ((2, 5, 4), (1, 7, 1), (3, 1, 2))
    ),
    Case("UpSampling1D", {}, [(2, 3, 5)]),
    Case("UpSampling1D", {"size": 41}, [(1, 2, 3)], why="1 / 41 in float32, times 41, is not 1"),
    Case("UpSampling1D", {}, [(0, 3, 5)], why="an empty batch"),
    Case("UpSampling1D", {}, [(2, 0, 5)], why="an empty sequence"),
    *(Case("UpSampling1D", {}, [integers(2, 3, 5, high=99, dtype=dtype)]) for dtype in ("uint8", "int32", "int64")),
    Case("UpSampling1D", {}, [mask(2, 3, 5)]),
    Case("UpSampling1D", {}, [(2, 3, 5)], masks=[mask(2, 3)], why="a mask stops here"),
    Case("UpSampling1D", {"dtype": "bfloat16", "name": "up", "trainable": False}, [(2, 3, 4)]),
    Case("UpSampling1D", {"activity_regularizer": "l2"}, [(2, 3, 4)]),
    Case("UpSampling1D", {"size": 0}, [(2, 3, 4)], raises=True),
    Case("UpSampling1D", {"size": 2.0}, [(2, 3, 4)], raises=True),
    Case("UpSampling1D", {"size": True}, [(2, 3, 4)], raises=True),
    Case("UpSampling1D", {}, [(2, 3)], raises=True),
]

_TWO = [
    Case("UpSampling2D", {"size": (2, 3)}, [(2, 5, 4, 3)]),
    *(
        Case("UpSampling2D", {"size": size, **data_format}, [shape], why="rows and columns have their own factors")
        for data_format in ({}, _CHANNELS_FIRST)
        for size in (1, 2, (3, 1), [1, 4], (2, 5))
        for shape in ((2, 3, 5, 4), (1, 7, 1, 3), (3, 1, 2, 1))
    ),
    Case("UpSampling2D", {}, [(2, 3, 4, 5)]),
    Case("UpSampling2D", {"size": (41, 47)}, [(1, 2, 3, 1)], why="1 / 41 in float32, times 41, is not 1"),
    *(
        Case("UpSampling2D", {"size": size, "interpolation": interpolation, **data_format}, [shape])
        for interpolation in _SMOOTH
        for data_format in ({}, _CHANNELS_FIRST)
        for size, shape in (
            (2, (2, 5, 4, 3)),
            ((3, 2), (2, 3, 7, 5)),
            ((1, 3), (1, 6, 5, 2)),
            ((2, 7), (3, 1, 2, 4)),
            ((5, 2), (1, 2, 1, 1)),
        )
    ),
    Case("UpSampling2D", {"size": 1, "interpolation": "bicubic"}, [(2, 3, 4, 5)], why="nothing to do"),
    Case("UpSampling2D", {"interpolation": "BiLinear"}, [(2, 3, 5, 4)], why="in any case"),
    *(
        Case("UpSampling2D", {"interpolation": interpolation}, [integers(2, 4, 3, 5, high=250, dtype=dtype)])
        for interpolation in ("nearest", *_SMOOTH, "area")
        for dtype in ("uint8", "int32")
    ),
    *(
        Case("UpSampling2D", {"interpolation": "bicubic"}, [integers(2, 4, 3, 5, low=low, high=high, dtype=dtype)],
             why="what leaves the range of the dtype stays at its end")
        for dtype, low, high in (("uint8", 0, 256), ("int8", -128, 128), ("int16", -32768, 32768))
    ),
    Case("UpSampling2D", {}, [mask(2, 3, 4, 5)]),
    *(
        Case("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}, [(2, 5, 4, 3)], dtype=dtype)
        for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    ),
    *(
        Case("UpSampling2D", {"interpolation": interpolation}, [integers(1, 3, 4, 2, high=99)], dtype=dtype)
        for interpolation in ("bilinear", "bicubic")
        for dtype in ("float16", "mixed_bfloat16")
    ),
    *(Case("UpSampling2D", {"interpolation": i}, [(0, 3, 5, 4)], why="an empty batch") for i in ("nearest", "bilinear")),
    Case("UpSampling2D", {"interpolation": "bilinear"}, [uniform(2, 3, 5, 4, low=0, high=255)]),
    Case("UpSampling2D", {}, [(2, 3, 4, 5)], masks=[mask(2, 3)], why="a mask stops here"),
    Case("UpSampling2D", {"size": (1, 2), "dtype": "bfloat16", "name": "up", "trainable": False}, [(2, 3, 4, 5)]),
    Case("UpSampling2D", {"activity_regularizer": "l2", "interpolation": "bilinear"}, [(2, 3, 4, 5)]),
    Case("UpSampling2D", {"interpolation": "linear"}, [(2, 3, 4, 5)], raises=True),
    *(Case("UpSampling2D", {"size": (2, 3)}, [shape], why="no pixels to repeat") for shape in ((2, 0, 3, 4), (2, 3, 4, 0))),
    Case("UpSampling2D", {"interpolation": "bilinear"}, [(2, 0, 3, 4)], raises=True),
    Case("UpSampling2D", {"size": (2, 0)}, [(2, 3, 4, 5)], raises=True),
    Case("UpSampling2D", {"size": (2, 3, 4)}, [(2, 3, 4, 5)], raises=True),
    Case("UpSampling2D", {"data_format": "last"}, [(2, 3, 4, 5)], raises=True),
    Case("UpSampling2D", {}, [(2, 3, 4)], raises=True),
]  # fmt: skip

_THREE = [
    Case("UpSampling3D", {"size": (2, 1, 3)}, [(2, 5, 4, 3, 2)]),
    *(
        Case("UpSampling3D", {"size": size, **data_format}, [shape], why="each axis has its own factor")
        for data_format in ({}, _CHANNELS_FIRST)
        for size in (1, 2, (3, 1, 2), [1, 4, 2])
        for shape in ((2, 3, 4, 5, 6), (1, 1, 3, 2, 1))
    ),
    Case("UpSampling3D", {}, [(2, 3, 4, 1, 5)]),
    Case("UpSampling3D", {}, [(0, 3, 2, 4, 5)], why="an empty batch"),
    Case("UpSampling3D", {}, [(2, 3, 0, 4, 5)], why="an axis of size 0"),
    Case("UpSampling3D", {}, [integers(2, 3, 4, 1, 5, high=99)]),
    Case("UpSampling3D", {"activity_regularizer": "l2", "name": "up"}, [(2, 3, 4, 1, 5)]),
    Case("UpSampling3D", {"size": (2, 2)}, [(2, 3, 4, 1, 5)], raises=True),
    Case("UpSampling3D", {"size": -1}, [(2, 3, 4, 1, 5)], raises=True),
    Case("UpSampling3D", {"data_format": "channels"}, [(2, 3, 4, 1, 5)], raises=True),
    Case("UpSampling3D", {}, [(2, 3, 4, 5)], raises=True),
]

CASES = [*_ONE, *_TWO, *_THREE]
