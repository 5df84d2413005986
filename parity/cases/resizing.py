"""Cases of Resizing. TensorFlow has gradients of Lanczos and of antialias in float32 alone, and of area not at all."""

from parity.case import Case, integers, mask, uniform, values

_FIRST = {"data_format": "channels_first"}
_FLOATING = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
_ALL = (*_FLOATING, "area")
# From a size to another: shrinking, growing, one of each, odd and even, from 1 and to 1, and no change.
_SIZES = (
    ((7, 5), (3, 4)),
    ((5, 6), (9, 11)),
    ((8, 3), (5, 7)),
    ((3, 10), (7, 4)),
    ((1, 4), (3, 1)),
    ((4, 1), (1, 6)),
    ((1, 1), (2, 5)),
    ((4, 6), (4, 6)),
)
# Of integers: an odd number of pixels before and after, or powers of 2. Elsewhere a result can be half an integer but for
# the rounding of its weights, which then decides.
_INTEGER_SIZES = (
    ((7, 5), (3, 5)),
    ((5, 3), (9, 11)),
    ((9, 3), (5, 7)),
    ((8, 2), (4, 4)),
    ((1, 5), (3, 1)),
    ((5, 1), (1, 7)),
    ((1, 1), (3, 5)),
)


def _config(size: tuple[int, int], **more: object) -> dict[str, object]:
    return {"height": size[0], "width": size[1], **more}


def _shape(size: tuple[int, int], data_format: str) -> tuple[int, ...]:
    return (2, *size, 3) if data_format == "channels_last" else (2, 3, *size)


_PLAIN = [
    Case("Resizing", _config((4, 9)), [(2, 7, 5, 3)]),
    *(
        Case("Resizing", _config(after, interpolation=interpolation, antialias=antialias), [(2, *before, 3)])
        for interpolation in _FLOATING
        for antialias in (False, True)
        for before, after in _SIZES
    ),
    *(
        Case("Resizing", _config((4, 9), interpolation=interpolation, **_FIRST), [(2, 3, 7, 5)])
        for interpolation in _FLOATING
    ),
    *(
        Case("Resizing", _config((6, 4), interpolation=interpolation, data_format=data_format), [shape], why="one image")
        for interpolation in _FLOATING
        for data_format, shape in (("channels_last", (5, 7, 2)), ("channels_first", (2, 5, 7)))
    ),
    *(
        Case("Resizing", _config((after, before), interpolation="nearest"), [(1, before, after, 2)],
             why="where a centre falls on an edge, float32's rounding decides")
        for before, after in ((9, 6), (15, 10), (10, 4), (3, 2), (14, 21), (12, 5), (30, 20), (22, 7))
    ),
    *(
        Case("Resizing", _config((21, 7), interpolation="bicubic"), [(1, 13, 11, 2)], dtype=dtype,
             why="TensorFlow's weights come from a table of 1024 steps")
        for dtype in ("float32", "float64")
    ),
    *(Case("Resizing", _config((3, 13), interpolation=i, antialias=True), [(1, 29, 17, 1)], why="a wide kernel")
      for i in _FLOATING),
]  # fmt: skip

_ASPECT = [
    *(
        Case("Resizing", _config(after, data_format=data_format, **keep), [_shape(before, data_format)])
        for keep in ({"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 1.5})
        for data_format in ("channels_last", "channels_first")
        for before, after in (
            ((7, 5), (4, 3)), ((5, 9), (4, 3)), ((6, 6), (3, 5)), ((4, 9), (8, 2)), ((1, 7), (3, 2)), ((8, 1), (2, 3)),
            ((3, 4), (6, 8)), ((11, 2), (3, 7)),
        )
    ),
    *(
        Case("Resizing", _config((4, 3), interpolation=interpolation, **keep), [(2, 5, 9, 3)])
        for interpolation in ("nearest", "bicubic", "lanczos3")
        for keep in ({"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": -2.0})
    ),
    *(
        Case("Resizing", _config((4, 3), data_format=data_format, **keep), [shape], why="one image")
        for keep in ({"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 3})
        for data_format, shape in (("channels_last", (5, 9, 2)), ("channels_first", (2, 5, 9)))
    ),
    Case("Resizing", _config((4, 3), pad_to_aspect_ratio=True), [(2, 5, 9, 3)], why="filled with 0"),
    Case("Resizing", _config((4, 4), pad_to_aspect_ratio=True, fill_value=9.0), [(1, 5, 6, 2)],
         why="half of 1 is 0: no border"),
    Case("Resizing", _config((4, 4), pad_to_aspect_ratio=True, fill_value=9.0), [(1, 5, 8, 2)],
         why="half of 3 is 1: the border is a row short"),
    Case("Resizing", _config((4, 4), crop_to_aspect_ratio=True), [(1, 5, 8, 2)], why="half of 3 is 1: from column 1"),
    Case("Resizing", _config((5, 3), pad_to_aspect_ratio=True, fill_value=7), [integers(2, 5, 9, 3, high=99)]),
    Case("Resizing", _config((7, 5), crop_to_aspect_ratio=True), [integers(2, 5, 9, 3, high=99)]),
    Case("Resizing", _config((4, 3), fill_mode="constant", fill_value=5.0), [(2, 5, 9, 3)], why="nothing to fill"),
]  # fmt: skip

_INTEGERS = [
    *(
        Case("Resizing", _config(after, interpolation=interpolation, antialias=antialias),
             [integers(1, *before, 2, high=198, dtype="uint8")], why="rounded, and still integers")
        for interpolation in _ALL
        for antialias in (False, True)
        for before, after in (((5, 3), (9, 11)), ((11, 7), (7, 5)))
    ),
    *(
        Case("Resizing", _config((4, 7), interpolation="bicubic"), [integers(2, 5, 3, 4, low=low, high=high, dtype=dtype)],
             why="what leaves the range of the dtype stays at its end")
        for dtype, low, high in (("uint8", 0, 256), ("int8", -128, 128), ("int16", -32768, 32768))
    ),
    *(
        Case("Resizing", _config((9, 7), interpolation=interpolation),
             [integers(2, 5, 3, 4, low=-90, high=90, dtype=dtype)])
        for interpolation in ("nearest", "bilinear", "area")
        for dtype in ("int8", "int16", "int32", "int64")
    ),
    *(
        Case("Resizing", _config(after, interpolation="area", data_format=data_format),
             [integers(*_shape(before, data_format), high=9000)])
        for data_format in ("channels_last", "channels_first")
        for before, after in _INTEGER_SIZES
    ),
    Case("Resizing", _config((1, 4)), [values([[[[0], [1], [2], [3]], [[1], [2], [3], [4]]]], "int32")],
         why="halves go to the even integer"),
    Case("Resizing", _config((9, 7)), [integers(2, 5, 3, 4, high=99)], dtype="bfloat16",
         why="integers are not cast to the compute dtype"),
    Case("Resizing", _config((4, 7), interpolation="bicubic"), [integers(2, 5, 3, 4, high=99)], dtype="mixed_float16"),
]  # fmt: skip

_OTHER = [
    *(
        Case("Resizing", _config((3, 8), interpolation=interpolation), [(2, 7, 5, 3)], dtype=dtype)
        for interpolation in ("nearest", "bilinear")
        for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    ),
    *(Case("Resizing", _config((3, 4), interpolation=i), [(0, 7, 5, 3)], why="an empty batch")
      for i in ("bilinear", "nearest", "bicubic", "lanczos3")),
    Case("Resizing", _config((5, 3), antialias=True), [uniform(2, 9, 8, 3, low=0, high=255)]),
    Case("Resizing", _config((5, 3)), [(2, 4, 6, 3)], masks=[mask(2, 4)], why="a mask stops here"),
    Case("Resizing", _config((5, 3), dtype="bfloat16", name="small", trainable=False), [(2, 4, 6, 3)]),
    Case("Resizing", _config((5, 3), activity_regularizer="l2"), [(2, 4, 6, 3)]),
    Case("Resizing", _config((5, 3), data_format="Channels_First"), [(2, 4, 6, 3)]),
    Case("Resizing", _config((5, 3), interpolation="linear"), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3), interpolation="Bilinear"), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((0, 3)), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, -3)), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3)), [(2, 0, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3), factor=None, bounding_box_format="xyxy"), [(2, 4, 6, 3)]),
    Case("Resizing", _config((5, 3), factor=0.5), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3), fill_mode="reflect"), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3), data_format="first"), [(2, 4, 6, 3)], raises=True),
    Case("Resizing", _config((5, 3)), [(4, 6)], raises=True),
    Case("Resizing", _config((5, 3)), [(1, 2, 4, 6, 3)], raises=True),
]  # fmt: skip

CASES = [*_PLAIN, *_ASPECT, *_INTEGERS, *_OTHER]
