"""Cases of the layers that reshape."""

from parity.case import Case, integers, mask

_FLATTEN = [
    Case("Flatten", {}, [(2, 3, 4)]),
    Case("Flatten", {}, [(3,)], why="rank 1 gets an axis"),
    Case("Flatten", {}, [(7, 5)]),
    Case("Flatten", {}, [(2, 3, 4, 5)]),
    Case("Flatten", {}, [(2, 3, 1, 4, 5)]),
    Case("Flatten", {}, [(1, 1, 1)]),
    Case("Flatten", {"data_format": "channels_last"}, [(2, 3, 4)]),
    *(
        Case("Flatten", {"data_format": "channels_first"}, [shape], why="the channels come to the end first")
        for shape in ((3,), (7, 5), (2, 3, 4), (2, 3, 4, 5), (1, 3, 4, 2, 5))
    ),
    Case("Flatten", {"data_format": "Channels_First"}, [(2, 3, 4)]),
    Case("Flatten", {}, [(0, 3, 4)]),
    Case("Flatten", {"data_format": "channels_first"}, [(0, 3, 4)]),
    Case("Flatten", {}, [(2, 0, 4)]),
    Case("Flatten", {}, [integers(2, 3, 4, high=9)]),
    Case("Flatten", {}, [mask(2, 3)]),
    Case("Flatten", {"dtype": "bfloat16", "name": "flat", "trainable": False}, [(2, 3, 4)]),
    Case("Flatten", {"activity_regularizer": "l1"}, [(2, 3, 4)]),
    Case("Flatten", {}, [()], raises=True),
    Case("Flatten", {"data_format": "last"}, [(2, 3)], raises=True),
]

_RESHAPE = [
    Case("Reshape", {"target_shape": (2, 6)}, [(5, 3, 4)]),
    Case("Reshape", {"target_shape": (-1,)}, [(2, 3, 4)]),
    Case("Reshape", {"target_shape": [3, -1]}, [(2, 4, 6)]),
    Case("Reshape", {"target_shape": (-1, 2, 3)}, [(2, 4, 6)]),
    Case("Reshape", {"target_shape": (None, 3)}, [(2, 4, 6)], why="None is -1"),
    Case("Reshape", {"target_shape": (1, 12, 1)}, [(2, 3, 4)]),
    Case("Reshape", {"target_shape": ()}, [(3, 1)], why="no axis but the batch is left"),
    Case("Reshape", {"target_shape": (1, 1)}, [(3,)]),
    Case("Reshape", {"target_shape": (5, 4, 3)}, [(2, 3, 4, 1, 5)]),
    Case("Reshape", {"target_shape": (-1, 2)}, [(0, 3, 4)], why="-1 in an empty batch"),
    Case("Reshape", {"target_shape": (4, 0)}, [(2, 0, 3)]),
    Case("Reshape", {"target_shape": (-1, 4)}, [(2, 0, 3)]),
    Case("Reshape", {"target_shape": (2, -1)}, [integers(2, 3, 4, high=9, dtype="int64")]),
    Case("Reshape", {"target_shape": (12,)}, [(2, 3, 4)], masks=[mask(2, 3)], why="a mask stops here"),
    Case("Reshape", {"target_shape": (5,)}, [(2, 3, 4)], raises=True),
    Case("Reshape", {"target_shape": (5,)}, [(0, 3, 4)], raises=True, why="also in an empty batch"),
    Case("Reshape", {"target_shape": (5, -1)}, [(2, 3, 4)], raises=True),
    Case("Reshape", {"target_shape": (0, -1)}, [(2, 3, 0)], raises=True),
    Case("Reshape", {"target_shape": (-1, -1)}, [(2, 3, 4)], raises=True),
    Case("Reshape", {"target_shape": (-2, 3)}, [(2, 3, 4)], raises=True),
    Case("Reshape", {"target_shape": 12}, [(2, 3, 4)], raises=True),
]

_PERMUTE = [
    Case("Permute", {"dims": (2, 1)}, [(2, 3, 4)]),
    Case("Permute", {"dims": [1, 2]}, [(2, 3, 4)]),
    Case("Permute", {"dims": (1,)}, [(2, 3)]),
    Case("Permute", {"dims": ()}, [(3,)]),
    Case("Permute", {"dims": (3, 1, 2)}, [(2, 3, 4, 5)], why="not its own inverse"),
    Case("Permute", {"dims": (2, 4, 1, 3)}, [(2, 3, 4, 1, 5)]),
    Case("Permute", {"dims": (2, 1)}, [(0, 3, 4)]),
    Case("Permute", {"dims": (2, 1)}, [integers(2, 3, 4, high=9, dtype="int8")]),
    Case("Permute", {"dims": (2, 1)}, [(2, 3, 4)], masks=[mask(2, 3)], why="a mask stops here"),
    Case("Permute", {"dims": (2, 1)}, [(2, 3)], raises=True),
    Case("Permute", {"dims": (0, 1)}, [(2, 3, 4)], raises=True),
    Case("Permute", {"dims": (1, 1)}, [(2, 3, 4)], raises=True),
    Case("Permute", {"dims": 1}, [(2, 3)], raises=True),
]

_REPEAT_VECTOR = [
    Case("RepeatVector", {"n": 3}, [(2, 5)]),
    Case("RepeatVector", {"n": 1}, [(2, 5)]),
    Case("RepeatVector", {"n": 4}, [(1, 1)]),
    Case("RepeatVector", {"n": 3}, [(0, 5)]),
    Case("RepeatVector", {"n": 3}, [(2, 0)]),
    Case("RepeatVector", {"n": 3}, [integers(2, 5, high=9)]),
    Case("RepeatVector", {"n": 3}, [(2, 5)], masks=[mask(2)], why="a mask stops here"),
    Case("RepeatVector", {"n": 3, "activity_regularizer": "l2"}, [(2, 5)]),
    Case("RepeatVector", {"n": 0}, [(2, 5)], raises=True),
    Case("RepeatVector", {"n": 2.0}, [(2, 5)], raises=True),
    Case("RepeatVector", {"n": True}, [(2, 5)], raises=True),
    Case("RepeatVector", {"n": 3}, [(2, 5, 4)], raises=True),
]

CASES = [*_FLATTEN, *_RESHAPE, *_PERMUTE, *_REPEAT_VECTOR]
