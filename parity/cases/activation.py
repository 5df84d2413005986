"""Cases of the activation layers."""

from parity.case import Case, integers, mask, normal, values

# 0, both signs of the thresholds used below, and what overflows an exponential.
KINKS = values([[0.0, -0.0, 1.0, -1.0, 1.5, -1.5, 3.0], [6.0, -6.0, 0.25, -50.0, 50.0, -1e4, 1e4]])
INFINITE = values([[float("inf"), -float("inf"), 1.0, -2.0]])
INTEGERS = integers(2, 5, low=-9, high=9)

_RELU = [
    Case("ReLU", {}, [(7, 5)]),
    Case("ReLU", {"max_value": 1.5, "negative_slope": 0.25, "threshold": 0.5}, [(2, 3, 4, 5)]),
    *(
        Case("ReLU", config, [KINKS])
        for config in (
            {},
            {"max_value": 6},
            {"max_value": 6.0, "threshold": 1.0},
            {"max_value": 1.5},
            {"max_value": 0.0},
            {"negative_slope": 0.25},
            {"negative_slope": 1.0, "threshold": 1.0},
            {"threshold": 1.5},
            {"threshold": 3.0, "max_value": 1.0},
            {"negative_slope": 0.5, "max_value": 3.0},
            {"negative_slope": 0.25, "max_value": 6.0},
            {"negative_slope": 0.25, "max_value": 3.0, "threshold": 1.0},
        )
    ),
    Case("ReLU", {"negative_slope": 0.1}, [(3, 5)], why="TensorFlow rounds the slope to float32"),
    Case("ReLU", {}, [INFINITE]),
    Case("ReLU", {}, [(4,)]),
    Case("ReLU", {}, [()]),
    Case("ReLU", {}, [(1, 2, 3, 1, 4)]),
    Case("ReLU", {}, [(0, 5)]),
    Case("ReLU", {}, [(2, 3, 5)], masks=[mask(2, 3)]),
    Case("ReLU", {}, [INTEGERS], why="integers stay integers"),
    Case("ReLU", {"max_value": 3}, [INTEGERS]),
    Case("ReLU", {"max_value": 6}, [INTEGERS]),
    Case("ReLU", {"threshold": 2.5}, [INTEGERS], why="the threshold is cut to an integer"),
    Case("ReLU", {"activity_regularizer": {"class_name": "L2", "config": {"l2": 0.25}}}, [(3, 5)]),
    Case("ReLU", {"activity_regularizer": {"class_name": "L2", "config": {"l2": 0.25}}}, [(0, 5)]),
    Case("ReLU", {"dtype": "mixed_bfloat16", "name": "clip", "trainable": False}, [(3, 5)]),
    Case("ReLU", {"max_value": -1.0}, [(3, 5)], raises=True),
    Case("ReLU", {"negative_slope": -0.1}, [(3, 5)], raises=True),
    Case("ReLU", {"negative_slope": None}, [(3, 5)], raises=True),
    Case("ReLU", {"threshold": -0.5}, [(3, 5)], raises=True),
    Case("ReLU", {"threshold": None}, [(3, 5)], raises=True),
]

_LEAKY_RELU = [
    Case("LeakyReLU", {"negative_slope": 0.25}, [(7, 5)]),
    Case("LeakyReLU", {}, [(7, 5)], why="the slope is 0.3, which TensorFlow rounds to float32"),
    Case("LeakyReLU", {"negative_slope": 0}, [KINKS]),
    Case("LeakyReLU", {"negative_slope": 0.25}, [KINKS]),
    Case("LeakyReLU", {"negative_slope": 1.5}, [KINKS], why="a slope above 1"),
    Case("LeakyReLU", {"negative_slope": 0.25}, [INFINITE]),
    Case("LeakyReLU", {"negative_slope": 0.25}, [(2, 1, 3, 4, 5)]),
    Case("LeakyReLU", {"negative_slope": 0.25}, [(0, 5)]),
    Case("LeakyReLU", {"negative_slope": 0.25}, [(2, 3, 5)], masks=[mask(2, 3)]),
    Case("LeakyReLU", {"negative_slope": 0.25}, [INTEGERS], why="integers become floats"),
    Case("LeakyReLU", {"negative_slope": -0.25}, [(3, 5)], raises=True),
    Case("LeakyReLU", {"negative_slope": None}, [(3, 5)], raises=True),
]

_PRELU = [
    Case("PReLU", {"alpha_initializer": {"class_name": "Constant", "config": {"value": 0.25}}}, [(2, 3, 5)]),
    Case("PReLU", {}, [(7, 5)]),
    Case("PReLU", {}, [KINKS], why="the gradient at 0 is 0"),
    Case("PReLU", {}, [(3,)], why="rank 1: a single slope"),
    Case("PReLU", {}, [(2, 3, 4)]),
    Case("PReLU", {}, [(2, 1, 4, 5)]),
    Case("PReLU", {"shared_axes": 1}, [(2, 3, 4, 5)]),
    Case("PReLU", {"shared_axes": [1, 2]}, [(2, 3, 4, 5)], why="as after a convolution"),
    Case("PReLU", {"shared_axes": (3,)}, [(2, 3, 4, 5)]),
    Case("PReLU", {"shared_axes": [1, 2, 3, 4]}, [(2, 3, 4, 5, 6)]),
    Case("PReLU", {"shared_axes": [-1]}, [(2, 3, 4, 5)], why="-1 shares the axis before the last"),
    Case("PReLU", {"shared_axes": 0}, [(2, 3, 4)], why="0 shares the last axis"),
    Case("PReLU", {"shared_axes": []}, [(2, 3, 4)]),
    Case("PReLU", {"alpha_initializer": "ones"}, [(3, 5)]),
    Case("PReLU", {"alpha_regularizer": {"class_name": "L1L2", "config": {"l1": 0.25, "l2": 0.5}}}, [(3, 5)]),
    Case("PReLU", {"alpha_constraint": {"class_name": "NonNeg", "config": {}}}, [(3, 5)]),
    Case("PReLU", {"trainable": False}, [(3, 5)]),
    Case("PReLU", {}, [(0, 5)]),
    Case("PReLU", {}, [(2, 3, 5)], masks=[mask(2, 3)]),
    Case("PReLU", {"shared_axes": 3}, [(2, 3, 4)], raises=True),
    Case("PReLU", {"shared_axes": "1"}, [(2, 3, 4)], raises=True),
]

_ELU = [
    Case("ELU", {}, [(7, 5)]),
    Case("ELU", {"alpha": 0.3}, [(2, 3, 4)]),
    Case("ELU", {}, [KINKS]),
    Case("ELU", {"alpha": 2.5}, [KINKS]),
    Case("ELU", {"alpha": -0.5}, [KINKS], why="a slope of the other sign"),
    Case("ELU", {"alpha": 0}, [KINKS]),
    Case("ELU", {"alpha": 0.3}, [INFINITE]),
    Case("ELU", {"alpha": 0.3}, [(1, 2, 3, 4, 5)]),
    Case("ELU", {"alpha": 0.3}, [(0, 5)]),
    Case("ELU", {"alpha": 0.3}, [(2, 3, 5)], masks=[mask(2, 3)]),
    Case("ELU", {"alpha": None}, [(3, 5)], raises=True),
]

_ALL_OUT = values([[True, False, True], [False, False, False]], "bool")
_SOFTMAX = [
    Case("Softmax", {}, [(7, 5)]),
    Case("Softmax", {"axis": 1}, [(2, 3, 4)]),
    Case("Softmax", {"axis": -2}, [(2, 3, 4, 5)]),
    Case("Softmax", {"axis": 0}, [(3, 5)], why="over the batch"),
    Case("Softmax", {"axis": None}, [(2, 3, 4)], why="over everything"),
    Case("Softmax", {"axis": [1]}, [(2, 3, 4)]),
    Case("Softmax", {"axis": [1, 2]}, [(2, 3, 4, 5)]),
    Case("Softmax", {"axis": (-1, 1)}, [(2, 3, 4, 5)], why="axes that are not neighbours"),
    Case("Softmax", {"axis": [0, 1, 2]}, [(2, 3, 4)]),
    Case("Softmax", {}, [(5,)]),
    Case("Softmax", {}, [(2, 3, 1)], why="one element is 1"),
    Case("Softmax", {}, [(1, 2, 3, 4, 5)]),
    Case("Softmax", {}, [(0, 5)]),
    Case("Softmax", {"axis": [1, 2]}, [(0, 3, 5)]),
    Case("Softmax", {}, [normal(3, 5, scale=300.0)], why="no overflow"),
    Case("Softmax", {}, [values([[-float("inf"), 1.0, 2.0], [-float("inf")] * 3])], why="all -infinity is NaN"),
    Case("Softmax", {}, [(4, 5)], call={"mask": mask(4, 5)}),
    Case("Softmax", {}, [(4, 5)], call={"mask": mask(4, 5)}, dtype="float16", why="-3e4 for -1e9"),
    Case("Softmax", {}, [(4, 5)], masks=[mask(4, 5)]),
    Case("Softmax", {"axis": 1}, [(2, 3, 4)], call={"mask": mask(2, 3, 1)}),
    Case("Softmax", {}, [(2, 3, 4)], call={"mask": mask(4)}, why="a mask of a lower rank fits the last axes"),
    Case("Softmax", {}, [(3, 3, 3)], masks=[mask(3, 3)], why="a mask of (batch, time) is read as (time, features)"),
    Case("Softmax", {"axis": [1, 2]}, [(2, 3, 4)], call={"mask": mask(2, 3, 4)}),
    Case("Softmax", {"axis": [1]}, [(2, 3, 4)], call={"mask": mask(3, 1)}),
    Case("Softmax", {"axis": None}, [(2, 3)], call={"mask": mask(2, 3)}),
    Case("Softmax", {}, [(2, 3)], call={"mask": _ALL_OUT}, why="a row that is all masked gives zeros"),
    Case("Softmax", {}, [(2, 3)], call={"mask": values([[1.0, 0.5, 0.51], [0.0, -1.0, 2.0]])}, why="above 0.5 stays"),
    Case("Softmax", {}, [(2, 3)], call={"mask": values([[1, 0, 2], [0, -1, 1]], "int32")}),
    Case("Softmax", {}, [values([[-2e9, -3e9, 0.0]])], call={"mask": values([[True, True, False]], "bool")},
         why="masked is -1e9, not -infinity"),
    Case("Softmax", {}, [(2, 3, 4)], call={"mask": mask(2, 3)}, raises=True),
    Case("Softmax", {}, [(3, 4)], call={"mask": mask(1, 3, 4)}, raises=True),
    Case("Softmax", {}, [(1, 4)], call={"mask": mask(3, 4)}, raises=True, why="a mask must not enlarge the input"),
    Case("Softmax", {"axis": 2}, [(3, 4)], raises=True),
    Case("Softmax", {"axis": [1, -1]}, [(3, 4)], raises=True),
    Case("Softmax", {"axis": []}, [(3, 4)], raises=True),
]  # fmt: skip

_ACTIVATION = [
    Case("Activation", {"activation": "tanh"}, [(7, 5)]),
    Case("Activation", {"activation": "relu"}, [(2, 3, 4)]),
    Case("Activation", {"activation": "softmax"}, [(2, 3, 4, 5)]),
    Case("Activation", {"activation": "leaky_relu"}, [(3, 5)], why="the slope is 0.2, rounded to float32"),
    Case("Activation", {"activation": "hard_sigmoid"}, [(3, 5)], why="Keras 3's, not Keras 2's"),
    Case("Activation", {"activation": "swish"}, [(3, 5)]),
    Case("Activation", {"activation": None}, [(3, 5)]),
    Case("Activation", {"activation": "linear"}, [INTEGERS]),
    Case("Activation", {"activation": "relu6"}, [INTEGERS]),
    Case("Activation", {"activation": {"class_name": "function", "module": "builtins", "config": "elu",
                                       "registered_name": "function"}}, [(3, 5)]),
    Case("Activation", {"activation": "tanh"}, [(2, 3, 5)], masks=[mask(2, 3)]),
    Case("Activation", {"activation": "tanh"}, [(0, 5)]),
    Case("Activation", {"activation": "tanh", "activity_regularizer": "l2"}, [(3, 5)]),
    Case("Activation", {"activation": "rlu"}, [(3, 5)], raises=True),
]  # fmt: skip

CASES = [*_RELU, *_LEAKY_RELU, *_PRELU, *_ELU, *_SOFTMAX, *_ACTIVATION]
